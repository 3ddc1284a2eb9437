"""A person's hours and dose, as they go out over HTTP."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from marshmallow import fields as ma

from services.activity_tracking import hours
from services.activity_tracking.api.fields import day_field, day_said
from services.activity_tracking.domain.dose import MOST_DAYS, Dose
from services.activity_tracking.domain.journey import Minutes
from services.activity_tracking.hours import FOUR_WEEKS
from shared.edge.fields import QuerySchema
from shared.edge.use_cases import run
from shared.edge.web import guarded
from shared.language.events import JourneyId

hours_read = Blueprint("hours", __name__, description="Planned and attended hours of a participant")


class HoursArguments(QuerySchema):
    """From which day to which, both included."""

    from_ = day_field(
        data_key="from",
        metadata={"description": f"The first day; left out: {FOUR_WEEKS} days up to the last."},
    )
    to = day_field(
        metadata={
            "description": f"The last day, which is part of it; left out: today. At most {MOST_DAYS} days."
        }
    )


class MinutesAnswer(Schema):
    """Minutes: attended in all, planned where it was marked on a register, attended of these, missed and excused.

    Minutes missed for a reason that counts as attended are attended.
    """

    minutes = ma.Integer()
    planned_minutes = ma.Integer()
    marked_minutes = ma.Integer()
    excused_minutes = ma.Integer()


class ActivityHoursAnswer(MinutesAnswer):
    """The minutes of one activity. activity: null where its name would reveal health, or is not the reader's to see."""

    activity = ma.String(allow_none=True)


class DoseAnswer(MinutesAnswer):
    """What a week or a month came to."""

    period = ma.String(metadata={"description": "A week as 2016-W23 (ISO 8601), or a month as 2016-06."})
    first_on = day_said()
    last_on = day_said()
    days = ma.Integer(metadata={"description": "Days on which the participant took part and was not paused."})
    agreed_percent = ma.Float(
        allow_none=True, metadata={"description": "The extent agreed, percent of a full week, as a mean."}
    )
    reached_percent = ma.Float(
        allow_none=True, metadata={"description": "The time attended, percent of a full week."}
    )
    activities = ma.List(ma.Nested(ActivityHoursAnswer), metadata={"description": "The same by activity."})


class ParticipantHoursAnswer(Schema):
    """A participant's hours by week and by month. A workplace is told none."""

    journey_id = ma.String()
    from_ = ma.String(data_key="from", attribute="from", metadata={"format": "date"})
    to = ma.String(metadata={"format": "date"})
    full_week_hours = ma.Integer(metadata={"description": "Hours of a full week in the programme."})
    weeks = ma.List(ma.Nested(DoseAnswer), metadata={"description": "The weeks, the earliest first."})
    months = ma.List(ma.Nested(DoseAnswer), metadata={"description": "The months, the earliest first."})


@hours_read.route("/journeys/<string:journeyId>/hours", methods=["GET"])
@guarded("read_journey")
@hours_read.arguments(HoursArguments(), location="query")
@hours_read.response(200, ParticipantHoursAnswer)
def read_hours(query: dict[str, Any], journey_id: JourneyId) -> dict[str, Any]:
    """What was planned, attended and reached, by week and by month."""
    return run(hours.read_hours, show_hours, journey_id, query.get("from_"), query.get("to"))


def show_hours(found: hours.Hours) -> dict[str, Any]:
    """The hours for their reader; those outside see time, and not at what."""
    return {
        "journey_id": found.journey_id,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "full_week_hours": found.full_week_hours,
        "weeks": [show_dose(one, found.reader.view == "whole") for one in found.weeks],
        "months": [show_dose(one, found.reader.view == "whole") for one in found.months],
    }


def show_dose(one: Dose, by_activity: bool) -> dict[str, Any]:
    """A week or a month. by_activity: whether its reader may see at what."""
    activities = one.activities if by_activity else {None: one.whole}
    return {
        **_minutes(one.whole),
        "period": one.period,
        "first_on": one.first_on.isoformat(),
        "last_on": one.last_on.isoformat(),
        "days": one.days,
        "agreed_percent": one.agreed_percent,
        "reached_percent": one.reached_percent,
        "activities": [
            {"activity": code, **_minutes(minutes)}
            for code, minutes in sorted(activities.items(), key=lambda item: item[0] or "~")
            if minutes != Minutes()
        ],
    }


def _minutes(one: Minutes) -> dict[str, int]:
    return {
        "minutes": one.minutes,
        "planned_minutes": one.planned,
        "marked_minutes": one.marked,
        "excused_minutes": one.excused,
    }
