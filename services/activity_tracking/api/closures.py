"""The routes of a unit's closed days: they are said, listed, said anew and taken back."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking import closing
from services.activity_tracking.api.fields import day_field, day_said, said, whole_field
from services.activity_tracking.domain.closures import (
    CloseUnit,
    Closure,
    CorrectClosure,
    closure_place,
)
from services.activity_tracking.domain.hours import WEEKDAYS
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    show_superseded,
)
from shared.edge.fields import CommandSchema, PageArguments, cursor_field, exactly
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.events import ClosureId
from shared.language.forms import CLOSURE_ID

closures = Blueprint("closures", __name__, description="Days on which a unit is closed")


def _weekdays(**options: Any) -> ma.List[Any]:
    return ma.List(whole_field(1, WEEKDAYS), validate=validate.Length(max=WEEKDAYS), **options)


class ClosurePageArguments(PageArguments):
    """Which page of a unit's closures; the cursor is the place of one."""

    cursor = cursor_field(exactly(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}:{CLOSURE_ID}"))


class CloseUnitBody(CommandSchema):
    """Days on which the caller's unit is closed. Without days it is closed today; without `last_on` on one day."""

    makes = CloseUnit
    first_on = day_field()
    last_on = day_field()
    weekdays = _weekdays()


class CorrectClosureBody(CorrectingBody):
    """The days as they should have been said, or `void`: the unit was open."""

    makes = CorrectClosure
    first_on = day_field()
    last_on = day_field()
    weekdays = _weekdays(allow_none=True)


class ClosureAnswer(Schema):
    """A closure: the unit is closed on these days, or on these weekdays of them."""

    closure_id = ma.String()
    unit = ma.String(metadata={"description": "Code of the unit that is closed: the caller's."})
    first_on = day_said()
    last_on = day_said()
    weekdays = ma.List(ma.Integer())
    recorded_at = ma.String(metadata={"format": "date-time"})
    corrections = ma.Integer()
    void = ma.Boolean()


class ClosurePageAnswer(Schema):
    """A page of a unit's closures that stand, by their last day."""

    closures = ma.List(ma.Nested(ClosureAnswer))
    next_cursor = ma.String(allow_none=True)


def show_closure(entry: Closure) -> dict[str, Any]:
    """A closure, whole."""
    return said(entry)


@closures.route("/closures", methods=["POST"])
@guarded("log_activity", somewhere=True)
@closures.arguments(CloseUnitBody())
@closures.response(201, ClosureAnswer)
def close_unit(body: CloseUnit) -> dict[str, Any]:
    """Close the caller's unit: nobody is expected there, and nothing of these days is "not marked"."""
    return run(closing.close_unit, show_closure, body)


@closures.route("/closures", methods=["GET"])
@guarded("log_activity", somewhere=True)
@closures.arguments(ClosurePageArguments(), location="query")
@closures.response(200, ClosurePageAnswer)
def list_closures(page: dict[str, Any]) -> dict[str, Any]:
    """The closures of the caller's unit that stand, by their last day."""
    limit, after = page["limit"], page["after"]
    show = paged("closures", show_closure, closure_place, limit)
    return run(closing.list_closures, show, after=after, limit=limit)


@closures.route("/closures/<string:closureId>/correction", methods=["POST"])
@guarded("log_activity", somewhere=True)
@closures.arguments(CorrectClosureBody())
@closures.response(200, ClosureAnswer)
def correct_closure(body: CorrectClosure, closure_id: ClosureId) -> dict[str, Any]:
    """Say a closure anew, or take it back with `void`."""
    return run(closing.correct_closure, show_closure, closure_id, body)


@closures.route("/closures/<string:closureId>/corrections", methods=["GET"])
@guarded("log_activity", somewhere=True)
@closures.arguments(SupersededPageArguments(), location="query")
@closures.response(200, SupersededPageAnswer)
def list_closure_corrections(page: dict[str, Any], closure_id: ClosureId) -> dict[str, Any]:
    """What a closure said before it was corrected, who corrected it and why."""
    limit, after = page["limit"], page["after"]
    show = show_superseded(limit)
    return run(closing.list_closure_corrections, show, closure_id, after=after, limit=limit)
