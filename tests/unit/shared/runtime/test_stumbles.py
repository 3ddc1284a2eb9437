"""One record that fails each time: found, set aside, passed over; and what is only tried again."""

from collections.abc import Iterable, Iterator
from threading import Event, Thread
from typing import Any

import pytest
from bson.errors import InvalidDocument
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure

from shared.host.threads import guarded_run
from shared.language.errors import Busy, Halt
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.consumer import Consumer, SetAside
from shared.runtime.durable import Durable, Fenced
from shared.runtime.kafka import Partition
from shared.runtime.positions import Positions
from shared.runtime.stumbles import Stumbles, halt_at, told_of, will_not_mend

AT = Partition("inbound.agency.referrals.v1", 0)


def busy(cause: Exception) -> Busy:
    error = Busy("The database did not finish.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (KeyError("a"), True),
        (OverflowError("8-byte ints"), True),
        (InvalidDocument("a key holds NUL"), True),
        (busy(OperationFailure("too large", 10334)), True),
        (busy(BulkWriteError({"writeErrors": [{"code": 52}]})), True),
        (busy(AutoReconnect("gone")), False),
        (busy(OperationFailure("not primary", 10107)), False),
        (busy(BulkWriteError({"writeErrors": [{"code": 189}]})), False),
        (Busy("Other writers were always first."), False),
    ],
)
def test_a_database_that_does_not_answer_is_tried_again_and_a_document_that_it_refuses_is_not(
    error: Exception, lasting: bool
) -> None:
    assert will_not_mend(error) == lasting


def test_the_third_failure_at_one_place_counts_and_failures_at_others_do_not() -> None:
    stumbles = Stumbles("toys")
    assert [stumbles.note(AT, 7), stumbles.note(AT, 8), stumbles.note(AT, 7)] == [False, False, False]
    assert [stumbles.note(AT, 7), stumbles.note(AT, 7)] == [False, True]
    stumbles.forget()
    assert not stumbles.note(AT, 7)
    assert not any(stumbles.note(None, 0) for _ in range(9)), "no record can be named"


def test_what_fails_or_succeeds_elsewhere_meanwhile_resets_no_count() -> None:
    stumbles, other = Stumbles("toys"), Partition(AT.topic, 1)
    for third in (False, False, True):
        assert stumbles.note(AT, 7) == third
        assert stumbles.note(other, 3) == third
        stumbles.forget({Partition(AT.topic, 2): 90, AT: 7})
    stumbles.forget({AT: 8})
    assert not stumbles.note(AT, 7)
    assert stumbles.note(other, 3)


