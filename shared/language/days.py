"""Swedish calendar days. Every date rule is in Europe/Stockholm. Source: docs/field.md, Days."""

import calendar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def day_of(at: datetime) -> date:
    """The Swedish calendar day on which the moment lies."""
    return at.astimezone(STOCKHOLM).date()


def start_of(on: date) -> datetime:
    """The first moment of the Swedish day, UTC."""
    return datetime.combine(on, time(), STOCKHOLM).astimezone(UTC)


def days_after(on: date, days: int) -> date:
    """The day this many calendar days later, and no further than the calendar goes (1 to 9999)."""
    return date.fromordinal(min(max(on.toordinal() + days, 1), date.max.toordinal()))


def months_after(on: date, months: int) -> date:
    """The same day of the month this many months later, or the last day of a shorter month.

    31 Aug + 6 -> 28 or 29 Feb. Source: docs/field.md, Days.
    """
    index = on.month - 1 + months
    year, month = on.year + index // 12, index % 12 + 1
    return date(year, month, min(on.day, calendar.monthrange(year, month)[1]))


def wall_clock(at: str) -> time:
    """hh:mm as the time of a clock on the wall. Raises ValueError."""
    hour, minute = at.split(":")
    return time(int(hour), int(minute))
