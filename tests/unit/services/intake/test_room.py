"""Room for one more person, and where a unit may answer: what the register says decides a yes."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.intake import handlers
from services.intake.domain import referral
from services.intake.domain.capacity import TAKINGS, capacity_on, has_room
from shared.language.days import day_of
from shared.language.errors import Conflict, Unknown
from shared.language.register import Capacity, KnownRegister
from tests.support.asked_referrals import (
    FIRST,
    SECOND,
    THIRD,
    awaiting,
    memory,
    no,
    readers,
    refer,
    withdraw,
    yes,
)
from tests.support.fakes import FakeWork
from tests.support.intake_work import AGENCY, caseworker

DAY = date(2017, 5, 2)


def register_of(work: FakeWork) -> KnownRegister:
    """The register, to change it."""
    found = work.register
    assert isinstance(found, KnownRegister)
    return found


def can_have(work: FakeWork, unit: str, *people: int, last_day: date | None = None) -> None:
    """Say how many people the unit can have, an activity each."""
    register = register_of(work)
    held = register.unit(unit)
    assert held is not None
    capacities = tuple(
        Capacity(activity=f"activity-{number}", people=one, first_day=date(2016, 1, 1), last_day=last_day)
        for number, one in enumerate(people)
    )
    register.put(replace(held, capacities=capacities))


def test_a_unit_takes_as_many_as_it_has_room_for() -> None:
    work = memory()
    can_have(work, FIRST, 1, 1)
    journeys = [refer(work, FIRST, reference=f"AF-{number}") for number in range(3)]
    for one in journeys[:2]:
        assert yes(work, one, FIRST).passage.provider == FIRST
    with pytest.raises(Conflict) as full:
        yes(work, journeys[2], FIRST)
    assert full.value.code == "no-room"
    assert yes(work, journeys[0], FIRST).passage.provider == FIRST, "a repeated yes is no further person"
    withdraw(work, journeys[0])
    assert yes(work, journeys[2], FIRST).passage.provider == FIRST


def test_who_has_no_room_says_no_and_the_next_one_takes_the_person_on() -> None:
    work = memory()
    can_have(work, FIRST, 0)
    journey = refer(work, FIRST, SECOND)
    with pytest.raises(Conflict):
        yes(work, journey, FIRST)
    no(work, journey, FIRST)
    assert yes(work, journey, SECOND).passage.provider == SECOND


def test_nothing_known_and_nothing_valid_today_leave_room() -> None:
    work = memory()
    can_have(work, FIRST, 0, last_day=day_of(work.at) - timedelta(days=1))
    assert yes(work, refer(work, FIRST), FIRST).passage.provider == FIRST
    assert (TAKINGS, FIRST) not in work.table


def test_acceptances_of_a_unit_with_a_capacity_write_the_same_row() -> None:
    """Two at the same moment so conflict in the database, and the second sees the first."""
    work = memory()
    can_have(work, FIRST, 5)
    for number in (1, 2):
        yes(work, refer(work, FIRST, reference=f"AF-{number}"), FIRST)
        assert work.table[TAKINGS, FIRST]["turn"] == number


def test_no_more_journeys_are_read_than_the_unit_can_have() -> None:
    work = memory()
    can_have(work, FIRST, 3)
    asked: list[int] = []
    rows = work.rows

    def counted(collection: str, where: object, **options: int) -> object:
        asked.append(options["limit"])
        return rows(collection, where, **options)  # type: ignore[arg-type]

    journey = refer(work, FIRST)
    vars(work)["rows"] = counted
    handlers.accept_referral(work, caseworker(FIRST), journey, referral.Accept())
    assert asked == [3]


@pytest.mark.parametrize(
    ("capacity", "here", "room"),
    [(None, 99, True), (0, 0, False), (3, 2, True), (3, 3, False), (3, 4, False)],
)
def test_room_is_what_capacity_leaves(capacity: int | None, here: int, room: bool) -> None:
    assert has_room(capacity=capacity, responsible_for=here) is room


def test_a_unit_s_capacity_is_the_sum_of_what_is_valid_that_day() -> None:
    work = memory()
    can_have(work, FIRST, 2, 3)
    register = register_of(work)
    unit = register.unit(FIRST)
    assert unit is not None
    ended = Capacity(activity="old", people=9, first_day=date(2016, 1, 1), last_day=date(2016, 12, 31))
    assert capacity_on(replace(unit, capacities=(*unit.capacities, ended)), DAY) == 5
    assert (capacity_on(replace(unit, capacities=(ended,)), DAY), capacity_on(None, DAY)) == (None, None)


def test_an_open_referral_asks_those_alone_who_answer_in_its_municipality() -> None:
    work = memory()
    register = register_of(work)
    (held,) = register.memberships(FIRST, "coactive")
    register.put(replace(held, municipalities=("2417",)))
    journey = refer(work)
    assert readers(work, journey) == {SECOND, THIRD}
    assert (awaiting(work, FIRST), awaiting(work, SECOND)) == ([], [journey])
    with pytest.raises(Unknown):
        yes(work, journey, FIRST)
    register.put(replace(held, municipalities=("2417", "2482")))
    assert readers(work, journey) == {FIRST, SECOND, THIRD}
    assert awaiting(work, FIRST) == [journey]
    assert AGENCY not in readers(work, journey)
