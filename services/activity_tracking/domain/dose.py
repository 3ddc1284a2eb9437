"""What a person planned, attended and reached, week by week or month by month. Computed from the days, never stored.

Source: docs/field.md, Hours and dose.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from services.activity_tracking.domain.journey import Minutes, SessionCounts
from shared.language.events import Code

Each = Literal["week", "month"]
MOST_DAYS = 400
"""Days of one question at most."""
WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a day is held against: whether the person takes part on it, and is not paused, and the agreed extent.

    percent: None where none was agreed. full_week_hours: of 100 percent.
    """

    counts: Callable[[date], bool]
    pauses: Callable[[date], bool]
    percent: Callable[[date], int | None]
    full_week_hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """What one week (`2016-W23`, ISO 8601) or month (`2016-06`) came to, between two days, both included.

    days: on which the person took part and was not paused. activities: the minutes of each; None: of those whose names
    reveal health, together. agreed_percent: the mean of the days that have one; reached_percent: of a full week, in the
    same days. Both to one decimal, None without such a day.
    """

    period: str
    first_on: date
    last_on: date
    days: int
    whole: Minutes
    activities: Mapping[Code | None, Minutes]
    agreed_percent: float | None
    reached_percent: float | None


def doses(
    each: Each, first: date, last: date, held: Mapping[date, SessionCounts], agreed: Agreed, today: date
) -> list[Dose]:
    """The weeks or months from one day to another. held: the counts of the person's days; others have none.

    Days to come are left out, and so are sessions outside participation, which count nowhere.
    """
    found: dict[str, list[date]] = {}
    for day in _days(first, last):
        found.setdefault(period_of(each, day), []).append(day)
    return [_dose(period, days, held, agreed, today) for period, days in found.items()]


def period_of(each: Each, day: date) -> str:
    """The week or the month in which the day lies. The first days of January may lie in the last week before."""
    if each == "month":
        return f"{day.year:04}-{day.month:02}"
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _dose(
    period: str, days: list[date], held: Mapping[date, SessionCounts], agreed: Agreed, today: date
) -> Dose:
    counting = [day for day in days if day <= today and agreed.counts(day)]
    open_days = [day for day in counting if not agreed.pauses(day)]
    percents = [percent for day in open_days if (percent := agreed.percent(day)) is not None]
    whole, activities = Minutes(), dict[Code | None, Minutes]()
    for day in counting:
        of_day = held.get(day)
        if of_day is not None:
            whole = whole.plus(_whole(of_day), 1)
            for code, minutes in _by_activity(of_day):
                activities[code] = activities.get(code, Minutes()).plus(minutes, 1)
    attended = sum(of_day.minutes for day in open_days if (of_day := held.get(day)) is not None)
    full = Fraction(agreed.full_week_hours * 60 * len(open_days), WEEK)
    return Dose(
        period=period,
        first_on=days[0],
        last_on=days[-1],
        days=len(open_days),
        whole=whole,
        activities=activities,
        agreed_percent=_rounded(Fraction(sum(percents), len(percents))) if percents else None,
        reached_percent=_rounded(100 * attended / full) if full else None,
    )


def _whole(counts: SessionCounts) -> Minutes:
    return Minutes(counts.minutes, counts.planned_minutes, counts.marked_minutes, counts.excused_minutes)


def _by_activity(counts: SessionCounts) -> Iterator[tuple[Code | None, Minutes]]:
    rest = _whole(counts)
    for code, minutes in counts.activities.items():
        rest = rest.plus(minutes, -1)
        if minutes != Minutes():
            yield code, minutes
    if rest != Minutes():
        yield None, rest


def _rounded(value: Fraction) -> float:
    return float(round(value, 1))
