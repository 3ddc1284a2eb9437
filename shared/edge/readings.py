"""Which requests are noted in the audit before they are answered: reads about a person, and all refusals.

The edge calls this for every read and every refusal, so no route can forget it. Of the caller's own words only the
purpose of a read is kept. An identifier from path or body is kept only if it is one of the platform's own. Refusals
of one person that repeat within a minute are counted and not noted again.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, current_app, g, request

from shared.edge.paths import in_snake_case
from shared.edge.ports import commands_of_this_app
from shared.edge.repetitions import Repetitions
from shared.language.access import Actor
from shared.language.errors import CODES, Refused
from shared.language.forms import CODE, ID
from shared.language.programmes import Action
from shared.runtime.reads import Reading
from shared.telemetry.metrics import metric
from shared.telemetry.traces import trace_id

GIVEN = "given"
KEPT_FROM = frozenset({403, 404})
"""Statuses that keep somebody from a person or a journey."""
KEPT_UNREAD = frozenset({"participant-erased"})
"""Further codes of a read that are noted."""
KEPT_WAITING = "not-yet-seen"
"""With a vector, a caller without a part gets this code too."""
IMPERSONAL: frozenset[Action] = frozenset({"log_output", "read_report"})
"""Actions that concern no single person, unless the view says otherwise (`points_at_people`); every other is noted."""
KEEPING = "keep_register"
NAMING: Mapping[str, str] = {
    "participant_id": "handle",
    "journey_id": "journey",
    "handover_id": "handover",
    "report_id": "report",
    "follow_up_id": "follow-up",
}
"""{its name in a body, and in camelCase in a path: the kind of the named thing}; the first match counts."""
NAMED_ID = re.compile(rf"[hj]-{ID}(\.{CODE})?")
EXTENSION = "repetitions"

log = structlog.get_logger()


def prepare(app: Flask) -> None:
    """Give the application its memory of the refusals of the last minute."""
    app.extensions[EXTENSION] = Repetitions()


def points_at_people(subject: str) -> None:
    """Have this request noted though its action concerns no single person. Call it before the use case runs.

    subject: what is read, as the row of a reading names it. A refused request's row leaves it out, because it may then
    hold what the caller made up.
    """
    g.points_at_people = subject


def note_given(body: Mapping[str, Any], *, named: bool) -> None:
    """Note that this was read. named: one person or journey, and not a list. Raises Busy: then nothing may leave."""
    listed = next((len(value) for value in body.values() if isinstance(value, list)), None)
    _note(GIVEN, None if named else listed)


def note_refused(error: Refused) -> None:
    """Note a refusal, if it kept the caller from a person or a journey. Raises Busy."""
    reads = request.method in ("GET", "HEAD")
    kept = CODES[error.code].status in KEPT_FROM or error.code == KEPT_WAITING
    if kept or (reads and error.code in KEPT_UNREAD):
        _note(error.code)


def note_refused_rows(codes: Mapping[str, int]) -> None:
    """Note the refused rows of one file: one audit row per reason, with the count. Raises Busy."""
    for code, count in codes.items():
        if CODES[code].status in KEPT_FROM:
            _note(code, count)


def _note(came_to: str, count: int | None = None) -> None:
    action = getattr(current_app.view_functions.get(request.endpoint or ""), "action", None)
    exact = g.get("points_at_people")
    if exact is None and (action is None or action in IMPERSONAL):
        return
    if "actor" not in g:
        return
    # Who keeps the register has no action of the role map.
    action = action or KEEPING
    who: Actor = g.actor
    commands = commands_of_this_app()
    repetitions: Repetitions = current_app.extensions[EXTENSION]
    reader, now, subject = (who.person, who.organisation), time.monotonic(), _named()
    if exact is not None and came_to == GIVEN:
        subject = exact
    refusal = (action, came_to, subject)
    if came_to != GIVEN and repetitions.folds(reader, refusal, now):
        metric("journey_refusals_folded_total").inc()
        if repetitions.is_first_folded(reader):
            log.warning("refusals-folded", person=who.person, organisation=who.organisation, action=action)
        return
    commands.account(
        Reading(
            person=who.person,
            organisation=who.organisation,
            duty=who.duty,
            action=action,
            route=f"{request.method} {request.url_rule}",
            subject=subject,
            count=count,
            purpose=g.get("purpose"),
            came_to=came_to,
            trace_id=trace_id(),
        )
    )
    if came_to != GIVEN:
        repetitions.noted(reader, refusal, now)


def _named() -> str | None:
    """The person or journey that the request names in its path or body; None where it is no id of ours."""
    # The body only if it was read: nothing is read for somebody who is refused.
    said: dict[str, Any] = {**g.get("said", {}), **in_snake_case(request.view_args or {})}
    for name, kind in NAMING.items():
        if isinstance(said.get(name), str) and NAMED_ID.fullmatch(said[name]):
            return f"{kind}/{said[name]}"
    return None
