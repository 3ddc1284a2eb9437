"""What waits for whom, as every service's route says it: the query, the cursor and the answer."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from marshmallow import Schema
from marshmallow import fields as ma

from shared.edge.fields import PageArguments, cursor_field, id_field
from shared.edge.mount import ROOT
from shared.edge.use_cases import next_cursor
from shared.language.decision import Skip
from shared.language.errors import Invalid
from shared.language.waiting import Waiting, Waits


class WaitingArguments(PageArguments):
    """Of which journey, and which page."""

    journey = id_field("j", metadata={"description": "Of this journey alone."})
    cursor = cursor_field(r"^[A-Za-z0-9_-]{1,300}\Z")


class WaitingActAnswer(Schema):
    """The request by which it is done."""

    method = ma.String(metadata={"description": "The method of the request."})
    path = ma.String(metadata={"description": "The path of the request."})


class WaitsAnswer(Schema):
    """One thing that waits for an act."""

    kind = ma.String(metadata={"description": "What waits."})
    subject = ma.String(metadata={"description": "Id of what waits."})
    journey_id = ma.String(allow_none=True)
    unit = ma.String(metadata={"description": "Code of the unit whose act it is: the caller's."})
    since = ma.String(metadata={"format": "date", "description": "The day from which it waits."})
    due = ma.String(
        allow_none=True, metadata={"format": "date", "description": "The last day for it; null: none."}
    )
    overdue = ma.Boolean(metadata={"description": "Whether the last day has passed."})
    act = ma.Nested(WaitingActAnswer, metadata={"description": "The request by which it is done."})


class WaitingPageAnswer(Schema):
    """A page of what waits, by kind."""

    waiting = ma.List(ma.Nested(WaitsAnswer), metadata={"description": "What waits, by kind."})
    next_cursor = ma.String(allow_none=True)


def show_waiting(limit: int) -> Callable[[Waiting], dict[str, Any]]:
    """How a page is shown. limit: how many entries a full page has."""

    def show(found: Waiting) -> dict[str, Any]:
        entries = [
            {
                "kind": one.kind,
                "subject": one.subject,
                "journey_id": one.journey_id,
                "unit": one.unit,
                "since": one.since.isoformat(),
                "due": None if one.due is None else one.due.isoformat(),
                "overdue": one.overdue(found.today),
                "act": {"method": one.method, "path": f"{ROOT}{one.path}"},
            }
            for one in found.entries
        ]
        return {"waiting": entries, "next_cursor": next_cursor(found.entries, _cursor, limit)}

    return show


def place_of(cursor: str | Skip | None) -> tuple[str, str] | Skip | None:
    """Where the page begins. Raises Invalid for what is no cursor of ours."""
    if cursor is None or isinstance(cursor, Skip):
        return cursor
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    kind, colon, place = text.partition(":")
    if not (kind.isascii() and kind and colon and place.isascii() and place.isprintable()):
        raise Invalid({"cursor": ["Takes the next_cursor of the page before, as it was given."]})
    return kind, place


def _cursor(last: Waits) -> str:
    return base64.urlsafe_b64encode(f"{last.kind}:{last.place}".encode()).decode().rstrip("=")
