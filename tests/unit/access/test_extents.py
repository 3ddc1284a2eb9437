"""The extent that was agreed, as a series of days: entered, said anew, taken back, shown."""

from datetime import date
from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

MONDAY = date(2016, 6, 6)


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def agreed(world: House, journey: str, who: str, **said: Any) -> Any:
    body = {"from_on": MONDAY.isoformat(), "percent": 50, **said}
    return world.ask(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/extents", who, body)


def shown(world: House, journey: str, who: str) -> list[tuple[str, int, bool]]:
    found = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", who)["extents"]
    return [(one["from_on"], one["percent"], one["void"]) for one in found]


def test_an_extent_is_entered_said_anew_and_taken_back(world: House) -> None:
    journey = started(world)
    made = agreed(world, journey, SHOP)
    assert (made.status_code, made.json["extent"], made.json["percent"]) == (201, "e1", 50)
    assert agreed(world, journey, SHOP, from_on="2016-09-01", percent=75).json["extent"] == "e2"
    path = f"/journeys/{journey}/extents/e1/correction"
    body = {"why": "A quarter at first.", "from_on": MONDAY.isoformat(), "percent": 25}
    assert world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)["percent"] == 25
    assert shown(world, journey, SHOP) == [("2016-06-06", 25, False), ("2016-09-01", 75, False)]
    kept = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/corrections", SHOP)["corrections"]
    assert [(one["what"], one["said"]) for one in kept] == [
        ("extent/e1", {"from_on": "2016-06-06", "percent": 50})
    ]
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "Not agreed.", "void": True})
    assert shown(world, journey, SHOP)[0] == ("2016-06-06", 25, True)
    again = world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "Not agreed.", "void": True})
    assert again.status_code == 404


@pytest.mark.parametrize("percent", [0, 101, -1, 1000])
def test_more_than_a_full_week_is_refused_and_says_what_to_do(world: House, percent: int) -> None:
    answer = agreed(world, started(world), SHOP, percent=percent)
    words = "Takes 1 to 100 percent of a full week; who comes for more hours still has 100."
    assert (answer.status_code, answer.json["errors"]["percent"]) == (422, [words])


@pytest.mark.parametrize("on", ["2010-01-01"])
def test_an_extent_from_before_the_acceptance_is_refused(world: House, on: str) -> None:
    answer = agreed(world, started(world), SHOP, from_on=on)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["from_on"])


def test_a_correction_says_all_anew(world: House) -> None:
    journey = started(world)
    agreed(world, journey, SHOP)
    path = f"/journeys/{journey}/extents/e1/correction"
    answer = world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "More.", "percent": 60})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["from_on"])


def test_only_who_holds_the_journey_agrees_on_its_extent(world: House) -> None:
    journey = started(world)
    assert agreed(world, journey, CAFE).status_code == 404
    assert agreed(world, journey, AGENCY).status_code == 403