def test_a_pause_grows_and_has_an_end() -> None:
    stumbles, pauses = Stumbles("toys"), []
    for _ in range(20):
        stumbles.note(AT, 7)
        pauses.append(stumbles.pause_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 30


def test_what_is_told_of_an_error_is_never_its_own_words() -> None:
    try:
        raise KeyError("19900101-9802")
    except KeyError as error:
        told = told_of(error)
        halt = halt_at("intake-inbound", AT, 7, error)
    assert told["error"] == "KeyError"
    assert told["at"].startswith("test_stumbles.py:")
    assert "9802" not in f"{told} {halt.cause} {halt.cure}"
    assert f"journeys inbound skip {AT.topic} 0 7" in halt.cure


class Log:
    """A member of a group that reads a list; satisfies what the consumer asks of `Member`."""

    granted = frozenset({AT})
    most = 1 << 30

    def __init__(self, offsets: Iterable[int]) -> None:
        self.offsets = list(offsets)
        self.next = 0

    def poll(self, most: int) -> dict[Partition, list[Arrived]]:
        found = [Arrived(*AT, n, [], b"") for n in self.offsets if n >= self.next][:most]
        self.next = found[-1].offset + 1 if found else self.next
        return {AT: found} if found else {}

    poll_more = poll

    def revoked(self) -> set[Partition]:
        return set()

    def close(self) -> None:
        """Leave."""


class Stored(Durable):
    """Offsets in memory, compared and set."""

    def __init__(self) -> None:
        self.next = 0

    def commit(self, moves: Any, process_batch: Any) -> tuple[Tally, int]:
        ((expected, following),) = moves.values()
        if expected != self.next:
            raise Fenced
        tally = process_batch(None)
        self.next = following
        return tally, 0

    def drop_session(self) -> None:
        """There is none."""


class InMemory(Positions):
    """Positions over offsets in memory; always the same topic."""

    def __init__(self, stored: Stored) -> None:
        self.next = {}
        self.stored = stored

    def load(self, member: Any) -> None:
        member.next = self.stored.next
        self.next = {**dict.fromkeys(member.granted, 0), AT: self.stored.next}

    def check_topics(self, member: Any) -> None:
        """Always the same topic."""

    def is_passed_over(self, halt: Halt) -> bool:
        return halt.standing is not None and halt.standing.offset != self.stored.next


class Reading(Consumer):
    """A consumer of the list; the offsets are those in memory."""

    def __init__(self, bad: set[int], set_aside: SetAside | None, offsets: Iterable[int] = range(40)) -> None:
        self.read: list[int] = []
        self.bad = bad
        self.stop = Event()
        super().__init__(
            group="toys",
            client=MongoClient(connect=False),
            database="toys",
            kafka_options={"bootstrap_servers": "127.0.0.1:1"},
            process_batch=lambda _, records: self._take(records),
            stop=self.stop,
            topics=[AT.topic],
            set_aside=set_aside,
            join=lambda *_: self.log,  # type: ignore[arg-type]
        )
        self._stumbles = Impatient("toys")
        self.read_from(Log(offsets), Stored())

    def read_from(self, log: Log, stored: Stored) -> None:
        """Read this log, and keep the offsets here."""
        self.log, self.stored, self._durable = log, stored, stored
        self._positions = InMemory(stored)

    def _take(self, records: list[Arrived]) -> Tally:
        if self.bad & {one.offset for one in records}:
            raise ArithmeticError("a bug of this version")
        self.read += [one.offset for one in records]
        return Tally()


class Impatient(Stumbles):
    def pause_seconds(self) -> float:
        return 0.0


@pytest.fixture
def running() -> Iterator[list[Reading]]:
    started: list[Reading] = []
    yield started
    for one in started:
        one.stop.set()


def start(running: list[Reading], consumer: Reading) -> Reading:
    running.append(consumer)
    Thread(target=consumer.run, daemon=True).start()
    return consumer


def wait_for(condition: Any) -> None:
    from tests.support.awaiting import until

    until(condition, "the consumer to get there", 20)


def test_the_record_that_fails_is_set_aside_alone_and_all_others_are_read_once(
    running: list[Reading],
) -> None:
    aside: list[tuple[int, str]] = []

    def put(_: Any, record: Arrived, error: str) -> Tally:
        aside.append((record.offset, error))
        return Tally()

    consumer = start(running, Reading({0, 13, 14, 39}, put))
    wait_for(lambda: consumer.stored.next == 40)
    assert aside == [(one, "ArithmeticError") for one in (0, 13, 14, 39)]
    assert consumer.read == [one for one in range(40) if one not in (0, 13, 14, 39)]
    assert consumer.halted is None


def test_one_that_cannot_be_set_aside_halts_until_it_is_passed_over(running: list[Reading]) -> None:
    def cannot(*_: Any) -> Tally:
        raise OverflowError("8-byte ints")

    consumer = start(running, Reading({5}, cannot))
    wait_for(lambda: consumer.halted)
    assert consumer.halted is not None
    assert consumer.halted.standing is not None
    assert consumer.halted.standing.offset == consumer.stored.next == 5
    consumer.stored.next = 6
    wait_for(lambda: consumer.stored.next == 40)
    wait_for(lambda: consumer.halted is None)
    assert consumer.read == [one for one in range(40) if one != 5]


def test_it_stands_at_the_record_itself_where_a_compaction_has_removed_those_before_it(
    running: list[Reading],
) -> None:
    consumer = start(running, Reading({9}, None, [1, 3, 9, 12]))
    wait_for(lambda: consumer.halted)
    assert consumer.halted is not None
    assert consumer.halted.standing is not None
    assert consumer.halted.standing.offset == consumer.stored.next == 9
    consumer.stored.next = 10
    wait_for(lambda: consumer.stored.next == 13)
    assert consumer.read == [1, 3, 12]


class Beside(Log):
    """Two partitions by turns; the second goes on for ever."""

    beside = Partition(AT.topic, 1)
    granted = frozenset({AT, beside})
    turn = 0

    def poll(self, most: int) -> dict[Partition, list[Arrived]]:
        self.turn += 1
        return (
            {self.beside: [Arrived(*self.beside, self.turn, [], b"")]}
            if self.turn % 2
            else super().poll(most)
        )

    poll_more = poll


class StoredBeside(Stored):
    """The second partition's offset is never compared."""

    def commit(self, moves: Any, process_batch: Any) -> tuple[Tally, int]:
        return super().commit({AT: moves[AT]}, process_batch) if AT in moves else (process_batch(None), 0)


class ReadingBeside(Reading):
    """A consumer of both."""

    def _take(self, records: list[Arrived]) -> Tally:
        return super()._take([one for one in records if one.partition == AT.partition])


def test_a_record_that_fails_is_set_aside_though_others_go_well_between_its_tries(
    running: list[Reading],
) -> None:
    aside: list[int] = []

    def put(_: Any, record: Arrived, __: str) -> Tally:
        aside.append(record.offset)
        return Tally()

    consumer = ReadingBeside({2}, put, range(5))
    consumer.read_from(Beside(range(5)), StoredBeside())
    start(running, consumer)
    wait_for(lambda: consumer.stored.next == 5)
    assert aside == [2]
    assert consumer.read == [0, 1, 3, 4]


def test_a_thread_that_fails_begins_anew_and_ends_when_told_to() -> None:
    stop = Event()

    class Fails:
        progressed_at = 0.0
        runs = 0

        def run(self) -> None:
            self.runs += 1
            if self.runs == 2:
                stop.set()
            raise ArithmeticError

    fails = Fails()
    guarded_run("toys", fails, stop)
    assert fails.runs == 2
