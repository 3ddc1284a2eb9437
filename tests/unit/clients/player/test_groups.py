"""Groups by the player's own count, held against activity tracking in memory on every day of a year."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clients.player.acts import Act, step_from
from clients.player.groups import group_of, groups
from clients.player.ledger import Ledger
from clients.player.registers import expected
from clients.player.requests import Handles, request
from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.support.player_programme import CODES
from tests.unit.access.test_on_the_day import COACTIVE, SHOP, started
from tests.unit.clients.player.test_asking import course

FIRST, LEFT, LAST = date(2016, 6, 3), step_from(date(2017, 3, 1)), date(2017, 6, 1)
PROGRAMME = replace(CODES, starts_on=FIRST, activities=("work_training",))
OWN = {"plan": "plan1", "activity": "work_training", "hours": [], "group": group_of(SHOP)}


class Sides:
    """A shop in memory, and the player's own count of what the shop did."""

    def __init__(self) -> None:
        self.world: House = house(COACTIVE, today=FIRST)
        self.handles, self.ledger = Handles(), Ledger(PROGRAMME)
        for plan_key in ("w1", "w2"):
            self.handles.journeys[plan_key] = started(self.world, plan_key)
            self.ledger.courses[plan_key] = one = course(SHOP)
            one.accepted_on, one.started_on, one.asking.answer_by = FIRST, FIRST, None

    def do(self, act: Act) -> None:
        """Do one act on both sides, on the day on which it is recorded."""
        self.world.pass_to(max(self.world.today, act.recorded_on))
        said = request(act, self.handles, PROGRAMME.id)
        body = json.dumps(said.body, default=str)
        answer = self.world.ask(ACTIVITY_TRACKING, said.method, said.path, f"{act.by}:{act.duty}", body)
        assert answer.status_code < 300, answer.text
        self.handles.keep(act, answer.json)
        self.ledger.do(act)

    def lines(self, on: date) -> list[tuple[Any, ...]]:
        """What the register of that day says."""
        shown = self.world.done(ACTIVITY_TRACKING, "GET", f"/attendance?day={on}", SHOP)["expected"]
        return sorted((one["journey_id"], one["hour"], one["minutes"], one["room"]) for one in shown)

    def own_lines(self, on: date) -> list[tuple[Any, ...]]:
        """What the player expects there."""
        found = expected(self.ledger.courses, self.ledger.groups, SHOP, on)
        return sorted(
            (self.handles.journeys[one.plan_key], one.starts_at, one.minutes, one.room) for one in found
        )

    def open(self) -> set[date]:
        """The days whose registers the shop is told to fill in, today aside."""
        path = f"/attendance/open?from={FIRST}&to={LAST - timedelta(days=1)}&limit=200"
        shown = self.world.done(ACTIVITY_TRACKING, "GET", path, SHOP)["registers"]
        return {date.fromisoformat(one["day"]) for one in shown}


def act(deed: Any, plan_key: str, on: date, **says: Any) -> Act:
    return Act(
        plan_key=plan_key, deed=deed, by=SHOP, duty="caseworker", occurred_on=on, recorded_on=on, says=says
    )


@pytest.fixture(name="sides")
def _sides() -> Sides:
    """A year in which two people join the shop's group, and one of them leaves it."""
    sides = Sides()
    made, *corrected = groups(PROGRAMME, {SHOP: (1, 4)})
    joined = date(2016, 6, 17)
    acts = [
        act("join_group", "w1", joined, **OWN, first_on=date(2016, 6, 6), last_on=None),
        act("join_group", "w2", joined, **OWN, first_on=date(2016, 7, 4), last_on=date(2017, 5, 5)),
        act("leave_group", "w1", LEFT, plan="plan1", why="Slutar.", first_on=date(2016, 6, 6), last_on=LEFT),
        *(one for one in corrected if one.recorded_on < LAST),
    ]
    for one in (made, *sorted(acts, key=lambda one: one.recorded_on)):
        sides.do(one)
    sides.world.pass_to(LAST)
    return sides


def test_the_registers_of_groups_are_as_the_player_expects_them(sides: Sides) -> None:
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days)]
    found = {on: sides.lines(on) for on in days}
    assert found == {on: sides.own_lines(on) for on in days}
    hours = {line[1] for lines in found.values() for line in lines}
    assert hours == {"10:00", "14:00"}, "lessons are held, and moved"
    assert max(on for on in days if len(found[on]) == 2) <= LEFT < max(on for on in days if found[on])
    assert (
        sides.open() == {on for on in days if found[on]} == {on for _, on, _ in sides.ledger.registers(LAST)}
    )
