"""Registers that nobody has filled in: counted when the day is over, and again after whatever moves it."""

from datetime import date
from typing import Any

import pytest

from services.activity_tracking.domain.counted import COUNT
from shared.language.events import RegisterCounted
from tests.support.house import ACTIVITY_TRACKING, OUTCOMES, House, house
from tests.unit.access.test_attendance import WEEK, handed, line, marked
from tests.unit.access.test_on_the_day import CAFE, COACTIVE, SHOP, started

MONDAY, TUESDAY, WEDNESDAY, FRIDAY, NEXT_MONDAY = (date(2016, 6, day) for day in (13, 14, 15, 17, 20))


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def planned(world: House, journey: str, who: str = SHOP, **said: Any) -> None:
    body = {"activity": "work_training", "first_on": "2016-06-13", "hours": WEEK, **said}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities", who, body)


def unfilled(world: House, who: str = SHOP, **query: str) -> list[tuple[int, int, int]]:
    """Day of the month, expected, not marked."""
    said = "&".join(f"{name.rstrip('_')}={value}" for name, value in query.items())
    found = world.done(ACTIVITY_TRACKING, "GET", f"/attendance/open?{said}", who)["registers"]
    return [(int(one["day"][-2:]), one["expected"], one["not_marked"]) for one in found]


def told(world: House) -> list[tuple[Any, ...]]:
    facts = [one for one in world.heard if isinstance(one, RegisterCounted)]
    return [
        (
            one.occurred_on.day,
            one.expected,
            one.not_marked,
            one.replaced_expected,
            one.replaced_not_marked,
        )
        for one in facts
    ]


def mark(world: House, journey: str, on: date, presence: str = "present") -> None:
    assert marked(world, SHOP, line(journey, presence), day=on.isoformat())[0]["changed"] is True


def again(world: House) -> None:
    """What is to be counted again is counted."""
    world.pass_to(world.today)


def counting(world: House) -> int:
    """Timers that count a unit's days."""
    timers = world.rooms[ACTIVITY_TRACKING].memory.timers.values()
    return sum(timer.command == COUNT for _, timer in timers)


def test_a_day_that_is_over_is_counted_and_todays_is_as_it_stands(world: House) -> None:
    first, other = started(world), started(world, "AF-2")
    for one in (first, other):
        planned(world, one)
    mark(world, first, MONDAY)
    assert (unfilled(world), told(world)) == ([(13, 2, 1)], [])
    world.pass_to(WEDNESDAY)
    assert unfilled(world) == [(13, 2, 1), (14, 2, 2), (15, 2, 2)]
    assert told(world) == [(13, 2, 1, 0, 0), (14, 2, 2, 0, 0)]
    assert unfilled(world, from_="2016-06-14", to="2016-06-14") == [(14, 2, 2)]
    assert unfilled(world, CAFE) == []


def test_a_day_marked_late_is_counted_again_and_told_with_what_it_replaces(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    world.pass_to(TUESDAY)
    mark(world, journey, MONDAY)
    again(world)
    assert unfilled(world) == [(14, 1, 1)]
    mark(world, journey, MONDAY, "unmarked")
    again(world)
    assert unfilled(world) == [(13, 1, 1), (14, 1, 1)]
    assert told(world) == [(13, 1, 1, 0, 0), (13, 1, 0, 1, 1), (13, 1, 1, 1, 0)]


def test_a_pause_a_closure_and_an_exception_take_days_off(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    world.pass_to(NEXT_MONDAY)
    assert [one[0] for one in unfilled(world)] == [13, 14, 15, 16, 17, 20]
    days = {"first_on": "2016-06-14", "last_on": "2016-06-15"}
    pause = world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, days)["pause"]
    closure = world.done(ACTIVITY_TRACKING, "POST", "/closures", SHOP, {"first_on": "2016-06-16"})
    path = f"/journeys/{journey}/activities/a1/correction"
    body = {"why": "A day off.", "activity": "work_training", "first_on": "2016-06-13"}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {**body, "except_on": ["2016-06-17"]})
    again(world)
    assert [one[0] for one in unfilled(world)] == [13, 20]
    void = {"why": "It was not so.", "void": True}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses/{pause}/correction", SHOP, void)
    world.done(ACTIVITY_TRACKING, "POST", f"/closures/{closure['closure_id']}/correction", SHOP, void)
    again(world)
    assert [one[0] for one in unfilled(world)] == [13, 14, 15, 16, 20]


