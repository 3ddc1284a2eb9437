"""Corrections over HTTP, alike in every service: the two fields that they share, and the list of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, validates_schema
from marshmallow import fields as ma

from shared.edge.fields import CommandSchema, PageArguments, StrictBoolean, number_cursor_field
from shared.edge.texts import line_field
from shared.edge.use_cases import next_cursor, run
from shared.edge.web import guarded
from shared.language.access import Actor, Reader
from shared.language.corrections import Superseded, show
from shared.language.decision import Skip, Work
from shared.language.events import JourneyId


class Listing(Protocol):
    """A use case that lists a journey's corrections, for who may read the journey."""

    def __call__(
        self, work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
    ) -> tuple[Reader, Sequence[Superseded]]:
        """A page of them, from beyond the number `after`, for the caller as their reader."""


def why_field(**options: Any) -> ma.String:
    """Why something is corrected, in a few words; it stays in the service, for who may see the entry."""
    return line_field(3, 200, **options)


def void_field() -> StrictBoolean:
    """Whether it is taken back, and nothing stands instead."""
    return StrictBoolean()


class CorrectingBody(CommandSchema):
    """The fields of every correction: `why`, and `void` where the record is taken back without a replacement."""

    why = why_field(required=True)
    void = void_field()

    @validates_schema
    def _says_one_thing(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a body that takes a record back and replaces it too."""
        said = [
            name for name, value in data.items() if name not in ("why", "void") and value not in (None, ())
        ]
        if data.get("void") and said:
            raise ValidationError("What is taken back is not said anew.", "void")


class SupersededPageArguments(PageArguments):
    """The page; the cursor is the number of a correction."""

    cursor = number_cursor_field(1_000_000_000)


class SupersededAnswer(Schema):
    """The content of one record before its correction, the corrector and the reason. null: not the reader's to see."""

    number = ma.Integer()
    what = ma.String(metadata={"description": "the thing that was corrected, `exit` or `progress/3`"})
    voided = ma.Boolean(metadata={"description": "it was taken back, and nothing stands instead"})
    said = ma.Dict(keys=ma.String(), allow_none=True, metadata={"description": "what it said until then"})
    why = ma.String(allow_none=True)
    organisation = ma.String(metadata={"description": "who corrected it"})
    person = ma.String(allow_none=True, metadata={"description": "to the person's own organisation"})
    recorded_at = ma.String(metadata={"format": "date-time"})


class SupersededPageAnswer(Schema):
    """A page of corrections in the order in which they were made."""

    corrections = ma.List(ma.Nested(SupersededAnswer))
    next_cursor = ma.String(allow_none=True)


def show_superseded(limit: int) -> Callable[[tuple[Reader, Sequence[Superseded]]], dict[str, Any]]:
    """A page of corrections, with as much of each as its reader may see. limit: the size of a full page."""

    def shown(found: tuple[Reader, Sequence[Superseded]]) -> dict[str, Any]:
        who, entries = found
        told = [show(entry, who) for entry in entries]
        return {
            "corrections": [one for one in told if one is not None],
            "next_cursor": next_cursor(entries, lambda entry: entry.number, limit),
        }

    return shown


def add_list(blueprint: Blueprint, listing: Listing) -> None:
    """Add the route that lists a journey's corrections. listing: the use case that finds them."""

    @blueprint.route("/journeys/<string:journeyId>/corrections", methods=["GET"])
    @guarded("read_journey")
    @blueprint.arguments(SupersededPageArguments(), location="query")
    @blueprint.response(200, SupersededPageAnswer)
    def list_corrections(page: dict[str, Any], journey_id: JourneyId) -> dict[str, Any]:
        """What was corrected on the journey here, what it said before, who corrected it and why."""
        limit, after = page["limit"], page["after"]
        return run(listing, show_superseded(limit), journey_id, after=after, limit=limit)
