"""Reports to the referrer: made of what was noted once, told to nobody else, read, acknowledged, corrected, overdue."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.language import events as e
from shared.language.decision import Reply
from shared.language.replies import ReportTold
from tests.support.house import ACTIVITY_TRACKING, INTAKE, House, house
from tests.unit.access.test_attendance import MONDAY, TUESDAY, handed, line, marked, planned
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, ends, started

OTHER_AGENCY = "forsakringskassan"
WORDS = "The bus was cancelled after the snow"
THURSDAY, FRIDAY, SATURDAY = (date(2016, 6, day) for day in (9, 10, 11))


@pytest.fixture(name="world")
def _world() -> House:
    """Today is Tuesday, so that what was planned on Monday is over."""
    return house(COACTIVE, today=MONDAY)


def absent(world: House, on: date = MONDAY, who: str = SHOP, **said: Any) -> str:
    """Somebody who is planned every morning, and away on that day; the day after it is today."""
    journey = started(world)
    planned(world, journey, who)
    world.pass_to(TUESDAY)
    reason = {"reason": "transport", "text": WORDS}
    (taken,) = marked(world, who, line(journey, "absent", **{**reason, **said}), day=on.isoformat())
    assert taken["changed"] is True
    return journey


def listed(world: House, who: str, **query: str) -> list[dict[str, Any]]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    found: list[dict[str, Any]] = world.done(ACTIVITY_TRACKING, "GET", f"/reports?{words}", who)["reports"]
    return found


def read(world: House, report: str, who: str) -> dict[str, Any]:
    found: dict[str, Any] = world.done(ACTIVITY_TRACKING, "GET", f"/reports/{report}", who)
    return found


def told(world: House) -> list[tuple[str, ReportTold]]:
    replies: list[Reply] = world.rooms[INTAKE].memory.replies
    return [(one.organisation, one.body) for one in replies if isinstance(one.body, ReportTold)]


def test_an_absence_is_told_to_its_referrer_alone_and_says_why_over_http_alone(world: House) -> None:
    journey = absent(world)
    report = f"{journey}.r1"
    ((who, message),) = told(world)
    assert (who, message.report_id, message.kind, message.provider) == (AGENCY, report, "deviation", SHOP)
    assert message.due_on == FRIDAY, "three working days"
    said = repr([*world.heard, *world.rooms[INTAKE].memory.replies])
    assert "transport" not in said and WORDS not in said
    (mine,) = listed(world, SHOP)
    (theirs,) = listed(world, AGENCY, part="referrer")
    assert mine == theirs
    assert (mine["report_id"], mine["day"], mine["overdue"]) == (report, "2016-06-06", False)
    span = {"starts_at": "2016-06-06T07:00:00Z", "ends_at": "2016-06-06T10:00:00Z"}
    for reader, activity in ((SHOP, "work_training"), (AGENCY, None)):
        found = read(world, report, reader)
        assert (found["activity"], found["expected"], found["away"]) == (activity, span, [span])
        assert (found["reason"], found["text"], found["attendance"]) == ("transport", WORDS, "no")
        assert (found["unit"], found["function_address"]) == ("Second Hand Skellefteå", None)
    assert (listed(world, OTHER_AGENCY, part="referrer"), listed(world, CAFE)) == ([], [])
    for stranger in (OTHER_AGENCY, CAFE):
        assert world.ask(ACTIVITY_TRACKING, "GET", f"/reports/{report}", stranger).status_code == 404


def test_a_report_is_made_when_the_activity_is_over_and_taken_back_unseen_before(world: House) -> None:
    first, other = started(world), started(world, "AF-2")
    for one in (first, other):
        planned(world, one, SHOP)
    world.rooms[ACTIVITY_TRACKING].memory.at = datetime(2016, 6, 6, 7, 30, tzinfo=UTC)
    marked(world, SHOP, rest="absent", reason="transport")
    assert (told(world), listed(world, SHOP)) == ([], [])
    marked(world, SHOP, line(first, "present", came_at="09:10"))
    world.pass_to(TUESDAY)
    assert [message.report_id for _, message in told(world)] == [f"{other}.r1"]


@pytest.mark.parametrize(
    ("said", "away"),
    [
        ({"came_at": "09:20"}, [("07:00", "07:20")]),
        ({"left_at": "11:30"}, [("09:30", "10:00")]),
        ({"came_at": "09:20", "left_at": "11:30"}, [("07:00", "07:20"), ("09:30", "10:00")]),
        ({"came_at": "09:15", "left_at": "11:45"}, None),
        ({}, None),
    ],
)
def test_late_and_left_early_beyond_the_programmes_minutes_are_reported(
    world: House, said: dict[str, str], away: list[tuple[str, str]] | None
) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(TUESDAY)
    marked(world, SHOP, line(journey, "present", **said), day="2016-06-06")
    assert len(told(world)) == (away is not None)
    if away is not None:
        spans = read(world, f"{journey}.r1", AGENCY)["away"]
        assert [(one["starts_at"][11:16], one["ends_at"][11:16]) for one in spans] == away


def test_what_is_not_the_referrers_business_is_not_told(world: House) -> None:
    absent(world, reason="employer_meeting", text=None)
    assert (told(world), listed(world, SHOP)) == ([], [])


def test_a_reason_of_health_is_hidden_until_the_person_lets_the_referrer_see(world: House) -> None:
    journey = absent(world, reason="ill", text="Fever since Sunday")
    report = f"{journey}.r1"
    assert (read(world, report, SHOP)["reason"], read(world, report, SHOP)["text"]) == (
        "ill",
        "Fever since Sunday",
    )
    assert (read(world, report, AGENCY)["reason"], read(world, report, AGENCY)["text"]) == (None, None)
    consent = {"purpose": "sharing", "given": True, "organisations": [AGENCY], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    assert read(world, report, AGENCY)["reason"] == "ill"


def test_the_referrer_acknowledges_once_and_nobody_else_can(world: House) -> None:
    report = f"{absent(world)}.r1"
    path = f"/reports/{report}/acknowledgement"
    assert world.ask(ACTIVITY_TRACKING, "POST", path, SHOP).status_code == 403
    assert world.ask(ACTIVITY_TRACKING, "POST", path, OTHER_AGENCY).status_code == 404
    first = world.done(ACTIVITY_TRACKING, "POST", path, AGENCY)
    assert first["acknowledged_at"] is not None
    assert world.done(ACTIVITY_TRACKING, "POST", path, AGENCY) == first
    assert sum(isinstance(one, e.ReportAcknowledged) for one in world.heard) == 1
    assert (listed(world, SHOP), len(listed(world, SHOP, status="all"))) == ([], 1)
    world.pass_to(SATURDAY)
    assert not [one for one in world.heard if isinstance(one, e.ReportOverdue)]


def test_an_agency_that_has_left_acknowledges_what_it_still_reads(world: House) -> None:
    report = f"{absent(world)}.r1"
    world.pass_to(THURSDAY)
    ends(world, AGENCY, TUESDAY)
    path = f"/reports/{report}/acknowledgement"
    assert world.done(ACTIVITY_TRACKING, "POST", path, AGENCY, {})["acknowledged_at"] is not None


def test_what_nobody_acknowledged_in_time_is_overdue_at_the_provider(world: House) -> None:
    report = f"{absent(world)}.r1"
    world.pass_to(FRIDAY)
    assert (listed(world, SHOP, status="overdue"), [one["overdue"] for one in listed(world, SHOP)]) == (
        [],
        [False],
    )
    world.pass_to(SATURDAY)
    assert [one["report_id"] for one in listed(world, SHOP, status="overdue")] == [report]
    waiting = world.done(ACTIVITY_TRACKING, "GET", "/waiting", SHOP)["waiting"]
    (waits,) = [one for one in waiting if one["kind"] == "report"]
    assert (waits["kind"], waits["subject"], waits["overdue"]) == ("report", report, True)
    assert (waits["due"], waits["since"]) == (FRIDAY.isoformat(), TUESDAY.isoformat())
    (late,) = [one for one in world.heard if isinstance(one, e.ReportOverdue)]
    assert (late.report, late.occurred_on) == (report, SATURDAY)


@pytest.mark.parametrize("status", ["open", "overdue", "all"])
def test_pages_by_number_hold_what_waits_and_nothing_else(world: House, status: str) -> None:
    journeys = [started(world, f"AF-{number}") for number in range(4)]
    for journey in journeys:
        planned(world, journey, SHOP)
    world.pass_to(TUESDAY)
    away = [line(one, "absent", reason="transport") for one in journeys]
    marked(world, SHOP, *away, day=MONDAY.isoformat())
    reports = [f"{one}.r1" for one in journeys]
    world.done(ACTIVITY_TRACKING, "POST", f"/reports/{reports[0]}/acknowledgement", AGENCY, {})
    world.pass_to(SATURDAY)
    pages = [listed(world, SHOP, status=status, limit="2", page=str(number)) for number in (1, 2, 3)]
    whole = reports if status == "all" else reports[1:]
    assert sorted(one["report_id"] for page in pages for one in page) == sorted(whole)


def test_a_corrected_mark_makes_a_correction_that_takes_the_reports_place(world: House) -> None:
    journey = absent(world)
    marked(world, SHOP, line(journey, "present", came_at="10:00", reason="transport"), day="2016-06-06")
    marked(world, SHOP, line(journey, "present"), day="2016-06-06")
    marked(world, SHOP, line(journey, "absent", reason="unknown"), day="2016-06-06")
    messages = [message for _, message in told(world)]
    assert [(one.report_id[-2:], one.corrects and one.corrects[-2:], one.void) for one in messages] == [
        ("r1", None, False),
        ("r2", "r1", False),
        ("r3", "r2", True),
        ("r4", "r3", False),
    ]
    assert [one["report_id"][-2:] for one in listed(world, SHOP)] == ["r4"]
    first, second = (read(world, f"{journey}.{one}", AGENCY) for one in ("r1", "r2"))
    assert (first["superseded_by"], first["text"]) == (f"{journey}.r2", WORDS)
    assert (second["attendance"], second["text"]) == ("late", None)
    assert read(world, f"{journey}.r3", AGENCY)["reason"] is None
    world.pass_to(SATURDAY)
    assert [one.report[-2:] for one in world.heard if isinstance(one, e.ReportOverdue)] == ["r4"]


def test_a_mark_taken_back_is_told_and_the_same_mark_again_is_not(world: House) -> None:
    journey = absent(world)
    again = marked(world, SHOP, line(journey, "absent", reason="transport", text=WORDS), day="2016-06-06")
    assert (again[0]["changed"], len(told(world))) == (False, 1)
    marked(world, SHOP, line(journey, "unmarked"), day="2016-06-06")
    assert [(message.corrects, message.void) for _, message in told(world)][1:] == [(f"{journey}.r1", True)]


def test_a_session_without_hours_is_reported_when_its_day_is_over(world: House) -> None:
    journey = started(world)
    body = {
        "activity": "health_effort",
        "occurred_on": "2016-06-06",
        "attendance": "no",
        "minutes": 0,
        "reason": "unknown",
    }
    made = world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", SHOP, body)
    assert (made["report_id"], told(world)) == (f"{journey}.r1", [])
    world.pass_to(TUESDAY)
    found = read(world, f"{journey}.r1", AGENCY)
    assert (found["activity"], found["expected"], found["away"]) == (None, None, []), (
        "its name tells of health"
    )
    assert read(world, f"{journey}.r1", SHOP)["activity"] == "health_effort"


def test_after_a_handover_each_unit_keeps_the_reports_of_its_own_days(world: House) -> None:
    journey = absent(world)
    handed(world, journey, SHOP, CAFE, 1)
    planned(world, journey, CAFE, first_on=THURSDAY.isoformat())
    world.pass_to(FRIDAY)
    mark = {**line(journey, "absent", reason="unknown"), "plan": "a2"}
    marked(world, CAFE, mark, day=THURSDAY.isoformat())
    assert [(who, message.provider) for who, message in told(world)] == [(AGENCY, SHOP), (AGENCY, CAFE)]
    assert [one["report_id"][-2:] for one in listed(world, SHOP)] == ["r1"]
    assert [one["report_id"][-2:] for one in listed(world, CAFE)] == ["r2"]
    assert read(world, f"{journey}.r2", CAFE)["reason"] == "unknown"
    for report, who in (("r1", CAFE), ("r2", SHOP)):
        assert world.ask(ACTIVITY_TRACKING, "GET", f"/reports/{journey}.{report}", who).status_code == 404


def test_a_mistake_found_before_the_activity_is_over_is_told_to_nobody(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.rooms[ACTIVITY_TRACKING].memory.at = datetime(2016, 6, 6, 7, 30, tzinfo=UTC)
    marked(world, SHOP, line(journey, "absent", reason="unknown"))
    world.done(INTAKE, "POST", f"/journeys/{journey}/mistake", SHOP, {"reason": "wrong_person"})
    world.pass_to(TUESDAY)
    assert told(world) == []


def ill(world: House, journey: str, *days: date, who: str = SHOP) -> None:
    for day in days:
        marked(world, who, line(journey, "absent", reason="ill"), day=day.isoformat())


def long_absences(world: House) -> list[tuple[str, date]]:
    return [
        (message.report_id, date.fromisoformat(read(world, message.report_id, AGENCY)["day"]))
        for _, message in told(world)
        if message.kind == "long_absence"
    ]


def test_an_illness_falls_due_after_the_days_that_the_programme_says(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    ill(world, journey, MONDAY)
    world.pass_to(date(2016, 6, 12))
    assert long_absences(world) == []
    world.pass_to(date(2016, 6, 13))
    ((report, day),) = long_absences(world)
    assert day == date(2016, 6, 13)
    found = read(world, report, AGENCY)
    assert (found["reason"], found["attendance"], found["activity"]) == (None, None, None), (
        "kind and day only"
    )
    ill(world, journey, date(2016, 6, 13))
    world.pass_to(date(2016, 7, 10))
    assert [one for _, one in long_absences(world)] == [date(2016, 6, 13), date(2016, 7, 6)]


def test_whoever_came_in_between_begins_a_new_period(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    ill(world, journey, MONDAY)
    world.pass_to(THURSDAY)
    marked(world, SHOP, line(journey, "present"), day=TUESDAY.isoformat())
    ill(world, journey, THURSDAY)
    world.pass_to(date(2016, 6, 15))
    assert long_absences(world) == []
    world.pass_to(date(2016, 6, 20))
    assert [one for _, one in long_absences(world)] == [date(2016, 6, 16)]


@pytest.mark.parametrize("noted", [(TUESDAY, MONDAY), (MONDAY, TUESDAY)])
def test_an_absence_noted_late_of_somebody_who_came_again_is_reported_to_nobody(
    world: House, noted: tuple[date, date]
) -> None:
    """noted: the order in which the days are filled in, a week and more later; they came on the Tuesday."""
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(date(2016, 6, 15))
    for day in noted:
        if day == MONDAY:
            ill(world, journey, day)
        else:
            marked(world, SHOP, line(journey, "present"), day=day.isoformat())
    world.pass_to(date(2016, 6, 16))
    assert long_absences(world) == []


def test_a_mark_taken_back_and_made_again_reports_nothing_twice(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    ill(world, journey, MONDAY, TUESDAY)
    world.pass_to(date(2016, 6, 14))
    assert [one for _, one in long_absences(world)] == [date(2016, 6, 13)]
    ill(world, journey, date(2016, 6, 14))
    for again in ("unmarked", "absent"):
        said = {"reason": "ill"} if again == "absent" else {}
        marked(world, SHOP, line(journey, again, **said), day="2016-06-14")
    world.pass_to(date(2016, 6, 28))
    assert [one for _, one in long_absences(world)] == [date(2016, 6, 13)]


def test_a_day_taken_back_ends_the_period_and_one_noted_late_moves_its_beginning(world: House) -> None:
    first, other = started(world), started(world, "AF-2")
    for one in (first, other):
        planned(world, one, SHOP)
    world.pass_to(THURSDAY)
    ill(world, first, MONDAY)
    marked(world, SHOP, line(first, "unmarked"), day=MONDAY.isoformat())
    ill(world, other, THURSDAY, TUESDAY)
    world.pass_to(date(2016, 6, 20))
    assert [(report[:28], day) for report, day in long_absences(world)] == [(other, date(2016, 6, 14))]
