"""The routes of a unit's groups: they are made, listed, said anew and taken back, and participants join them."""

import re
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as ma

from services.activity_tracking import grouping
from services.activity_tracking.api.fields import day_field, day_said, said
from services.activity_tracking.api.planning import (
    HoursAnswer,
    PlannedActivityAnswer,
    exceptions_field,
    hours_field,
    show_planned,
)
from services.activity_tracking.domain.groups import (
    DATES,
    LEADER_LENGTH,
    ROOM_LENGTH,
    CorrectGroup,
    Dated,
    Group,
    JoinGroup,
    MakeGroup,
    group_place,
)
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    show_superseded,
)
from shared.edge.fields import (
    CommandSchema,
    PageArguments,
    clock_field,
    code_field,
    cursor_field,
    exactly,
    id_field,
)
from shared.edge.texts import Reference, line_field
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.events import GroupId, JourneyId
from shared.language.forms import GROUP_ID

groups = Blueprint("groups", __name__, description="Group activities and courses")

LEADER = re.compile(r"(?=.*[0-9])[^\s]+")
NAMES_NOBODY = "Takes the unit's own code, with a digit and without blanks; it names nobody."


def _is_code(value: str) -> None:
    if LEADER.fullmatch(value) is None:
        raise ValidationError(NAMES_NOBODY)


def _leader() -> Reference:
    return Reference(LEADER_LENGTH, _is_code, allow_none=True)


def _room() -> ma.String:
    return line_field(1, ROOM_LENGTH, allow_none=True)


def _dates(**options: Any) -> ma.List[Any]:
    return ma.List(ma.Nested(DatedBody()), validate=validate.Length(max=DATES), **options)


def _cancelled(**options: Any) -> ma.List[Any]:
    return ma.List(day_field(required=True), validate=validate.Length(max=DATES), **options)


class UnitGroupPageArguments(PageArguments):
    """Which groups, and which page of them; the cursor is the place of one."""

    from_ = day_field(
        data_key="from", metadata={"description": "Those that have not ended by that day; left out: today."}
    )
    cursor = cursor_field(exactly(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}:{GROUP_ID}"))


class DatedBody(CommandSchema):
    """On one day from when to when, by the clock on the wall; an end at or before the start is of the next day."""

    makes = Dated
    day = day_field(required=True)
    starts_at = clock_field(required=True)
    ends_at = clock_field(required=True)


class MakeGroupBody(CommandSchema):
    """A group with hours of the week, or single days, or both. A day of `dates` has its own hours and no others."""

    makes = MakeGroup
    programme = code_field(required=True)
    activity = code_field(required=True)
    first_on = day_field(required=True)
    last_on = day_field()
    leader = _leader()
    room = _room()
    hours = hours_field()
    dates = _dates()
    cancelled = _cancelled()


class CorrectGroupBody(CorrectingBody):
    """The group as it should have been said, or `void`.

    Left out, leader, room, hours, dates and cancelled days stay.
    """

    makes = CorrectGroup
    first_on = day_field()
    last_on = day_field()
    leader = _leader()
    room = _room()
    hours = hours_field(allow_none=True)
    dates = _dates(allow_none=True)
    cancelled = _cancelled(allow_none=True)


class JoinGroupBody(CommandSchema):
    """In which group of the caller's unit the participant takes part, and between which days."""

    makes = JoinGroup
    group = id_field("g", required=True, metadata={"description": "Id of the group."})
    first_on = day_field(required=True)
    last_on = day_field()
    occurred_on = day_field()
    except_on = exceptions_field()


class DatedAnswer(Schema):
    """On one day from when to when."""

    day = day_said()
    starts_at = ma.String()
    ends_at = ma.String()


class UnitGroupAnswer(Schema):
    """A group activity or course of a unit. leader: the unit's own code of somebody."""

    group_id = ma.String()
    unit = ma.String(metadata={"description": "Code of the unit whose group it is: the caller's."})
    programme = ma.String()
    activity = ma.String()
    first_on = day_said()
    last_on = day_said()
    leader = ma.String(allow_none=True)
    room = ma.String(allow_none=True)
    hours = ma.List(ma.Nested(HoursAnswer))
    dates = ma.List(ma.Nested(DatedAnswer))
    cancelled = ma.List(ma.String(metadata={"format": "date"}))
    recorded_at = ma.String(metadata={"format": "date-time"})
    corrections = ma.Integer()
    void = ma.Boolean()


class UnitGroupPageAnswer(Schema):
    """A page of a unit's groups that stand, by their last day."""

    groups = ma.List(ma.Nested(UnitGroupAnswer), metadata={"description": "Groups of the unit."})
    next_cursor = ma.String(allow_none=True)


def show_group(entry: Group) -> dict[str, Any]:
    """A group."""
    return {name: value for name, value in said(entry).items() if name != "joined"}


@groups.route("/groups", methods=["POST"])
@guarded("log_activity", somewhere=True)
@groups.arguments(MakeGroupBody())
@groups.response(201, UnitGroupAnswer)
def make_group(body: MakeGroup) -> dict[str, Any]:
    """Make a group of the caller's unit. Nobody takes part in it yet."""
    return run(grouping.make_group, show_group, body)


@groups.route("/groups", methods=["GET"])
@guarded("log_activity", somewhere=True)
@groups.arguments(UnitGroupPageArguments(), location="query")
@groups.response(200, UnitGroupPageAnswer)
def list_groups(page: dict[str, Any]) -> dict[str, Any]:
    """The groups of the caller's unit that have not ended, by their last day."""
    limit, after = page["limit"], page["after"]
    show = paged("groups", show_group, group_place, limit)
    return run(grouping.list_groups, show, page.get("from_"), after=after, limit=limit)


@groups.route("/journeys/<string:journeyId>/groups", methods=["POST"])
@guarded("log_activity")
@groups.arguments(JoinGroupBody())
@groups.response(201, PlannedActivityAnswer)
def join_group(body: JoinGroup, journey_id: JourneyId) -> dict[str, Any]:
    """Let a participant take part in a group: a planned activity that names it, and is said anew like any other."""
    return run(grouping.join_group, show_planned, journey_id, body)


@groups.route("/groups/<string:groupId>/correction", methods=["POST"])
@guarded("log_activity", somewhere=True)
@groups.arguments(CorrectGroupBody())
@groups.response(200, UnitGroupAnswer)
def correct_group(body: CorrectGroup, group_id: GroupId) -> dict[str, Any]:
    """Say a group anew, or take it back with `void`. A lesson that is moved is moved for all its participants."""
    return run(grouping.correct_group, show_group, group_id, body)


@groups.route("/groups/<string:groupId>/corrections", methods=["GET"])
@guarded("log_activity", somewhere=True)
@groups.arguments(SupersededPageArguments(), location="query")
@groups.response(200, SupersededPageAnswer)
def list_group_corrections(page: dict[str, Any], group_id: GroupId) -> dict[str, Any]:
    """What a group said before it was corrected, who corrected it and why."""
    limit, after = page["limit"], page["after"]
    show = show_superseded(limit)
    return run(grouping.list_group_corrections, show, group_id, after=after, limit=limit)
