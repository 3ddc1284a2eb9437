"""Working days, in which the deadlines of reports are counted: Monday to Friday, but for holidays."""

from datetime import date

from services.activity_tracking.domain.holidays import is_holiday
from shared.language.days import days_after

SATURDAY = 6


def is_working_day(day: date) -> bool:
    """Whether offices are open on that day."""
    return day.isoweekday() < SATURDAY and not is_holiday(day)


def working_days_after(day: date, days: int) -> date:
    """The working day so many working days later; after 0 the day itself, or the next working day."""
    left = days
    while left or not is_working_day(day):
        day = days_after(day, 1)
        left -= left > 0 and is_working_day(day)
    return day
