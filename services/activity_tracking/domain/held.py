"""The stretch of a day's register that a session was."""

from dataclasses import dataclass
from datetime import date, datetime

from services.activity_tracking.domain.hours import minutes_between
from shared.language.events import Code, GroupId, JourneyId

MARKS = "marks"
"""Rows: the newest entry of the session that each stretch of a register led to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The stretch of a register that a session was, planned and actual, in moments, UTC.

    plan, hour (hh:mm on the wall), starts_at, ends_at: what was expected; plan: None of who came unplanned. came_at,
    left_at: None of who was away, and where minutes were said instead. marked_at: by the clock of the device that
    marked it. group: the group that it was a session of.
    """

    plan: str | None
    hour: str
    starts_at: datetime
    ends_at: datetime
    came_at: datetime | None = None
    left_at: datetime | None = None
    marked_at: datetime | None = None
    group: GroupId | None = None

    @property
    def minutes(self) -> int:
        """Whole minutes that were planned."""
        return minutes_between(self.starts_at, self.ends_at)


def stretch_of(plan: str | None, activity: Code | None, group: GroupId | None) -> str:
    """What names a stretch beside its hour: the plan, or, of who came unplanned, the group or else the activity."""
    return plan or f"+{group or activity}"


def mark_key(journey_id: JourneyId, stretch: str, day: date, hour: str) -> str:
    """The key of the row of that stretch: a person is marked once on it, whoever does so and how often."""
    return f"{journey_id}.{stretch}:{day.isoformat()}T{hour}"
