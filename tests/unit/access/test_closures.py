"""Days without a register: the unit is closed, the day is a holiday, or the person is not expected on it."""

from datetime import date
from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.unit.access.test_attendance import WEEK, expected, line, marked, marks_of
from tests.unit.access.test_on_the_day import CAFE, COACTIVE, SHOP, started

MONDAY, TUESDAY, NEXT_MONDAY = (date(2016, 6, day) for day in (13, 14, 20))
MIDSUMMER_EVE, AFTER = date(2016, 6, 24), date(2016, 6, 27)


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def planned(world: House, journey: str, **said: Any) -> None:
    body = {"activity": "work_training", "first_on": MONDAY.isoformat(), "hours": WEEK, **said}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities", SHOP, body)


def closed(world: House, who: str = SHOP, **said: Any) -> Any:
    return world.ask(ACTIVITY_TRACKING, "POST", "/closures", who, said)


def test_closed_today_is_said_without_a_word_more(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    made = closed(world)
    assert (made.status_code, made.json["first_on"], made.json["last_on"]) == (
        201,
        "2016-06-13",
        "2016-06-13",
    )
    shown = world.done(ACTIVITY_TRACKING, "GET", "/attendance", SHOP)
    assert (shown["closed"], shown["expected"], shown["not_marked"]) == (True, [], 0)
    assert expected(world, SHOP, TUESDAY) == [journey]
    assert marked(world, SHOP, rest="present") == [], "nobody is expected"
    assert not world.done(ACTIVITY_TRACKING, "GET", "/attendance", CAFE)["closed"], "another unit"


def test_who_came_all_the_same_is_marked_by_name(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    closed(world)
    assert marked(world, SHOP, line(journey, "present"))[0]["changed"] is True
    assert marks_of(world, SHOP, MONDAY) == [("yes", 180)]


def test_a_pattern_of_closed_days_is_said_anew_and_taken_back(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    days = {"first_on": "2016-06-13", "last_on": "2016-08-31"}
    made = closed(world, **days, weekdays=[1, 3, 1]).json
    assert made["weekdays"] == [1, 3]
    seen = (MONDAY, TUESDAY, NEXT_MONDAY)
    assert [bool(expected(world, SHOP, on)) for on in seen] == [False, True, False]
    path = f"/closures/{made['closure_id']}/correction"
    said = {"why": "From the week after.", **days, "first_on": "2016-06-20"}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert [bool(expected(world, SHOP, on)) for on in seen] == [True, True, False]
    listed = world.done(ACTIVITY_TRACKING, "GET", "/closures", SHOP)["closures"]
    assert [one["first_on"] for one in listed] == ["2016-06-20"]
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "It opens.", "void": True})
    assert [bool(expected(world, SHOP, on)) for on in seen] == [True, True, True]
    assert world.done(ACTIVITY_TRACKING, "GET", "/closures", SHOP)["closures"] == []
    again = world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "It opens.", "void": True})
    assert again.status_code == 404
    told = world.done(ACTIVITY_TRACKING, "GET", f"/closures/{made['closure_id']}/corrections", SHOP)
    assert [(one["said"]["first_on"], one["why"], one["voided"]) for one in told["corrections"]] == [
        ("2016-06-13", "From the week after.", False),
        ("2016-06-20", "It opens.", True),
    ]


def test_what_was_marked_before_the_unit_closed_stays_in_view(world: House) -> None:
    journey = started(world)
    planned(world, journey)
    marked(world, SHOP, line(journey, "present"))
    closed(world)
    assert marks_of(world, SHOP, MONDAY) == [("yes", 180)]


def test_nobody_is_expected_on_a_holiday_unless_the_plan_says_so(world: House) -> None:
    shop, hotel = started(world), started(world, "AF-2")
    planned(world, shop)
    planned(world, hotel, on_holidays=True)
    shown = world.done(ACTIVITY_TRACKING, "GET", f"/attendance?day={MIDSUMMER_EVE}", SHOP)
    assert [one["journey_id"] for one in shown["expected"]] == [hotel]
    assert (shown["holiday"], shown["closed"], shown["not_marked"]) == (True, False, 1)
    assert sorted(expected(world, SHOP, AFTER)) == sorted([shop, hotel])
    path = f"/journeys/{shop}/activities/a1/correction"
    said = {
        "why": "They work then.",
        "activity": "work_training",
        "first_on": "2016-06-13",
        "on_holidays": True,
    }
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert sorted(expected(world, SHOP, MIDSUMMER_EVE)) == sorted([shop, hotel])


def test_a_day_that_the_plan_excepts_is_excepted_of_that_activity_alone(world: House) -> None:
    journey = started(world)
    planned(world, journey, except_on=["2016-06-20", "2016-06-14", "2016-06-14"])
    planned(world, journey, hours=[{"weekday": 2, "starts_at": "13:00", "ends_at": "15:00"}])
    seen = (MONDAY, TUESDAY, NEXT_MONDAY, AFTER)
    assert [len(expected(world, SHOP, on)) for on in seen] == [1, 1, 0, 1]
    path = f"/journeys/{journey}/activities/a1/correction"
    said = {"why": "They come.", "activity": "work_training", "first_on": "2016-06-13"}
    assert world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)["except_on"] == [
        "2016-06-14",
        "2016-06-20",
    ]
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {**said, "except_on": []})
    assert [len(expected(world, SHOP, on)) for on in seen] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"first_on": "2016-06-14", "last_on": "2016-06-13"}, {"last_on"}),
        ({"first_on": "2016-06-13", "last_on": "2026-06-13"}, {"last_on"}),
        ({"first_on": "2016-06-13", "weekdays": [2]}, {"weekdays"}),
        ({"weekdays": [0]}, {"weekdays"}),
        ({"first_on": "today"}, {"first_on"}),
        ({"room": "3"}, {"room"}),
    ],
    ids=["backwards", "ten years", "no such day", "no weekday", "no day", "unknown"],
)
def test_a_closure_that_closes_nothing_is_refused_with_its_field(
    world: House, said: dict[str, Any], fields: set[str]
) -> None:
    refused = closed(world, **said)
    assert refused.status_code == 422
    assert {name.partition(".")[0] for name in refused.json["errors"]} == fields


def test_only_the_unit_itself_opens_it_again(world: House) -> None:
    made = closed(world).json
    path = f"/closures/{made['closure_id']}/correction"
    refused = world.ask(ACTIVITY_TRACKING, "POST", path, CAFE, {"why": "Open.", "void": True})
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")


def test_closures_are_listed_in_pages(world: House) -> None:
    for day in (17, 15, 16):
        closed(world, first_on=f"2016-06-{day}")
    found, cursor = [], ""
    while True:
        page = world.done(ACTIVITY_TRACKING, "GET", f"/closures?limit=2{cursor}", SHOP)
        found += [one["first_on"][-2:] for one in page["closures"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ["15", "16", "17"]