def test_an_exit_and_a_handover_recorded_late_are_counted_again(world: House) -> None:
    gone, moved = started(world), started(world, "AF-2")
    for one in (gone, moved):
        planned(world, one)
    world.pass_to(NEXT_MONDAY)
    body = {"way": "by_plan", "occurred_on": "2016-06-14"}
    world.done(OUTCOMES, "POST", f"/journeys/{gone}/exit", SHOP, body)
    again(world)
    assert unfilled(world) == [(13, 2, 2), (14, 2, 2), *((day, 1, 1) for day in (15, 16, 17, 20))]
    handed(world, moved, SHOP, CAFE, 1)
    world.pass_to(date(2016, 6, 22))
    assert unfilled(world)[-1] == (20, 1, 1), "the day of the handover is the last here"


@pytest.mark.parametrize("days", [(13,), (20, 13), (16, 14, 17)])
def test_whatever_day_the_exit_is_moved_to_the_days_after_it_are_nobodys(
    world: House, days: tuple[int, ...]
) -> None:
    """days: of June, as the exit is first recorded and then corrected; the start is the 13th."""
    gone, stays = started(world), started(world, "AF-2")
    for one in (gone, stays):
        planned(world, one)
    world.pass_to(NEXT_MONDAY)
    again(world)
    for number, day in enumerate(days):
        left(world, gone, day, corrected=number > 0)
        again(world)
    expected = [(day, 1 + (day <= days[-1]), 1 + (day <= days[-1])) for day in (13, 14, 15, 16, 17, 20)]
    assert unfilled(world) == expected


def test_whoever_comes_back_is_counted_again(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    world.pass_to(TUESDAY)
    left(world, journey, 14)
    world.pass_to(NEXT_MONDAY)
    assert counting(world) == 0, "nobody is expected any more"
    left(world, journey, 14, corrected=True, void=True)
    again(world)
    assert [one[0] for one in unfilled(world)] == [13, 14, 15, 16, 17, 20]
    assert counting(world) == 1
    world.pass_to(date(2016, 6, 22))
    assert [one[0] for one in unfilled(world)] == [13, 14, 15, 16, 17, 20, 21, 22]


def left(world: House, journey: str, day: int, *, corrected: bool = False, void: bool = False) -> None:
    said = {"void": True} if void else {"way": "by_plan", "occurred_on": f"2016-06-{day}"}
    path, more = ("exit/correction", {"why": "It was another day."}) if corrected else ("exit", {})
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/{path}", SHOP, {**said, **more})


def test_a_plan_entered_late_is_counted_from_its_first_day(world: House) -> None:
    journey = started(world)
    world.pass_to(FRIDAY)
    planned(world, journey, last_on="2016-06-14")
    again(world)
    assert unfilled(world) == [(13, 1, 1), (14, 1, 1)]
    planned(world, journey, hours=[{"weekday": 1, "starts_at": "13:00", "ends_at": "15:00"}])
    again(world)
    assert unfilled(world) == [(13, 2, 2), (14, 1, 1)]


def test_a_unit_without_plans_waits_for_no_day(world: House) -> None:
    journey = started(world)
    planned(world, journey, last_on="2016-06-14")
    assert counting(world) == 1
    world.pass_to(FRIDAY)
    assert counting(world) == 0
    planned(world, journey, first_on="2016-06-17")
    assert counting(world) == 1


def test_days_in_the_wrong_order_are_refused_by_name(world: House) -> None:
    path = "/attendance/open?from=2016-06-13&to=2016-06-12"
    refused = world.ask(ACTIVITY_TRACKING, "GET", path, SHOP)
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"to"})


def test_a_long_time_is_counted_in_pieces_and_read_in_pages(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    world.pass_to(date(2016, 8, 15))
    found, cursor = [], ""
    while True:
        page = world.done(ACTIVITY_TRACKING, "GET", f"/attendance/open?limit=20{cursor}", SHOP)
        found += [one["day"] for one in page["registers"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(found) == len(set(found)) == 45, "nine weeks and a Monday, without midsummer eve"
    second = world.done(ACTIVITY_TRACKING, "GET", "/attendance/open?limit=20&page=2", SHOP)["registers"]
    assert [one["day"] for one in second] == found[20:40]
    days = {"first_on": "2016-06-13", "last_on": "2016-08-12"}
    world.done(ACTIVITY_TRACKING, "POST", "/closures", SHOP, days)
    again(world)
    assert unfilled(world) == [(15, 1, 1)]
