"""The register of a day, as it goes in and out over HTTP."""

from typing import Any

from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking.api.fields import (
    GROUP,
    TELL,
    day_field,
    day_said,
    moment,
    own_words_field,
    said,
    sentence_said,
)
from services.activity_tracking.attendance import DayRegister, Line, Marked, MarkedRegister
from services.activity_tracking.domain.marks import Mark, MarkRegister
from services.activity_tracking.domain.sessions import Session
from shared.edge.fields import CommandSchema, Moment, QuerySchema, clock_field, code_field, id_field
from shared.edge.row_results import RowProblem, row_problem

MOST_MARKS = 500
"""Marks of one request."""


class DayRegisterArguments(QuerySchema):
    """Of which day."""

    day = day_field(metadata={"description": "A Swedish calendar day; left out: today."})


class MarkBody(CommandSchema):
    """What one person's stretch came to; `unmarked` takes a mark back.

    Who came unplanned is marked without `plan`, with `activity`, `hour` and `ends_at`; or with the
    `group` of the unit that begins at that hour.
    """

    makes: type[Mark] = Mark
    journey_id = id_field("j", required=True)
    plan = code_field(allow_none=True)
    hour = clock_field(required=True)
    activity = code_field(allow_none=True)
    ends_at = clock_field(allow_none=True)
    group = id_field("g", allow_none=True, metadata={"description": GROUP})
    presence = ma.String(required=True, validate=validate.OneOf(["present", "absent", "unmarked"]))
    came_at = clock_field(allow_none=True)
    left_at = clock_field(allow_none=True)
    reason = code_field(allow_none=True)
    text = own_words_field()
    marked_at = Moment(allow_none=True)


class MarkRegisterBody(CommandSchema):
    """Marks of one day; `rest`: what all become of whom nobody has marked. marked_at: by the device's own clock."""

    makes = MarkRegister
    day = day_field()
    marks = ma.List(ma.Nested(MarkBody()), validate=validate.Length(max=MOST_MARKS))
    rest = ma.String(allow_none=True, validate=validate.OneOf(["present", "absent"]))
    reason = code_field(allow_none=True)
    text = own_words_field()
    marked_at = Moment(allow_none=True)


def unit_said() -> ma.String:
    """A field of an answer that holds the unit whose register it is."""
    return ma.String(metadata={"description": "Code of the unit whose register it is: the caller's."})


OVERLAPS = "Whether the person attends something else at that time, here or at another unit."


class MarkAnswer(Schema):
    """The newest mark of a line. reason, text: null where they are not the reader's to see."""

    session_id = ma.String()
    attendance = ma.String()
    minutes = ma.Integer()
    reason = ma.String(allow_none=True)
    text = ma.String(allow_none=True)
    came_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    left_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    marked_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    left_early = ma.Boolean()
    recorded_at = ma.String(metadata={"format": "date-time"})


class LineAnswer(Schema):
    """Somebody is expected at an activity, from when to when; plan: null where they came unplanned.

    mark: null where nobody has marked it. overlaps: another line of the person shares time with it.
    """

    journey_id = ma.String()
    plan = ma.String(allow_none=True)
    hour = ma.String()
    activity = ma.String(allow_none=True)
    starts_at = ma.String(metadata={"format": "date-time"})
    ends_at = ma.String(metadata={"format": "date-time"})
    minutes = ma.Integer()
    group = ma.String(allow_none=True, metadata={"description": GROUP})
    leader = ma.String(allow_none=True)
    room = ma.String(allow_none=True)
    overlaps = ma.Boolean(metadata={"description": OVERLAPS})
    mark = ma.Nested(MarkAnswer, allow_none=True)


class DayRegisterAnswer(Schema):
    """A unit's register of one day, and how many of its lines nobody has marked.

    closed: the unit said that it is. holiday: those only are expected whose plans say so.
    """

    unit = unit_said()
    day = day_said()
    closed = ma.Boolean()
    holiday = ma.Boolean()
    not_marked = ma.Integer()
    expected = ma.List(ma.Nested(LineAnswer))


class MarkedAnswer(Schema):
    """What a mark came to. changed: false where it says what stood. problem: why it was refused, or null."""

    journey_id = ma.String()
    plan = ma.String(allow_none=True)
    hour = ma.String()
    activity = ma.String(
        allow_none=True, metadata={"description": "As the mark said it; null where a plan or a group does."}
    )
    group = ma.String(allow_none=True, metadata={"description": GROUP})
    status = ma.Integer()
    changed = ma.Boolean()
    session_id = ma.String(allow_none=True)
    attendance = ma.String(allow_none=True)
    minutes = ma.Integer(allow_none=True)
    overlaps = ma.Boolean(metadata={"description": OVERLAPS})
    tell = sentence_said(TELL)
    problem = ma.Nested(RowProblem, allow_none=True)


class MarkedRegisterAnswer(Schema):
    """A result for each mark, in the order of the request, then for each of the rest."""

    unit = unit_said()
    day = day_said()
    results = ma.List(ma.Nested(MarkedAnswer))


def show_register(found: DayRegister) -> dict[str, Any]:
    """A day's register."""
    lines = [_line(one) for one in found.lines]
    return {
        "unit": found.unit,
        "day": found.day.isoformat(),
        "closed": found.closed,
        "holiday": found.holiday,
        "not_marked": sum(one["mark"] is None for one in lines),
        "expected": lines,
    }


def _line(line: Line) -> dict[str, Any]:
    one = line.expected
    return {
        "journey_id": one.journey_id,
        "plan": one.plan,
        "hour": one.hour,
        "activity": one.activity if line.reader.sees(line.reader.organisation) else None,
        "starts_at": moment(one.starts_at),
        "ends_at": moment(one.ends_at),
        "minutes": one.minutes,
        **_group(line),
        "overlaps": line.overlaps,
        "mark": None if line.head is None or line.head.void else _mark(line, line.head),
    }


def _group(line: Line) -> dict[str, Any]:
    group = line.group if line.reader.sees(line.reader.organisation) else None
    names = ("group", "leader", "room")
    if group is None:
        return dict.fromkeys(names)
    return dict(zip(names, (group.group_id, group.leader, group.room), strict=True))


def _mark(line: Line, head: Session) -> dict[str, Any]:
    held = head.held
    sees = line.reader.sees(head.organisation)
    return {
        "session_id": head.session_id,
        "attendance": head.attendance,
        "minutes": head.minutes,
        "reason": head.reason if sees else None,
        "text": head.text if sees else None,
        "came_at": moment(held.came_at) if held else None,
        "left_at": moment(held.left_at) if held else None,
        "marked_at": moment(held.marked_at) if held else None,
        "left_early": line.left_early,
        "recorded_at": moment(head.recorded_at),
    }


def show_marked(found: MarkedRegister) -> dict[str, Any]:
    """What marking a register came to. Nothing of it is for some readers only, since it is kept under the key."""
    results = [_result(one) for one in found.results]
    return {"unit": found.unit, "day": found.day.isoformat(), "results": results}


def _result(one: Marked) -> dict[str, Any]:
    mark, head = one.mark, one.head
    status, problem = (200, None) if one.refused is None else row_problem(one.refused)
    return {
        "journey_id": mark.journey_id,
        "plan": mark.plan,
        "hour": mark.hour,
        "activity": mark.activity,
        "group": mark.group,
        "status": status,
        "changed": one.changed,
        "session_id": head and head.session_id,
        "attendance": head and head.attendance,
        "minutes": head and head.minutes,
        "overlaps": one.overlaps,
        "tell": one.tell and said(one.tell),
        "problem": problem,
    }
