"""What is planned, as it goes in and out over HTTP: periods of activities with their hours, and goals."""

from typing import Any

from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking.api.fields import day_field, day_said, said, whole_field
from services.activity_tracking.domain.extents import FULL, TOO_MUCH, AgreeExtent, CorrectExtent
from services.activity_tracking.domain.hours import HOURS_OF_A_WEEK, WEEKDAYS, Hours, week_minutes
from services.activity_tracking.domain.pauses import CorrectPause, PlanPause
from services.activity_tracking.domain.plan import (
    EXCEPTIONS,
    GOAL_LENGTH,
    PlanActivity,
    PlannedActivity,
    SetGoal,
)
from shared.edge.corrections import CorrectingBody
from shared.edge.fields import CommandSchema, StrictBoolean, clock_field, code_field
from shared.edge.texts import text_field
from shared.language.access import Reader


class HoursBody(CommandSchema):
    """On one weekday from when to when, by the clock on the wall; an end at or before the start is of the next day."""

    makes = Hours
    weekday = whole_field(1, WEEKDAYS, required=True)
    starts_at = clock_field(required=True)
    ends_at = clock_field(required=True)


def hours_field(**options: Any) -> ma.List[Any]:
    """A field that holds the hours of a week."""
    return ma.List(ma.Nested(HoursBody()), validate=validate.Length(max=HOURS_OF_A_WEEK), **options)


def exceptions_field(**options: Any) -> ma.List[Any]:
    """A field that holds single days on which the person is not expected at an activity."""
    return ma.List(day_field(required=True), validate=validate.Length(max=EXCEPTIONS), **options)


class PlanActivityBody(CommandSchema):
    """A period of one activity for the plan. With hours, the person is on the register of each of its days."""

    makes = PlanActivity
    activity = code_field(required=True)
    first_on = day_field(required=True)
    last_on = day_field()
    occurred_on = day_field()
    hours = hours_field()
    except_on = exceptions_field()
    on_holidays = StrictBoolean()


class PlanPauseBody(CommandSchema):
    """Days on which the person is expected nowhere, both included."""

    makes = PlanPause
    first_on = day_field(required=True)
    last_on = day_field(required=True)


class CorrectPauseBody(CorrectingBody):
    """The days as they should have been planned, or `void`."""

    makes = CorrectPause
    first_on = day_field()
    last_on = day_field()


def percent_field(**options: Any) -> ma.Integer:
    """A field that holds an agreed extent."""
    return ma.Integer(strict=True, validate=validate.Range(1, FULL, error=TOO_MUCH), **options)


class AgreeExtentBody(CommandSchema):
    """The extent that holds from that day on, in percent of a full week."""

    makes = AgreeExtent
    from_on = day_field(required=True)
    percent = percent_field(required=True)


class CorrectExtentBody(CorrectingBody):
    """The extent as it should have been entered, or `void`."""

    makes = CorrectExtent
    from_on = day_field()
    percent = percent_field(allow_none=True)


class SetGoalBody(CommandSchema):
    """A goal in the participant's own words."""

    makes = SetGoal
    text = text_field(1, GOAL_LENGTH, required=True)
    occurred_on = day_field()


class HoursAnswer(Schema):
    """On one weekday, 1 to 7, from when to when."""

    weekday = ma.Integer()
    starts_at = ma.String()
    ends_at = ma.String()


class PlannedActivityAnswer(Schema):
    """A period of one activity in the plan; null: not the reader's to see."""

    journey_id = ma.String()
    plan = ma.String()
    organisation = ma.String(allow_none=True)
    activity = ma.String(allow_none=True)
    first_on = day_said()
    last_on = day_said()
    planned_on = day_said()
    hours = ma.List(ma.Nested(HoursAnswer))
    except_on = ma.List(ma.String(metadata={"format": "date"}))
    on_holidays = ma.Boolean()
    group = ma.String(
        allow_none=True, metadata={"description": "Id of the group whose hours these are; null: of none."}
    )
    minutes_a_week = ma.Integer()
    void = ma.Boolean()


class PauseAnswer(Schema):
    """A pause: days on which the person is expected nowhere."""

    journey_id = ma.String()
    pause = ma.String()
    organisation = ma.String()
    first_on = day_said()
    last_on = day_said()
    void = ma.Boolean()


class ExtentAnswer(Schema):
    """The extent that holds from a day on, in percent of a full week."""

    journey_id = ma.String()
    extent = ma.String(metadata={"description": "Code of the extent within the journey."})
    organisation = ma.String()
    from_on = day_said()
    percent = ma.Integer(metadata={"description": "Percent of a full week."})
    void = ma.Boolean()


def show_planned(entry: PlannedActivity, who: Reader | None = None) -> dict[str, Any]:
    """A planned activity, whole for who entered it; those outside see when, not what, and a workplace not where."""
    document = said(entry) | {"minutes_a_week": week_minutes(entry.hours)}
    if who is None or who.sees(entry.organisation):
        return document
    document["group"] = None
    return document | ({"organisation": None} if who.works_there else {"activity": None})
