"""Somebody who turns up unplanned is added to the register of the day, also while they pause."""

from datetime import date
from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, OUTCOMES, House, house
from tests.unit.access.test_attendance import counts, handed, marked, marks_of, planned
from tests.unit.access.test_marks_by_file import sent
from tests.unit.access.test_on_the_day import CAFE, COACTIVE, SHOP, started

MONDAY, TUESDAY, LATER = (date(2016, 6, day) for day in (13, 14, 20))


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def came(journey: str, **said: Any) -> dict[str, Any]:
    mark = {"journey_id": journey, "activity": "work_training", "hour": "13:00", "ends_at": "15:00"}
    return {**mark, "presence": "present", **said}


def lines(world: House, on: date = MONDAY) -> list[tuple[Any, ...]]:
    shown = world.done(ACTIVITY_TRACKING, "GET", f"/attendance?day={on}", SHOP)["expected"]
    return [(one["plan"], one["hour"], one["minutes"], one["overlaps"]) for one in shown]


def test_whoever_turns_up_is_on_the_register_and_counted_once(world: House) -> None:
    journey = started(world)
    (taken,) = marked(world, SHOP, came(journey))
    assert (taken["status"], taken["changed"], taken["plan"], taken["activity"], taken["minutes"]) == (
        *(200, True, None),
        *("work_training", 120),
    )
    assert lines(world) == [(None, "13:00", 120, False)]
    assert world.done(ACTIVITY_TRACKING, "GET", "/attendance", SHOP)["not_marked"] == 0
    assert marked(world, SHOP, came(journey, marked_at="2016-06-13T15:00:00+02:00"))[0]["changed"] is False
    assert counts(world, journey) == (1, 0, 120)


def test_their_times_are_said_anew_and_taken_back(world: House) -> None:
    journey = started(world)
    first = marked(world, SHOP, came(journey, came_at="13:20"))[0]
    assert first["attendance"] == "late"
    assert marked(world, SHOP, came(journey, ends_at="16:00"))[0]["minutes"] == 180
    assert marked(world, SHOP, came(journey, ends_at=None, left_at="14:00"))[0]["minutes"] == 60
    assert lines(world) == [(None, "13:00", 180, False)]
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", SHOP)["sessions"]
    assert len(sessions) == 3
    assert marked(world, SHOP, came(journey, presence="unmarked", ends_at=None))[0]["changed"] is True
    assert (lines(world), counts(world, journey)) == ([], (0, 0, 0))
    assert marked(world, SHOP, came(journey, presence="unmarked"))[0]["changed"] is False
    assert marked(world, SHOP, came(journey))[0]["changed"] is True
    assert counts(world, journey) == (1, 0, 120)


def test_who_pauses_or_whose_plan_has_ended_may_come(world: House) -> None:
    journey = started(world)
    assert planned(world, journey, SHOP, first_on="2016-06-13", last_on="2016-06-13").status_code == 201
    pause = {"first_on": "2016-06-20", "last_on": "2016-06-24"}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, pause)
    world.pass_to(LATER)
    world.done(ACTIVITY_TRACKING, "POST", "/closures", SHOP)
    assert marked(world, SHOP, came(journey))[0]["changed"] is True
    assert marks_of(world, SHOP, LATER) == [("yes", 120)]


def test_a_stretch_across_a_planned_one_is_taken_and_told(world: House) -> None:
    journey = started(world)
    assert planned(world, journey, SHOP, first_on="2016-06-13").status_code == 201
    marked(world, SHOP, came(journey, hour="11:00", ends_at="13:00"), rest="present")
    assert lines(world) == [("a1", "09:00", 180, True), (None, "11:00", 120, False)]
    assert marks_of(world, SHOP, MONDAY) == [None, ("yes", 120)], "the rest lies across what is marked"


