"""Timers that fall due at one moment share transactions; what ails one of them ails no other."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from shared.language.decision import Change, Subject, Timer, TimerFold
from shared.language.programmes import Programmes
from shared.runtime.clock import Clock
from shared.runtime.timers import AGAIN
from tests.support import toy
from tests.support.asked import Asked
from tests.support.toy import Toy
from tests.support.toybench import Bench, bench
from tools.stack import Stack

__all__ = ["bench"]

DUE = toy.NOW + timedelta(days=1)
MANY = 120


def wanted(bench: Bench, *timers: Timer) -> list[Subject]:
    """Set these timers, each on a subject of its own, to fall due one after the other."""
    subjects = [bench.subject(number) for number in range(len(timers))]

    def use_case(work: Any) -> dict[str, Any]:
        for number, (subject, timer) in enumerate(zip(subjects, timers, strict=True)):
            at = DUE + timedelta(seconds=number)
            work.save(subject, Change(Toy(), timers=(replace(timer, due=at),)))
        return {}

    bench.commands().run(use_case, key="set", body=b"", subject=subjects[0], vector={})
    return subjects


def named(*keys: str) -> list[Timer]:
    return [Timer(key, DUE, "fire") for key in keys]


def fired(bench: Bench, fire: TimerFold = toy.fire) -> int:
    """Carry out what is due the day after, once."""
    clock = Clock(bench.db, driven=True)
    clock.move(DUE + timedelta(days=1))
    return bench.timers(clock, fire).fire_due()


def test_many_share_few_transactions(bench: Bench, stack: Stack) -> None:
    subjects = wanted(bench, *named(*(f"t{number}" for number in range(MANY))))
    asked = Asked()
    with MongoClient[dict[str, Any]](
        stack.admin_mongo_uri, tz_aware=True, w="majority", event_listeners=[asked]
    ) as client:
        assert fired(replace(bench, client=client)) == MANY
    assert asked.names["commitTransaction"] == 3, "of fifty, fifty and twenty"
    assert asked.names.total() < MANY / 2, asked.names
    assert [bench.state(one) for one in subjects] == [Toy(fired=1)] * MANY
    assert bench.db["timers"].count_documents({}) == 0


def test_one_that_fails_is_put_off_alone(bench: Bench) -> None:
    subjects = wanted(bench, *named("first", "ill", "last"))

    def fire(state: Toy, timer: Timer, at: datetime, programmes: Programmes) -> Change[Toy]:
        if timer.key == "ill":
            raise ValueError("It cannot be carried out.")
        return toy.fire(state, timer, at, programmes)

    assert fired(bench, fire) == 2
    assert [bench.state(one) for one in subjects] == [Toy(fired=1), Toy(), Toy(fired=1)]
    (left,) = bench.db["timers"].find({})
    assert left["_id"] == "ill"
    assert left[AGAIN] > datetime.now(left[AGAIN].tzinfo)


@pytest.mark.parametrize("later_by", [None, timedelta(), timedelta(days=90)])
def test_one_that_another_moves_is_looked_at_anew(bench: Bench, later_by: timedelta | None) -> None:
    """later_by: what the first does to the second: cancel it, set it as it was, or set it for later."""
    first, second = wanted(bench, *named("first", "second"))
    due = DUE + timedelta(seconds=1)

    def fire(state: Toy, timer: Timer, at: datetime, programmes: Programmes) -> Change[Toy]:
        change = toy.fire(state, timer, at, programmes)
        if timer.key == "second":
            return change
        if later_by is None:
            return replace(change, cancels=("second",))
        return replace(change, timers=(Timer("second", due + later_by, "fire"),))

    assert fired(bench, fire) == 1 + (later_by == timedelta())
    assert bench.state(first) == Toy(fired=1 + (later_by == timedelta()))
    assert bench.state(second) == Toy()
    assert bench.db["timers"].count_documents({}) == (later_by == timedelta(days=90))
