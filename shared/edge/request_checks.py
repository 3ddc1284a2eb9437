"""The checks of a request before its route runs: the right as far as it shows, then the headers, then the body.

The body of a caller without the right is never read. No body takes more memory than its route allows.
"""

import contextlib
import io
import re
from collections.abc import Collection
from typing import Any

from flask import g, request
from flask_smorest import Blueprint

from shared.edge import headers
from shared.edge.bodies import BODY_LIMIT_BYTES, read_object, whole_body
from shared.edge.headers import JSON, content_type, refuse_coded, unreadable
from shared.edge.ports import RunsCommands
from shared.language.access import (
    Actor,
    Known,
    authorise_duty,
    authorise_operator,
    authorise_registrar,
    authorise_somewhere,
    keeping,
)
from shared.language.codec import MOST_SEQUENCE
from shared.language.decision import Vector
from shared.language.errors import Later
from shared.language.events import SOURCES, Organisation
from shared.language.programmes import Action
from shared.runtime.waiting import Slots

LONG_AT_ONCE = 8
"""Limit of long requests at once, of 32 threads; the others are for requests that take milliseconds."""
LONG_RETRY_SECONDS = 5
VECTOR_PART = re.compile(r"([a-z-]{1,40})=([0-9]{1,16})", re.ASCII)


def check_right(view: Any, who: Actor, commands: RunsCommands, operators: Collection[Organisation]) -> None:
    """Check the rights that do not depend on a journey. Raises Forbidden, Busy.

    view: as `guarded` marked it. operators: the organisations whose operators operate the platform.
    """
    action: Action | None = getattr(view, "action", None)
    if getattr(view, "operator", False):
        authorise_operator(who, operators)
    if getattr(view, "keeper", False):
        commands.judge(lambda known: _judge_keeper(who, operators, known))
    if getattr(view, "registrar", False):
        commands.judge(lambda known: authorise_registrar(who, known))
    if action is not None:
        authorise_duty(who, action)
        if view.somewhere:
            commands.judge(lambda known: authorise_somewhere(who, action, known))


def _judge_keeper(who: Actor, operators: Collection[Organisation], known: Known) -> None:
    keeping(who, operators, known)


def long_places() -> Slots:
    """The places of one process's long requests."""
    return Slots(
        LONG_AT_ONCE,
        lambda: Later(
            "too-many-requests",
            "As many files as may be are being read; send this one again.",
            retry_after_seconds=LONG_RETRY_SECONDS,
        ),
    )


def take_place(view: Any, who: Actor, places: Slots) -> None:
    """Hold a place until `leave_place`, where the view is a long one. Raises Later."""
    if getattr(view, "long", False):
        g.place = contextlib.ExitStack()
        g.place.enter_context(places.taken(who.organisation))


def leave_place() -> None:
    """Release what the request holds, if anything."""
    if "place" in g:
        g.pop("place").close()


def check_body(view: Any) -> None:
    """Read the body, once, after all that can be refused without it. Raises Refused."""
    kind = content_type(request.headers.get("Content-Type", ""), getattr(view, "media_types", (JSON,)))
    refuse_coded(request.headers.get("Content-Encoding", ""), request.headers.get("Content-Range"))
    if request.method == "POST":
        headers.harmless_key(request.headers.get("Idempotency-Key"))
    body = whole_body(request.environ, getattr(view, "body_limit", BODY_LIMIT_BYTES))
    g.sent = body
    # From here on there is no stream to read, but these bytes.
    request.environ.pop("wsgi.input_terminated", None)
    request.environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    if kind == JSON and not getattr(view, "rows", False):
        g.said = read_object(body)


def idempotency_key() -> str:
    """The request's Idempotency-Key. Raises Refused."""
    return headers.idempotency_key(request.headers.get("Idempotency-Key"))


def caller_vector() -> Vector:
    """The events of the subject that the caller has seen, `source=count, …`, each source once. Raises Refused."""
    text = request.headers.get("Journey-Vector", "").strip()
    parts = text.split(",", len(SOURCES)) if text else []
    found = [VECTOR_PART.fullmatch(part.strip()) for part in parts]
    vector = {part[1]: int(part[2]) for part in found if part and part[1] in SOURCES}
    if len(vector) < len(parts) or any(count >= MOST_SEQUENCE for count in vector.values()):
        raise unreadable("Journey-Vector", f"Takes `source=count, …` of {', '.join(SOURCES)}, each once.")
    return vector


def sent() -> bytes:
    """The body as it was sent: these bytes and no copy of them."""
    found: bytes = g.sent
    return found


def said(*_: Any) -> dict[str, Any]:
    """The JSON object of the request, parsed once for all its readers."""
    found: dict[str, Any] = g.said
    return found


# flask-smorest's `arguments` takes the body of every route from `said`, and does not parse it again.
Blueprint.ARGUMENTS_PARSER.location_loader("json")(said)
