"""Planned minutes go where attended ones go: into what is said of a session, of its correction and of its day."""

from datetime import date
from typing import Any

import pytest

from shared.language import events as e
from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.unit.access.test_on_the_day import COACTIVE, SHOP, started

MONDAY = date(2016, 6, 13)
MORNING = {"weekday": 1, "starts_at": "09:00", "ends_at": "12:00"}


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def planned(world: House, activity: str = "work_training") -> str:
    journey = started(world)
    body = {"activity": activity, "first_on": "2016-06-13", "hours": [MORNING]}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities", SHOP, body)
    return journey


def marked(world: House, journey: str, presence: str, **said: Any) -> None:
    mark = {"journey_id": journey, "plan": "a1", "hour": "09:00", "presence": presence, **said}
    world.done(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, {"day": "2016-06-13", "marks": [mark]})


def said(world: House) -> list[Any]:
    kinds = (e.SessionLogged, e.SessionCorrected)
    told = [fact for _, fact in world.rooms[ACTIVITY_TRACKING].memory.said]
    return [one for one in told if isinstance(one, kinds)]


def sums(world: House, journey: str) -> tuple[int, int, int]:
    counts = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", SHOP)["session_counts"]
    return counts["minutes"], counts["planned_minutes"], counts["marked_minutes"]


def test_a_mark_tells_what_was_planned_and_a_correction_what_it_replaces(world: House) -> None:
    journey = planned(world)
    marked(world, journey, "absent", reason="ill")
    assert sums(world, journey) == (0, 180, 0)
    marked(world, journey, "present", left_at="11:00")
    assert sums(world, journey) == (120, 180, 120)
    first, second = said(world)
    assert (first.planned_minutes, first.minutes) == (180, 0)
    replaced = second.replaced
    assert (replaced.planned_minutes, replaced.activity, second.planned_minutes) == (
        180,
        "work_training",
        180,
    )
    marked(world, journey, "unmarked")
    assert sums(world, journey) == (0, 0, 0)


def test_a_session_without_a_register_has_no_planned_minutes(world: House) -> None:
    journey = planned(world)
    session = {"activity": "work_training", "occurred_on": "2016-06-13", "attendance": "yes", "minutes": 90}
    made = world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", SHOP, session)
    assert (made["planned_minutes"], sums(world, journey)) == (None, (90, 0, 0))
    assert said(world)[0].planned_minutes is None


def test_a_mark_moved_to_another_day_is_planned_no_more(world: House) -> None:
    journey = planned(world)
    marked(world, journey, "present")
    world.pass_to(date(2016, 6, 14))
    (line,) = world.done(ACTIVITY_TRACKING, "GET", "/attendance?day=2016-06-13", SHOP)["expected"]
    path = f"/journeys/{journey}/sessions/{line['mark']['session_id']}/correction"
    body = {"activity": "work_training", "occurred_on": "2016-06-14", "attendance": "yes", "minutes": 180}
    moved = world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {**body, "why": "It was Tuesday."})
    assert (moved["planned_minutes"], sums(world, journey)) == (None, (180, 0, 0))


def test_an_activity_that_reveals_health_is_not_named(world: House) -> None:
    journey = planned(world, "health_effort")
    marked(world, journey, "present")
    marked(world, journey, "absent", reason="ill")
    assert [one.activity for one in said(world)] == [None, None]
    assert said(world)[1].replaced.activity is None
    assert sums(world, journey) == (0, 180, 0)
