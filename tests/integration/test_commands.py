"""Commands on a real MongoDB: whole or not at all, once per key, and many in one transaction."""

import contextlib
import gc
import json
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.language import events as e
from shared.language.decision import Change, Subject
from shared.language.errors import Busy, Conflict, Forbidden, Refused, Unknown
from shared.runtime.commands import Answer, Commands
from shared.runtime.waiting import WAIT_SECONDS
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


# --- waiting -------------------------------------------------------------------------------------------------


@dataclass
class Asking:
    """Readers of one subject, of which the toy knows no part but what `parts` says."""

    commands: Commands
    subject: Subject
    parts: set[str] = field(default_factory=set)

    def told(self, organisation: str, **vector: int) -> tuple[str, float]:
        """The error code, or `seen`, and after how many seconds."""

        def use_case(work: Any) -> dict[str, Any]:
            state = work.get(self.subject)
            if organisation not in self.parts and organisation not in getattr(state, "parts", ()):
                raise Unknown("journey")
            return {}

        began = time.monotonic()
        try:
            self.commands.read(use_case, subject=self.subject, vector=vector, organisation=organisation)
        except Refused as refused:
            return refused.code, time.monotonic() - began
        return "seen", time.monotonic() - began


def test_who_holds_no_part_learns_neither_what_there_is_nor_how_much(bench: Bench) -> None:
    there, commands = bench.subject(1), bench.commands()
    commands.run(_count_up(bench, there), key="k", body=b"", subject=there, vector={})
    asked = [Asking(commands, there), Asking(commands, bench.subject(2))]
    told = [one.told("stranger", outcome=count) for one in asked for count in (0, 1, 2, 999_999)]
    assert {code for code, _ in told} == {"not-yet-seen"}
    assert all(WAIT_SECONDS <= seconds < WAIT_SECONDS + 1 for _, seconds in told), told
    # Without a vector there is nothing to wait for.
    assert [one.told("stranger")[0] for one in asked] == ["not-found", "not-found"]


def test_who_holds_a_part_is_answered_once_what_it_has_seen_is_here(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    asking = Asking(commands, subject, {"shop"})
    assert asking.told("shop", intake=1)[0] == "not-yet-seen"
    bench.consume(EVERYTHING)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(until, lambda: asking.told("shop", intake=1)[0] == "seen", "the event")
        bench.publish(bench.say(toy.accepted(), subject, 1))
        waits.result(PATIENCE_SECONDS)
    assert asking.told("shop", intake=1)[0] == "seen"
    assert asking.told("shop", intake=2)[0] == "not-yet-seen"


def test_a_part_that_comes_while_its_holder_waits_is_found(bench: Bench) -> None:
    """As when the receiver of a handover logs a session before this service has heard that it is the receiver."""
    subject, commands = bench.subject(), bench.commands()
    commands.run(_count_up(bench, subject), key="k", body=b"", subject=subject, vector={})
    asking = Asking(commands, subject)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(asking.told, "receiver", outcome=1)
        until(lambda: commands.waits.slots.taken_now == 1, "the receiver to wait")
        asking.parts.add("receiver")
        commands.run(_count_up(bench, subject), key="k2", body=b"", subject=subject, vector={})
        assert waits.result(PATIENCE_SECONDS)[0] == "seen"


def test_one_organisation_takes_no_slots_but_its_own(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands(waiters=8)
    commands.run(_count_up(bench, subject), key="k", body=b"", subject=subject, vector={})
    asking = Asking(commands, subject, {"shop"})
    with ThreadPoolExecutor(16) as pool:
        strangers = [pool.submit(asking.told, "stranger", intake=999_999) for _ in range(8)]
        until(lambda: commands.waits.slots.taken_now == 3, "as many strangers to wait as may")
        honest = pool.submit(asking.told, "shop", outcome=2)
        until(lambda: commands.waits.slots.taken_now == 4, "the honest one to wait beside them")
        commands.run(_count_up(bench, subject), key="k2", body=b"", subject=subject, vector={})
        assert honest.result(PATIENCE_SECONDS)[0] == "seen"
        told = [one.result(PATIENCE_SECONDS) for one in strangers]
    assert {code for code, _ in told} == {"not-yet-seen"}
    assert sum(seconds > 1 for _, seconds in told) == 3


# --- stored answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [Forbidden("wrong-duty", "no"), Unknown("journey")])
def test_a_stored_answer_is_not_given_to_who_has_no_right(bench: Bench, refusal: Refused) -> None:
    subject, commands = bench.subject(), bench.commands()
    commands.run(_count_up(bench, subject), key="k", body=b"1", subject=subject, vector={})

    def refused(_: Any) -> dict[str, Any]:
        raise refusal

    for body in (b"1", b"2"):
        with pytest.raises(type(refusal)):
            commands.run(refused, key="k", body=body, subject=subject, vector={})


def test_a_stored_answer_is_given_where_the_state_refuses_what_was_already_done(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    commands.run(_count_up(bench, subject), key="k", body=b"1", subject=subject, vector={})

    def done(_: Any) -> dict[str, Any]:
        raise Conflict("wrong-stage", "It was done.")

    again = commands.run(done, key="k", body=b"1", subject=subject, vector={})
    assert again.body == {"minutes": 1}
    with pytest.raises(Refused, match="idempotency-key-reused"):
        commands.run(done, key="k", body=b"2", subject=subject, vector={})

    def erased(_: Any, body: Mapping[str, Any]) -> None:
        assert body == {"minutes": 1}
        raise Conflict("participant-erased", "gone")

    with pytest.raises(Conflict, match="participant-erased"):
        commands.run(done, key="k", body=b"1", subject=subject, vector={}, again=erased)


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
