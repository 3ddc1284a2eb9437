"""The days on which nobody is expected anywhere, reckoned by the player itself. Pure.

The Swedish holidays of law (1989:253) and the eves of midsummer, Christmas and the new year.
"""

from datetime import date, timedelta
from functools import cache

FIXED = frozenset({(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)})
FROM_EASTER = (-2, 0, 1, 39, 49)
"""Days from Easter Sunday: Good Friday, the day itself, Easter Monday, Ascension Day, Whit Sunday."""
FRIDAY, SATURDAY = 4, 5


def is_holiday(on: date) -> bool:
    """Whether the day is a holiday, or an eve that is kept as one."""
    if (on.month, on.day) in FIXED or (on - easter(on.year)).days in FROM_EASTER:
        return True
    midsummer = (date(on.year, 6, 19), date(on.year, 6, 25))
    if on.weekday() == FRIDAY and midsummer[0] <= on <= midsummer[1]:
        return True
    if on.weekday() != SATURDAY:
        return False
    return date(on.year, 6, 20) <= on <= date(on.year, 6, 26) or (
        date(on.year, 10, 31) <= on <= date(on.year, 11, 6)
    )


@cache
def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian reckoning of 1876."""
    century, rest = divmod(year, 100)
    moon = year % 19
    leaps, shift = century // 4, (century + 8) // 25
    epact = (19 * moon + century - leaps - (century - shift + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (moon + 11 * epact + 22 * sunday) // 451
    month, day = divmod(epact + sunday - 7 * late + 114, 31)
    return date(year, month, 1) + timedelta(days=day)
