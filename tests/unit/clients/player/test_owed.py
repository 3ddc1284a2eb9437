"""The reports that a provider owes the referrer, by the player's own count."""

from datetime import UTC, date, datetime

import pytest

from clients.player.acts import noon
from clients.player.owed import Owing, Session, moment, working_days_after

MONDAY, TUESDAY, FRIDAY = date(2017, 3, 6), date(2017, 3, 7), date(2017, 3, 10)
ABSENT = Session(MONDAY, "no", 0, told=True)
PRESENT = Session(MONDAY, "yes", 180)


def owing() -> Owing:
    return Owing(within_days=3)


def test_an_absence_is_owed_when_its_day_is_over() -> None:
    one = owing()
    one.say("s1", ABSENT, noon(MONDAY))
    (report,) = one.reports
    assert report.at == datetime(2017, 3, 6, 23, tzinfo=UTC)
    assert not report.awaited(noon(MONDAY)) and report.awaited(noon(TUESDAY))
    assert report.due_on == FRIDAY


def test_an_absence_from_a_register_is_owed_when_the_activity_is_over() -> None:
    one = owing()
    one.say("s1", Session(MONDAY, "no", 0, told=True, over_at=moment(MONDAY, "16:00")), noon(MONDAY))
    assert one.reports[0].at == datetime(2017, 3, 6, 15, tzinfo=UTC)


def test_what_is_said_anew_before_that_is_never_told() -> None:
    one = owing()
    one.say("s1", ABSENT, noon(MONDAY))
    one.say("s2", PRESENT, noon(MONDAY), corrects="s1")
    assert one.reports == []


def test_what_is_said_anew_after_that_takes_the_place_of_the_first_at_once() -> None:
    one = owing()
    one.say("s1", ABSENT, noon(TUESDAY))
    one.say("s2", PRESENT, noon(FRIDAY), corrects="s1")
    first, second = one.reports
    assert first.superseded and not first.awaited(noon(FRIDAY))
    assert second.void and second.at == noon(FRIDAY) and second.on == MONDAY
    one.say("s3", PRESENT, noon(FRIDAY), corrects="s2")
    assert len(one.reports) == 2, "there is nothing more to take back"
    one.say("s4", ABSENT, noon(FRIDAY), corrects="s3")
    assert [report.void for report in one.reports] == [False, True, False]


def test_presence_and_a_reason_that_is_nobody_s_business_are_not_owed() -> None:
    one = owing()
    one.say("s1", PRESENT, noon(TUESDAY))
    one.say("s2", Session(MONDAY, "no", 0), noon(TUESDAY))
    assert one.reports == []


def test_without_a_duty_nothing_is_owed() -> None:
    one = Owing()
    one.say("s1", ABSENT, noon(TUESDAY))
    assert one.reports == []


@pytest.mark.parametrize(
    ("on", "days", "last"),
    [
        (MONDAY, 3, date(2017, 3, 9)),
        (FRIDAY, 1, date(2017, 3, 13)),
        (date(2017, 4, 13), 1, date(2017, 4, 18)),
        (date(2018, 12, 21), 2, date(2018, 12, 28)),
    ],
)
def test_holidays_and_weekends_are_no_working_days(on: date, days: int, last: date) -> None:
    assert working_days_after(on, days) == last
