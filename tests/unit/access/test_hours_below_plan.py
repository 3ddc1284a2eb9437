"""A week with fewer attended hours than planned is reported when it is over, and follows what is noted later."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language import events as e
from shared.language.programmes import ReportDuty
from tests.support.house import ACTIVITY_TRACKING, INTAKE, House, house
from tests.unit.access.test_attendance import MONDAY, line, marked, planned
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started
from tests.unit.access.test_reports import listed, read, told

DUTY = ReportDuty(
    code="hours_of_a_week",
    kind="hours_below_plan",
    within_working_days=5,
    shows=("hours",),
    after_days=2,
    below_percent=75,
)
BELOW = replace(COACTIVE, report_duties=(DUTY,))
WEDNESDAY, FRIDAY, SUNDAY = (date(2016, 6, day) for day in (8, 10, 12))
NEXT_MONDAY, NEXT_TUESDAY, NEXT_WEDNESDAY = (date(2016, 6, day) for day in (13, 14, 15))


@pytest.fixture(name="world")
def _world() -> House:
    return house(BELOW, today=MONDAY)


def marks(world: House, journey: str, *presences: str, first: int = 6) -> None:
    """How the person's mornings of three hours were marked, from a day of June on."""
    for number, presence in enumerate(presences):
        why = {"reason": "unknown"} if presence == "absent" else {}
        marked(world, SHOP, line(journey, presence, **why), day=date(2016, 6, first + number).isoformat())


def week(world: House, *presences: str) -> str:
    """A week marked on its Friday, and looked at when the days of marking are over."""
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(FRIDAY)
    marks(world, journey, *presences)
    world.pass_to(NEXT_WEDNESDAY)
    return journey


def messages(world: House) -> list[tuple[str, str | None, bool]]:
    return [
        (one.report_id[-2:], one.corrects and one.corrects[-2:], one.void)
        for _, one in told(world)
        if one.kind == "hours_below_plan"
    ]


def hours(world: House, report: str, who: str) -> tuple[Any, ...]:
    (found,) = read(world, report, who)["weeks"]
    return found["period"], found["planned_minutes"], found["minutes"], found["agreed_percent"]


def test_a_week_below_the_plan_is_reported_when_its_days_of_marking_are_over(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(FRIDAY)
    marks(world, journey, "present", "absent", "present", "absent")
    world.pass_to(NEXT_TUESDAY)
    assert messages(world) == []
    world.pass_to(NEXT_WEDNESDAY)
    ((who, message),) = told(world)
    assert (who, message.kind, message.provider) == (AGENCY, "hours_below_plan", SHOP)
    assert message.due_on == date(2016, 6, 22), "five working days"
    (shown,) = listed(world, AGENCY, part="referrer")
    assert (shown["day"], shown["report_id"]) == (SUNDAY.isoformat(), f"{journey}.r1")
    for who in (SHOP, AGENCY):
        assert hours(world, f"{journey}.r1", who)[:3] == ("2016-W23", 720, 360)
        assert read(world, f"{journey}.r1", who)["month"] is None
    assert world.ask(ACTIVITY_TRACKING, "GET", f"/reports/{journey}.r1", CAFE).status_code == 404
    assert "unknown" not in repr(world.heard), "no reason in a message"


@pytest.mark.parametrize(
    "presences",
    [
        ("present", "present", "present", "absent"),
        ("present",),
        (),
    ],
)
def test_enough_hours_and_what_nobody_marked_are_not_reported(
    world: House, presences: tuple[str, ...]
) -> None:
    week(world, *presences)
    assert messages(world) == []


def test_an_hour_made_up_counts(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(FRIDAY)
    marks(world, journey, "present", "absent")
    body = {"activity": "guidance", "occurred_on": FRIDAY.isoformat(), "attendance": "yes", "minutes": 90}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", SHOP, body)
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world) == [], "270 of 360 minutes are 75 percent"


def test_what_is_noted_later_corrects_the_report_and_the_same_hours_do_not(world: House) -> None:
    journey = week(world, "absent", "absent", "present", "present")
    assert messages(world) == [("r1", None, False)]
    marked(world, SHOP, line(journey, "absent", reason="transport"), day=MONDAY.isoformat())
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world)[1:] == [], "another reason, the same hours"
    marks(world, journey, "present")
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world)[1:] == [("r2", "r1", True)], "9 of 12 hours are 75 percent"
    assert read(world, f"{journey}.r2", AGENCY)["weeks"] == []
    marks(world, journey, "absent", first=8)
    marks(world, journey, "absent", first=9)
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world)[2:] == [("r3", "r2", False)]
    marks(world, journey, "unmarked", first=9)
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world)[3:] == [("r4", "r3", False)], "other hours, still too few"
    assert hours(world, f"{journey}.r4", SHOP)[1:3] == (540, 180)
    assert [one["report_id"][-2:] for one in listed(world, SHOP)] == ["r4"]
    world.pass_to(date(2016, 6, 23))
    assert [one.report[-2:] for one in world.heard if isinstance(one, e.ReportOverdue)] == ["r4"]


def test_a_session_moved_to_another_week_has_both_judged(world: House) -> None:
    journey = week(world, "absent", "present", "present", "present")
    assert messages(world) == []
    world.pass_to(date(2016, 6, 17))
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", SHOP)["sessions"]
    last = sessions[-1]["session_id"]
    body = {"activity": "work_training", "occurred_on": "2016-06-16", "attendance": "yes", "minutes": 180}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions/{last}/correction", SHOP, body)
    world.pass_to(date(2016, 6, 17))
    assert messages(world) == [("r1", None, False)], "6 of 9 hours are left"


def test_a_mistake_and_a_referrer_that_is_told_of_no_hours_have_no_report() -> None:
    other = replace(DUTY, referrer="skelleftea-kommun")
    world = house(replace(COACTIVE, report_duties=(other,)), today=MONDAY)
    week(world, "absent")
    timers = world.rooms[ACTIVITY_TRACKING].memory.timers.values()
    assert (told(world), [one.command for _, one in timers if one.command == "report_week"]) == ([], [])
    world = house(BELOW, today=MONDAY)
    journey = started(world)
    planned(world, journey, SHOP)
    marks(world, journey, "absent")
    world.done(INTAKE, "POST", f"/journeys/{journey}/mistake", SHOP, {"reason": "wrong_person"})
    world.pass_to(NEXT_WEDNESDAY)
    assert told(world) == []


def test_days_outside_participation_count_in_neither_sum(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(FRIDAY)
    marks(world, journey, "present", "present", "absent")
    exited = {"way": "by_plan", "occurred_on": "2016-06-07"}
    world.done("outcome", "POST", f"/journeys/{journey}/exit", SHOP, exited)
    world.pass_to(NEXT_WEDNESDAY)
    assert messages(world) == []


def test_one_timer_waits_for_a_week_however_much_is_noted(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(FRIDAY)
    marks(world, journey, "present", "absent", "present")
    timers = world.rooms[ACTIVITY_TRACKING].memory.timers.values()
    assert sum(one.command == "report_week" for _, one in timers) == 1
