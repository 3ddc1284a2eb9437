"""Commands on a real MongoDB: whole or not at all, once per key, and many in one transaction."""

import contextlib
import gc
import json
import threading
import weakref
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared import events as e
from shared.errors import Busy, Refused
from shared.runtime.change import Change, Subject
from shared.runtime.commands import Answer, Commands
from tests.support import toy
from tests.support.awaiting import PATIENCE_SECONDS, until
from tests.support.toy import Toy
from tests.support.toybench import EVERYTHING, Bench, bench

__all__ = ["bench"]


ASKS: ContextVar[int] = ContextVar("asks")


def _count_up(bench: Bench, subject: Subject) -> Callable[[Any], dict[str, Any]]:
    def use_case(work: Any) -> dict[str, Any]:
        state = work.find(subject) or Toy()
        fact = e.EntryRecorded(occurred_on=toy.DAY, recorded_at=toy.NOW, complete=True)
        after = work.save(subject, Change(Toy(minutes=state.minutes + 1), events=(fact,)))
        return {"minutes": after.minutes}

    return use_case


def test_the_same_key_has_its_effect_once_however_many_callers_send_it_at_once(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    answers: list[Any] = []

    def call() -> None:
        try:
            answers.append(
                commands.run(_count_up(bench, subject), key="k", body=b"1", subject=subject, vector={}).body
            )
        except Busy:
            answers.append(None)

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {json.dumps(one) for one in answers if one is not None} == {'{"minutes": 1}'}
    assert bench.db["events"].count_documents({}) == 1
    with pytest.raises(Refused, match="idempotency-key-reused"):
        commands.run(_count_up(bench, subject), key="k", body=b"2", subject=subject, vector={})


def test_a_refused_command_leaves_nothing_behind(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()

    def use_case(work: Any) -> dict[str, Any]:
        _count_up(bench, subject)(work)
        raise Refused("wrong-stage", "no")

    with pytest.raises(Refused):
        commands.run(use_case, key="k", body=b"", subject=subject, vector={})
    assert bench.state(subject) is None
    assert bench.db["events"].count_documents({}) == 0
    assert bench.db["commands"].count_documents({}) == 0


@dataclass
class Callers:
    """Threads that call with a use case each; the first of them are held inside theirs until `go`.

    outcomes: what each was answered, or what it raised.
    """

    commands: Commands
    use_case: Callable[[int, Any], dict[str, Any]]
    began: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Event = field(default_factory=threading.Event)
    outcomes: dict[int, Any] = field(default_factory=dict)

    def call(self, numbers: Iterable[int], *, held: bool) -> list[threading.Thread]:
        """One thread each, started."""
        threads = [threading.Thread(target=self._call, args=(n, held)) for n in numbers]
        for thread in threads:
            thread.start()
        return threads

    def _call(self, n: int, held: bool) -> None:
        ASKS.set(n)

        def use_case(work: Any) -> dict[str, Any]:
            self.began.release()
            if held:
                assert self.go.wait(PATIENCE_SECONDS)
            assert ASKS.get() == n, "decided in the name of another caller"
            return self.use_case(n, work)

        try:
            self.outcomes[n] = self.commands.run(use_case, key=f"k{n}", body=b"", subject=None, vector={})
        except Exception as error:  # noqa: BLE001 - what it raised is what the test looks at
            self.outcomes[n] = error

    def share(self, count: int) -> None:
        """Two go alone and are held, so many wait behind them; then all go on, to their end."""
        lone = self.call((100, 200), held=True)
        for _ in lone:
            assert self.began.acquire(timeout=PATIENCE_SECONDS)
        waiting = self.call(range(count), held=False)
        until(lambda: self.commands.waiting == count, "all of them to wait")
        self.go.set()
        for thread in lone + waiting:
            thread.join(PATIENCE_SECONDS)


def test_commands_that_wait_share_a_transaction_and_a_refused_one_takes_nothing_from_the_others(
    bench: Bench,
) -> None:
    def use_case(n: int, work: Any) -> dict[str, Any]:
        # Two each on one subject: the later one decides on what the earlier one left.
        answer = _count_up(bench, bench.subject(n // 2))(work)
        if n == 7:
            raise Refused("wrong-stage", "no")
        return answer

    callers, commits = Callers(bench.commands(), use_case), _commits(bench)
    callers.share(12)
    assert isinstance(callers.outcomes.pop(7), Refused)
    assert all(isinstance(one, Answer) for one in callers.outcomes.values())
    states = [bench.state(bench.subject(n)) for n in range(6)]
    assert [state.minutes if state else None for state in states] == [2, 2, 2, 1, 2, 2]
    assert bench.db["events"].count_documents({}) == 13
    assert bench.db["commands"].count_documents({}) == 13
    # The two lone ones, and one for all that waited; the last of the lone ones may have taken part in no round.
    assert _commits(bench) - commits <= 4


def test_what_the_database_cannot_hold_fails_its_own_caller_and_no_other_of_the_round(bench: Bench) -> None:
    def use_case(n: int, work: Any) -> dict[str, Any]:
        answer = _count_up(bench, bench.subject(n))(work)
        return {**answer, "beyond": 1 << 70} if n == 2 else answer

    callers = Callers(bench.commands(), use_case)
    callers.share(4)
    assert isinstance(callers.outcomes.pop(2), OverflowError)
    assert all(isinstance(one, Answer) for one in callers.outcomes.values()), callers.outcomes
    assert [bench.state(bench.subject(n)) is None for n in range(4)] == [False, False, True, False]


def _commits(bench: Bench) -> int:
    told: int = bench.client.admin.command("serverStatus")["transactions"]["totalCommitted"]
    return told


def test_a_caller_who_knows_more_waits_and_is_then_told_to_come_back(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    with pytest.raises(Refused, match="not-yet-seen"):
        commands.wait(subject, {"intake": 1})
    bench.consume(EVERYTHING)
    bench.publish(bench.say(toy.accepted(), subject, 1))
    until(lambda: bench.state(subject), "the event")
    commands.wait(subject, {"intake": 1})


def test_a_refused_command_is_forgotten_without_the_collector(bench: Bench) -> None:
    class Body:
        """What the request held."""

    subject, commands, body = bench.subject(), bench.commands(), Body()
    kept = weakref.ref(body)

    def use_case(_: Any, held: Body = body) -> dict[str, Any]:
        raise Refused("wrong-stage", "no")

    gc.disable()
    try:
        with contextlib.suppress(Refused):
            commands.run(use_case, key="k", body=b"", subject=subject, vector={})
        del use_case, body
        assert kept() is None, "in a circle of its own"
    finally:
        gc.enable()
