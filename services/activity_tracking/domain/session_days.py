"""The sessions of each day of a journey, counted: a row for each day, so that hours are never added up from entries."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.activity_tracking.domain.journey import Minutes, SessionCounts
from shared.language.decision import Row
from shared.language.events import JourneyId

DAYS = "session_days"
"""Rows: the counts of a journey's sessions of one day, in participation or not."""
COUNTED = (
    "logged",
    "attended",
    "late",
    "missed",
    "minutes",
    "planned_minutes",
    "marked_minutes",
    "excused_minutes",
)


def day_key(journey_id: JourneyId, on: date) -> str:
    """The key of the row that counts the journey's sessions of that day."""
    return f"{journey_id}:{on.isoformat()}"


def counts_of(row: Mapping[str, Any] | None) -> SessionCounts:
    """What a row of DAYS counts; nothing where there is none. A row of before a name was counted has 0 of it."""
    if row is None:
        return SessionCounts()
    activities = {code: Minutes(*one) for code, one in row.get("activities", {}).items()}
    return SessionCounts(activities=activities, **{name: row.get(name, 0) for name in COUNTED})


def day_row(journey_id: JourneyId, on: date, counts: SessionCounts) -> Row:
    """The row of that day."""
    counted: dict[str, Any] = {name: getattr(counts, name) for name in COUNTED}
    counted["activities"] = {
        code: [one.minutes, one.planned, one.marked, one.excused] for code, one in counts.activities.items()
    }
    body = {"journey_id": journey_id, "day": on.isoformat(), **counted}
    return Row(DAYS, day_key(journey_id, on), body)
