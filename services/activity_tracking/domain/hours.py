"""The hours of a week on which somebody is expected, and how long they are on a given day.

Hours are told by the clock on the wall, Swedish time. So a night on which the clocks change is an hour longer or
shorter. Hours that end at or before they begin go on past midnight, and belong to the day on which they begin. Source:
docs/field.md, The register of a day.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.language.checks import Findings
from shared.language.days import STOCKHOLM, days_after, wall_clock

WEEKDAYS = 7
HOURS_OF_A_WEEK = 14
"""Stretches of hours that a week's plan names at most: two a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """On one weekday from when to when. weekday: 1, Monday, to 7. starts_at, ends_at: hh:mm on the wall."""

    weekday: int
    starts_at: str
    ends_at: str

    def on(self, day: date) -> tuple[datetime, datetime]:
        """When they begin and end on that day, UTC."""
        begins = moment_of(day, self.starts_at)
        return begins, moment_of(day if self.ends_at > self.starts_at else days_after(day, 1), self.ends_at)


def moment_of(day: date, at: str) -> datetime:
    """A wall clock's time as a moment, UTC. One that the clocks pass over in spring is the moment at which they change.

    They change at 01:00 UTC in the whole Union: directive 2000/84/EC.
    """
    told = datetime.combine(day, wall_clock(at), STOCKHOLM)
    moment = told.astimezone(UTC)
    if moment.astimezone(STOCKHOLM).replace(tzinfo=None) == told.replace(tzinfo=None):
        return moment
    return datetime.combine(day, time(1), UTC)


def minutes_between(begins: datetime, ends: datetime) -> int:
    """Whole minutes from one moment to the other."""
    return (ends - begins) // timedelta(minutes=1)


def check_hours(found: Findings, field: str, week: Sequence[Hours]) -> None:
    """Each stretch has a length, and none begins before the one before it has ended."""
    for number, one in enumerate(week):
        if one.starts_at == one.ends_at:
            found.add(field, f"Number {number + 1} ends when it begins.")
    if len(week) > HOURS_OF_A_WEEK:
        found.add(field, f"Takes at most {HOURS_OF_A_WEEK} stretches of a week.")
    spans = sorted(_span(one) for one in week)
    # The week begins anew: the last of Sunday's may reach into Monday.
    around = [*spans, *((begins + _WEEK, ends + _WEEK) for begins, ends in spans[:1])]
    if any(after[0] < before[1] for before, after in itertools.pairwise(around)):
        found.add(field, "Two stretches of the week overlap.")


_DAY = 24 * 60
_WEEK = WEEKDAYS * _DAY


def _span(one: Hours) -> tuple[int, int]:
    """From which minute of the week to which, by the wall's clock."""
    starts, ends = (at.hour * 60 + at.minute for at in (wall_clock(one.starts_at), wall_clock(one.ends_at)))
    midnight = (one.weekday - 1) * _DAY
    return midnight + starts, midnight + ends + (0 if ends > starts else _DAY)


def week_minutes(week: Sequence[Hours]) -> int:
    """Minutes of a week in which no clock changes."""
    return sum(ends - begins for begins, ends in map(_span, week))
