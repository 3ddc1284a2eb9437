"""What a programme counts as attended, and what it excuses: the same minutes in hours, reports and figures."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language import events as e
from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.support.told import Told
from tests.unit.access.test_attendance import MONDAY, line, marked, planned
from tests.unit.access.test_hours_below_plan import DUTY, messages
from tests.unit.access.test_monthly_reports import EACH_MONTH
from tests.unit.access.test_on_the_day import AGENCY, COACTIVE, SHOP, started
from tests.unit.access.test_reports import read, told

TUESDAY, WEDNESDAY = date(2016, 6, 7), date(2016, 6, 8)


@pytest.fixture(name="world")
def _world() -> House:
    return house(EACH_MONTH, today=MONDAY)


def expected(world: House) -> str:
    """Somebody who is planned for three hours each morning; that Tuesday is today."""
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(TUESDAY)
    return journey


def week(world: House, journey: str, who: str = SHOP) -> tuple[int, int, int, int]:
    """Attended, planned, attended of these, excused."""
    path = f"/journeys/{journey}/hours?from=2016-06-06&to=2016-06-12"
    (found,) = world.done(ACTIVITY_TRACKING, "GET", path, who)["weeks"]
    (one,) = found["activities"]
    names = ("minutes", "planned_minutes", "marked_minutes", "excused_minutes")
    assert [one[name] for name in names] == [found[name] for name in names]
    return tuple(found[name] for name in names)


def figures(world: House, journey: str, *which: str) -> list[int]:
    cells = Told(world, journey).cells()
    return [cells.get(f"session/{one}", 0) for one in which]


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ({"presence": "absent", "reason": "employer_meeting"}, (180, 180, 180, 0)),
        ({"presence": "present", "came_at": "10:00", "reason": "employer_meeting"}, (180, 180, 180, 0)),
        ({"presence": "present", "left_at": "11:00", "reason": "employer_meeting"}, (180, 180, 180, 0)),
        ({"presence": "absent", "reason": "appointment"}, (0, 180, 0, 180)),
        ({"presence": "present", "came_at": "10:00", "reason": "appointment"}, (120, 180, 120, 60)),
        ({"presence": "absent", "reason": "ill"}, (0, 180, 0, 180)),
        ({"presence": "absent", "reason": "unknown"}, (0, 180, 0, 0)),
        ({"presence": "present", "came_at": "10:00"}, (120, 180, 120, 0)),
    ],
)
def test_the_reason_says_which_minutes_missed_count(
    world: House, said: dict[str, Any], minutes: tuple[int, int, int, int]
) -> None:
    journey = expected(world)
    marked(world, SHOP, line(journey, **said), day=MONDAY.isoformat())
    assert week(world, journey) == week(world, journey, AGENCY) == minutes
    assert figures(world, journey, "minutes", "marked_minutes") == [minutes[0], minutes[2]]
    missed = int(said["presence"] == "absent")
    assert figures(world, journey, "missed") == [missed], "the session stays what it was"


def test_figures_follow_a_correction(world: House) -> None:
    journey = expected(world)
    for said, minutes in (
        ({"presence": "absent", "reason": "employer_meeting"}, (180, 180, 180, 0)),
        ({"presence": "absent", "reason": "appointment"}, (0, 180, 0, 180)),
        ({"presence": "present", "came_at": "10:00", "reason": "employer_meeting"}, (180, 180, 180, 0)),
    ):
        marked(world, SHOP, line(journey, **said), day=MONDAY.isoformat())
        assert (week(world, journey), figures(world, journey, "minutes")) == (minutes, [minutes[0]])
    marked(world, SHOP, line(journey, "unmarked"), day=MONDAY.isoformat())
    assert figures(world, journey, "minutes", "planned_minutes") == [0, 0]
    replaced = [fact.replaced.minutes for fact in world.heard if isinstance(fact, e.SessionCorrected)]
    assert replaced == [180, 0, 180], "what was said before, minute for minute"


def test_a_session_without_hours_has_no_minutes_missed(world: House) -> None:
    journey = expected(world)
    body = {
        "activity": "guidance",
        "occurred_on": MONDAY.isoformat(),
        "attendance": "no",
        "minutes": 0,
        "reason": "employer_meeting",
    }
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", SHOP, body)
    assert figures(world, journey, "minutes", "missed") == [0, 1]


def test_a_monthly_report_says_what_was_excused_and_not_why(world: House) -> None:
    journey = expected(world)
    marked(world, SHOP, line(journey, "absent", reason="ill"), day=MONDAY.isoformat())
    world.pass_to(date(2016, 7, 1))
    (report,) = [one.report_id for _, one in told(world) if one.kind == "monthly_attendance"]
    month = read(world, report, AGENCY)["month"]
    assert (month["minutes"], month["planned_minutes"], month["excused_minutes"]) == (0, 180, 180)
    assert "ill" not in repr(read(world, report, AGENCY).values())
    said = [fact for fact in world.heard if isinstance(fact, e.SessionLogged)]
    assert [(fact.minutes, fact.planned_minutes) for fact in said] == [(0, 180)], (
        "no event tells what is excused"
    )


@pytest.mark.parametrize(("counts_excused", "reported"), [(True, False), (False, True)])
def test_a_duty_says_whether_excused_hours_count_against_the_plan(
    counts_excused: bool, reported: bool
) -> None:
    duty = replace(DUTY, counts_excused=counts_excused)
    world = house(replace(COACTIVE, report_duties=(duty,)), today=MONDAY)
    journey = expected(world)
    world.pass_to(WEDNESDAY)
    for day, presence, reason in (
        (6, "present", None),
        (7, "absent", "child_ill"),
        (8, "absent", "employer_meeting"),
    ):
        said = {} if reason is None else {"reason": reason}
        marked(world, SHOP, line(journey, presence, **said), day=f"2016-06-{day:02}")
    world.pass_to(date(2016, 6, 15))
    assert messages(world) == ([("r1", None, False)] if reported else [])
