"""Swedish holidays: days on which a plan expects nobody, unless it says so.

A Sunday alone is none here: hours of a Sunday are planned as such. Source: lag (1989:253) om allmänna helgdagar, and
semesterlag (1977:480), 7 §, which puts three eves beside them.
"""

import functools
from datetime import date

from holidays.constants import DE_FACTO, PUBLIC
from holidays.countries.sweden import Sweden

LAST_YEAR = 4099
"""Easter is not reckoned beyond."""


def is_holiday(day: date) -> bool:
    """Whether the day is a public holiday, or midsummer eve, Christmas eve or New Year's eve."""
    return day in _holidays(day.year)


@functools.lru_cache(maxsize=32)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(Sweden(years=year, categories=(PUBLIC, DE_FACTO))) if year <= LAST_YEAR else frozenset()
