"""Registers by the player's own count, and how often they are marked on their own day."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clients.player.acts import Plan, noon
from clients.player.course import Course, Offer
from clients.player.holidays import is_holiday
from clients.player.owed import Session
from clients.player.registers import Line, Said, counted, expected, keeps_registers, weekdays_of
from clients.player.scenario import build
from tests.support.player_programme import CODES, INBOUND
from tests.unit.clients.player.test_asking import course

MONDAY = date(2017, 3, 6)
NEXT_MONDAY = date(2017, 3, 13)
HOURS = [{"weekday": 1, "starts_at": "09:00", "ends_at": "12:00"}]
LINE = Line(plan_key="w1", plan="plan1", activity="guidance", starts_at="09:00", ends_at="12:00", key="k")


def taking_part(**says: Any) -> Mapping[str, Course]:
    """A person at a café from early in the year, expected on Mondays."""
    one = course("kafe")
    one.accepted_on, one.started_on, one.provider = date(2017, 1, 30), date(2017, 2, 6), "kafe"
    plan = {"by": "kafe", "activity": "guidance", "first_on": MONDAY, "last_on": None, "hours": HOURS}
    one.plans["plan1"] = plan
    for name, value in says.items():
        setattr(one, name, value)
    return {"w1": one}


def days(courses: Mapping[str, Course], provider: str = "kafe") -> list[date]:
    """The days of two weeks on which somebody is expected."""
    fortnight = [date(2017, 3, day) for day in range(1, 15)]
    return [on for on in fortnight if expected(courses, {}, provider, on)]


def test_a_person_is_expected_on_the_weekdays_of_the_plan() -> None:
    assert days(taking_part()) == [MONDAY, NEXT_MONDAY]
    assert days(taking_part(), "second-hand") == []
    (line,) = expected(taking_part(), {}, "kafe", MONDAY)
    assert (line.plan, line.starts_at, line.minutes) == ("plan1", "09:00", 180)


@pytest.mark.parametrize(
    ("says", "expected_on"),
    [
        ({"mistake": True}, []),
        ({"started_on": None}, []),
        ({"started_on": NEXT_MONDAY}, [NEXT_MONDAY]),
        ({"exited_on": MONDAY}, [MONDAY]),
        ({"pauses": [(date(2017, 3, 7), NEXT_MONDAY)]}, [MONDAY]),
    ],
)
def test_who_takes_no_part_or_pauses_is_not_expected(says: Any, expected_on: list[date]) -> None:
    assert days(taking_part(**says)) == expected_on


def test_on_the_day_of_a_handover_the_former_holder_expects_the_person_for_the_last_time() -> None:
    offer = Offer(date(2017, 2, 20), "bageri", date(2017, 4, 1))
    offer.end("accepted", MONDAY)
    offer.answered_on = MONDAY
    assert days(taking_part(offers={"h1": offer})) == [MONDAY]


@pytest.mark.parametrize(
    ("came_at", "attendance", "minutes"),
    [(None, "yes", 180), ("09:15", "yes", 165), ("09:16", "late", 164)],
)
def test_late_is_more_than_a_quarter_of_an_hour(came_at: str | None, attendance: str, minutes: int) -> None:
    said = Said(line=LINE, presence="present", came_at=came_at)
    session = said.session(MONDAY, course("kafe"))
    assert session is not None
    assert (session.on, session.attendance, session.minutes) == (MONDAY, attendance, minutes)
    assert session.told == (attendance == "late")


@pytest.mark.parametrize(("reason", "counted"), [("meeting", 180), ("ill", 0)])
def test_who_was_away_for_a_reason_that_counts_as_attended_is_credited(reason: str, counted: int) -> None:
    one = replace(course("kafe"), counted_reasons=frozenset({"meeting"}))
    session = Said(line=LINE, presence="absent", reason=reason).session(MONDAY, one)
    assert session is not None
    assert (session.attendance, session.minutes, session.counted, session.marked) == (
        "no",
        0,
        counted,
        counted,
    )


def test_a_mark_that_is_changed_or_taken_back_is_a_correction() -> None:
    (one,) = taking_part().values()
    one.mark("k", Session(MONDAY, "yes", 180), "kafe", noon(MONDAY))
    assert one.corrections == 0
    one.mark("k", Session(MONDAY, "no", 0), "kafe", noon(MONDAY))
    one.mark("k", None, "kafe", noon(MONDAY))
    assert (one.corrections, one.sessions) == (2, {})


GROUP = {
    "first_on": MONDAY,
    "room": "Sal 1",
    "hours": [{"weekday": 1, "starts_at": "10:00", "ends_at": "11:30"}],
    "dates": [{"day": date(2017, 3, 15), "starts_at": "14:00", "ends_at": "16:00"}],
    "cancelled": [NEXT_MONDAY],
}


def test_who_takes_part_in_a_group_is_expected_when_it_meets() -> None:
    plan = {"by": "kafe", "activity": "guidance", "first_on": MONDAY, "last_on": None, "hours": []}
    courses = taking_part(plans={"plan1": {**plan, "group": "group-kafe"}})
    fortnight = [date(2017, 3, day) for day in range(1, 22)]
    found = {on: expected(courses, {"group-kafe": GROUP}, "kafe", on) for on in fortnight}
    assert {
        on: [(one.starts_at, one.minutes, one.room) for one in found[on]] for on in found if found[on]
    } == {
        MONDAY: [("10:00", 90, "Sal 1")],
        date(2017, 3, 15): [("14:00", 120, "Sal 1")],
        date(2017, 3, 20): [("10:00", 90, "Sal 1")],
    }
    kept = counted(courses, {"group-kafe": GROUP}, {}, date(2017, 3, 20))
    assert kept == {("kafe", on, "2482"): True for on in (MONDAY, date(2017, 3, 15))}


@pytest.fixture(params=(1, 2016), scope="module", name="plan")
def _plan(request: pytest.FixtureRequest) -> Plan:
    return build(CODES, request.param, inbound=INBOUND)


def test_registers_are_marked_on_their_own_day_in_eight_weeks_of_every_year(plan: Plan) -> None:
    visits = [act for step in plan.steps for act in step.acts if act.deed == "mark_register"]
    own_day = {act.occurred_on.isocalendar()[:2] for act in visits if act.recorded_on == act.occurred_on}
    weeks = Counter(year for year, _ in own_day)
    assert all(weeks[year] >= 8 for year in (2016, 2017, 2018)), weeks
    later = [act for act in visits if act.recorded_on > act.occurred_on]
    assert any(act.says["why"] == "corrects" for act in later)
    assert any((act.recorded_on - act.occurred_on).days > 14 for act in later), "some are forgotten at first"


def test_some_registers_are_never_marked(plan: Plan) -> None:
    visited = {
        (act.by, act.occurred_on) for step in plan.steps for act in step.acts if act.deed == "mark_register"
    }
    first, last = min(on for _, on in visited), max(on for _, on in visited)
    kept = {
        (provider, on)
        for place, provider in enumerate(keeps_registers(CODES))
        for on in (date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))
        if on.isoweekday() in weekdays_of(place)
    }
    assert visited < kept and len(kept - visited) > len(kept) / 50


@pytest.mark.parametrize(
    "on",
    [
        date(2016, 3, 28),
        date(2016, 5, 5),
        date(2017, 4, 14),
        date(2017, 6, 6),
        date(2018, 6, 22),
        date(2018, 12, 24),
    ],
)
def test_nobody_is_expected_on_a_holiday(on: date) -> None:
    assert is_holiday(on)
    assert not is_holiday(on + timedelta(days=11))


def test_nobody_is_expected_while_the_provider_is_closed() -> None:
    assert expected(taking_part(), {}, "kafe", MONDAY, [(MONDAY, MONDAY)]) == []
    assert expected(taking_part(), {}, "kafe", NEXT_MONDAY, [(MONDAY, MONDAY)]) != []


def test_people_join_groups_leave_them_and_each_year_has_its_lessons_moved_ahead(plan: Plan) -> None:
    acts = [act for step in plan.steps for act in step.acts]
    deeds = Counter(act.deed for act in acts)
    assert deeds["make_group"] == len(keeps_registers(CODES))
    assert deeds["join_group"] > 10 and 0 < deeds["leave_group"] < deeds["join_group"], deeds
    seen: dict[str, dict[str, list[Any]]] = {}
    for act in acts:
        if act.deed in ("make_group", "correct_group"):
            new = {
                name: [one for one in act.says[name] if one not in seen.get(act.by, {}).get(name, ())]
                for name in ("dates", "cancelled")
            }
            days = [one["day"] for one in new["dates"]] + new["cancelled"]
            assert days and all(on > act.recorded_on or act.deed == "make_group" for on in days)
            assert not any(is_holiday(one["day"]) for one in new["dates"])
            seen[act.by] = {name: list(act.says[name]) for name in new}
