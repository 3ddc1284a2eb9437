"""Working days: deadlines of reports pass over week-ends and Swedish holidays."""

from datetime import date

import pytest

from services.activity_tracking.domain.working_days import working_days_after


@pytest.mark.parametrize(
    ("day", "days", "last"),
    [
        (date(2016, 6, 7), 3, date(2016, 6, 10)),
        (date(2016, 6, 10), 1, date(2016, 6, 13)),
        (date(2016, 6, 11), 0, date(2016, 6, 13)),
        (date(2016, 6, 3), 1, date(2016, 6, 7)),  # the national day
        (date(2016, 6, 23), 1, date(2016, 6, 27)),  # midsummer eve
        (date(2016, 12, 23), 2, date(2016, 12, 28)),  # Christmas
        (date(2018, 3, 29), 1, date(2018, 4, 3)),  # Easter
    ],
)
def test_a_deadline_is_counted_in_working_days(day: date, days: int, last: date) -> None:
    assert working_days_after(day, days) == last