def test_minutes_of_a_day_are_no_more_than_it_has(world: House) -> None:
    journey = started(world)
    taken = marked(
        world,
        SHOP,
        came(journey, hour="00:00", ends_at="23:00"),
        came(journey, hour="12:00", ends_at="14:00"),
    )
    assert [one["status"] for one in taken] == [200, 422]
    assert set(taken[1]["problem"]["errors"]) == {"minutes"}


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"activity": None}, {"activity"}),
        ({"activity": "no_such"}, {"activity"}),
        ({"ends_at": None}, {"ends_at"}),
        ({"ends_at": "13:00"}, {"ends_at"}),
        ({"presence": "absent", "reason": "ill"}, {"presence"}),
        ({"plan": "a1"}, {"activity", "ends_at"}),
        ({"reason": "ill"}, {"reason"}),
        ({"left_at": "12:00"}, {"left_at"}),
    ],
)
def test_what_does_not_say_who_did_what_is_refused_on_its_line(
    world: House, said: dict[str, Any], fields: set[str]
) -> None:
    journey, other = started(world), started(world, "AF-2")
    refused, taken = marked(world, SHOP, came(journey, **said), came(other))
    assert (refused["status"], set(refused["problem"]["errors"])) == (422, fields)
    assert taken["changed"] is True


def test_two_marks_of_one_stretch_are_refused_whole(world: House) -> None:
    journey = started(world)
    body = {"marks": [came(journey), came(journey, ends_at="16:00")]}
    assert world.ask(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, body).status_code == 422
    assert lines(world) == []


def test_of_a_day_before_the_start_after_the_exit_or_to_come_there_is_one_answer(world: House) -> None:
    journey = started(world)
    early = marked(world, SHOP, came(journey), day="2016-06-01")[0]
    assert (early["status"], early["problem"]["code"]) == (404, "not-found"), "the shop did not hold it then"
    ahead = marked(world, SHOP, came(journey), day="2016-06-14")[0]
    assert (ahead["status"], set(ahead["problem"]["errors"])) == (422, {"occurred_on"})
    world.pass_to(TUESDAY)
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(LATER)
    after = marked(world, SHOP, came(journey), day="2016-06-15")[0]
    assert (after["status"], set(after["problem"]["errors"])) == (422, {"occurred_on"})
    assert marked(world, SHOP, came(journey), day="2016-06-14")[0]["changed"] is True


def test_a_unit_adds_nobody_whom_it_does_not_hold_that_day(world: House) -> None:
    journey = started(world)
    nobodys = marked(world, CAFE, came(journey))[0]
    unknown = marked(world, CAFE, came("j-" + "1" * 26))[0]
    assert {**nobodys, "journey_id": ""} == {**unknown, "journey_id": ""}
    world.pass_to(TUESDAY)
    handed(world, journey, SHOP, CAFE, 1)
    world.pass_to(LATER)
    assert marked(world, CAFE, came(journey))[0]["changed"] is True
    assert marked(world, SHOP, came(journey), day="2016-06-13")[0]["changed"] is True
    refused = marked(world, SHOP, came(journey), day="2016-06-16")[0]
    assert refused["problem"]["code"] in ("not-found", "not-your-journey")
    assert lines(world) == [(None, "13:00", 120, False)]


def test_a_file_says_the_same_as_a_register(world: House) -> None:
    journey, other = started(world), started(world, "AF-2")
    marked(world, SHOP, came(journey))
    rows = [{"day": "2016-06-13", **came(one)} for one in (journey, other)]
    results = sent(world, SHOP, *rows, {**rows[1], "activity": None})
    assert [(one["status"], one.get("changed"), one.get("minutes")) for one in results] == [
        *((200, False, 120), (200, True, 120)),
        (422, None, None),
    ]
    assert sent(world, SHOP, {**rows[1], "ends_at": "16:00"})[0]["minutes"] == 180
    assert [(one[1], one[2]) for one in lines(world)] == [("13:00", 120), ("13:00", 180)]


def test_another_activity_is_not_of_the_stretch(world: House) -> None:
    journey = started(world)
    session = marked(world, SHOP, came(journey))[0]["session_id"]
    path = f"/journeys/{journey}/sessions/{session}/correction"
    said = {"activity": "placement", "occurred_on": "2016-06-13", "attendance": "yes", "minutes": 30}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert (lines(world), counts(world, journey)) == ([], (1, 0, 30))
