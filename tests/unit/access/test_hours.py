"""A participant's hours over HTTP: by week and month, with what was agreed, and for whom."""

from datetime import date
from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, House, house
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

MONDAY = date(2016, 6, 13)
WEEK = [{"weekday": day, "starts_at": "09:00", "ends_at": "13:00"} for day in range(1, 6)]


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def lived(world: House) -> str:
    """Half time is agreed; two days are marked, one of them away, and a health effort is logged beside."""
    journey = started(world)
    for path, body in (
        ("activities", {"activity": "work_training", "first_on": "2016-06-13", "hours": WEEK}),
        ("extents", {"from_on": "2016-06-13", "percent": 50}),
    ):
        world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/{path}", SHOP, body)
    world.pass_to(date(2016, 6, 19))
    for day, presence, reason in (("2016-06-13", "present", None), ("2016-06-14", "absent", "ill")):
        mark = {"journey_id": journey, "plan": "a1", "hour": "09:00", "presence": presence, "reason": reason}
        world.done(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, {"day": day, "marks": [mark]})
    effort = {"activity": "health_effort", "occurred_on": "2016-06-15", "attendance": "yes", "minutes": 60}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", SHOP, effort)
    return journey


def hours(world: House, journey: str, who: str, query: str = "?from=2016-06-13&to=2016-06-19") -> Any:
    return world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/hours{query}", who)


def test_a_week_says_what_was_planned_attended_agreed_and_reached(world: House) -> None:
    journey = lived(world)
    found = hours(world, journey, SHOP)
    (week,), (month,) = found["weeks"], found["months"]
    assert (week["period"], month["period"], found["full_week_hours"]) == ("2016-W24", "2016-06", 40)
    assert (week["minutes"], week["planned_minutes"], week["marked_minutes"]) == (300, 480, 240)
    assert (week["days"], week["agreed_percent"], week["reached_percent"]) == (7, 50.0, 12.5)
    assert [(one["activity"], one["minutes"], one["planned_minutes"]) for one in week["activities"]] == [
        ("work_training", 240, 480),
        (None, 60, 0),
    ]
    assert {**week, "period": ""} == {**month, "period": ""}


def test_left_out_days_are_the_four_weeks_up_to_today(world: House) -> None:
    found = hours(world, lived(world), SHOP, "")
    assert (found["from"], found["to"]) == ("2016-05-23", "2016-06-19")
    assert [one["period"] for one in found["weeks"]] == ["2016-W21", "2016-W22", "2016-W23", "2016-W24"]
    assert [one["days"] for one in found["weeks"]] == [0, 0, 0, 7], "before the start nobody takes part"
    assert found["weeks"][0]["reached_percent"] is None


def test_a_pause_lowers_nothing(world: House) -> None:
    journey = lived(world)
    days = {"first_on": "2016-06-16", "last_on": "2016-06-19"}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, days)
    (week,) = hours(world, journey, SHOP)["weeks"]
    assert (week["days"], week["reached_percent"]) == (3, 29.2)


@pytest.mark.parametrize("query", ["?from=2016-06-13&to=2016-06-05", "?from=2015-01-01&to=2016-06-13"])
def test_days_in_the_wrong_order_and_too_many_are_refused(world: House, query: str) -> None:
    answer = world.ask(ACTIVITY_TRACKING, "GET", f"/journeys/{lived(world)}/hours{query}", SHOP)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["to"])


def test_who_is_outside_sees_time_and_not_at_what(world: House) -> None:
    journey = lived(world)
    (week,) = hours(world, journey, AGENCY)["weeks"]
    assert [(one["activity"], one["minutes"]) for one in week["activities"]] == [(None, 300)]
    answer = world.ask(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/hours", CAFE)
    assert answer.status_code == 404


def test_a_workplace_is_told_no_sums(world: House) -> None:
    journey = lived(world)
    hotel = "hotell-statt"
    offer = {"kind": "provider_to_employer", "to_organisation": hotel, "deadline_on": "2016-06-30"}
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE, hotel], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    path = f"/journeys/{journey}/handovers"
    world.done(HANDOVERS, "POST", path, SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{journey}.h1/acceptance", hotel)
    found = hours(world, journey, hotel)
    assert (found["weeks"], found["months"]) == ([], [])
