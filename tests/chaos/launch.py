"""Starts a process of a service in which a fault will strike at an exact point of the code.

    python -m tests.chaos.launch --fault kill:after-commit:consumer:5 <mark> services.intake.app consume

A fault is `what:where:thread:nth`: `kill` or `stop` (SIGSTOP) at the nth time that the thread of that name comes to
that place. Each strikes once: whoever is started again with the mark already written runs as usual. With
`slow:where:thread:seconds`, the thread takes so long there, each time.
`where` names points in the libraries (pymongo, Kafka's clients, asyncio), not in the runtime, so that rewriting the
runtime does not move the fault. The other faults (`conditions`) hold from the start and need no mark.
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from asyncio import selector_events
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import confluent_kafka
from confluent_kafka import TopicPartition
from kafka import KafkaProducer
from pymongo import monitoring
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.language import events

PART_OF_A_CHUNK = 4
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Commits(monitoring.CommandListener):
    """Notes commits that fail, and what is said when the driver asks again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: dict[Any, str] = {}
        self._under_way: dict[int, Any] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Remember whose transaction it is."""
        if event.command_name == "commitTransaction":
            command = event.command
            self._under_way[event.request_id] = bytes(command["lsid"]["id"]), command["txnNumber"]

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """A commit that was asked for again turned out well."""
        if (slot := self._under_way.pop(event.request_id, None)) and slot in self._error:
            self._write(self._error.pop(slot), "done")

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """A commit failed: for the first time, or again."""
        if slot := self._under_way.pop(event.request_id, None):
            error = str(event.failure.get("codeName") or event.failure.get("errmsg"))
            if slot in self._error:
                self._write(self._error[slot], error)
            else:
                self._write(error, "")
            self._error[slot] = error

    def _write(self, error: str, again: str) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"error": error, "again": again}) + "\n")


class Fault(ABC):
    """What happens to one thread at a place in the code. thread: its name, or `any`."""

    def __init__(self, thread: str) -> None:
        self._thread = thread

    def mine(self) -> bool:
        """Whether the thread that is running is the one to be struck."""
        return self._thread in ("any", threading.current_thread().name)

    @abstractmethod
    def here(self) -> None:
        """Called at the place."""


class Slow(Fault):
    """Is slow there, each time."""

    def __init__(self, thread: str, seconds: float) -> None:
        super().__init__(thread)
        self._seconds = seconds

    def here(self) -> None:
        """Called at the place; returns later."""
        if self.mine():
            time.sleep(self._seconds)


class Strike(Fault):
    """Counts how often a thread comes by, and strikes at the nth time."""

    def __init__(self, mark: Path, number: signal.Signals, thread: str, nth: int) -> None:
        super().__init__(thread)
        self._mark = mark
        self._number = number
        self._nth = nth
        self._came = 0

    def here(self) -> None:
        """Called at the place; does not return from a kill."""
        if not self.mine():
            return
        self._came += 1
        if self._came != self._nth or self._mark.exists():
            return
        self._mark.write_text(f"{self._number.name} {os.getpid()} {time.time()}", encoding="ascii")
        # To this thread, which then goes no further: one to the process may reach the others first.
        signal.pthread_kill(threading.get_ident(), self._number)


def _around(
    owner: Any, name: str, before: Callable[..., None] | None, after: Callable[..., None] | None
) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            before(*arguments, **options)
        result = original(*arguments, **options)
        if after is not None:
            after(*arguments, **options)
        return result

    setattr(owner, name, wrapped)


def _is_marking(*arguments: Any, **_: Any) -> bool:
    return any("pend" in str(one) and "unset" in str(one) for one in arguments[1:])


def before_transaction(fault: Fault) -> None:
    """A batch has been polled, and no transaction is open yet."""
    _around(ClientSession, "start_transaction", lambda *_, **__: fault.here(), None)


def before_commit(fault: Fault) -> None:
    """Everything is written in the open transaction."""
    _around(ClientSession, "commit_transaction", lambda *_, **__: fault.here(), None)


def after_commit(fault: Fault) -> None:
    """The transaction is durable, and nothing else has happened since."""
    _around(ClientSession, "commit_transaction", None, lambda *_, **__: fault.here())


def before_mark(fault: Fault) -> None:
    """Kafka has acknowledged a chunk, and the outbox does not know it yet."""
    for name in ("update_many", "update_one", "bulk_write", "delete_many"):
        _around(Collection, name, lambda *a, **o: fault.here() if _is_marking(*a, **o) else None, None)


def before_look(fault: Fault) -> None:
    """A relay is about to look at its outbox: its lease is fresh, and nothing waits to be marked."""

    def looks(*arguments: Any, **_: Any) -> bool:
        condition = arguments[1] if len(arguments) > 1 else {}
        return isinstance(condition, dict) and min(condition.get("pend", {}).get("$in", [-1])) >= 0

    _around(Collection, "find", lambda *a, **o: fault.here() if looks(*a, **o) else None, None)


def in_chunk(fault: Fault) -> None:
    """Part of a chunk has been acknowledged, and the rest, of which there is some, has not been sent."""
    send, flush = KafkaProducer.send, KafkaProducer.flush
    sent: list[Any] = []

    def sending(producer: Any, *arguments: Any, **options: Any) -> Any:
        if fault.mine() and len(sent) == PART_OF_A_CHUNK:
            for one in sent:
                one.get(timeout=30)
            fault.here()
        future = send(producer, *arguments, **options)
        if fault.mine():
            sent.append(future)
        return future

    def flushing(producer: Any, *arguments: Any, **options: Any) -> Any:
        if fault.mine():
            sent.clear()
        return flush(producer, *arguments, **options)

    KafkaProducer.send, KafkaProducer.flush = sending, flushing


def in_frame(fault: Fault) -> None:
    """Half of a snapshot is on its way to a client, and the rest has not been sent."""
    owner: Any = vars(selector_events)["_SelectorSocketTransport"]
    write = owner.write

    def writing(transport: Any, data: bytes) -> None:
        if b"event: snapshot" not in data:
            write(transport, data)
            return
        half = len(data) // 2
        write(transport, data[:half])
        fault.here()
        write(transport, data[half:])

    owner.write = writing


PLACES: dict[str, Callable[[Fault], None]] = {
    "before-transaction": before_transaction,
    "before-commit": before_commit,
    "after-commit": after_commit,
    "before-look": before_look,
    "before-mark": before_mark,
    "in-chunk": in_chunk,
    "in-frame": in_frame,
}


def assign_all() -> None:
    """This consumer takes every partition, whatever the group's coordinator would give it."""

    class Forced(confluent_kafka.Consumer):
        def subscribe(self, topics: Iterable[str], *_: Any, on_assign: Any = None, **__: Any) -> None:
            known = self.list_topics(timeout=30).topics
            at = [TopicPartition(one, p) for one in topics for p in known[one].partitions]
            on_assign(self, at)

    confluent_kafka.Consumer = Forced  # type: ignore[misc]


def clock_ahead(seconds: str, then: str = "", when: str = "") -> None:
    """This host's clock is wrong by so many seconds (the business clock and monotonic time are not).

    then: by how many it is wrong as soon as the file of the name `when` is there.
    """
    true_ns, true = time.time_ns, time.time

    def off() -> float:
        return float(then if when and Path(when).exists() else seconds)

    time.time_ns = lambda: true_ns() + int(off() * 1e9)
    time.time = lambda: true() + off()


def bug(module: str, body: str) -> None:
    """This version of a service fails on every event of one type: `services.handover.consumer`, `ConsentGiven`."""

    def fail(*_: Any) -> Any:
        raise ArithmeticError("a bug of this version")

    importlib.import_module(module).FOLDS[getattr(events, body)] = fail


_withheld: dict[str, Path] = {}


def behind(topic: str, until: str) -> None:
    """This consumer gets nothing from one topic until the file of that name is there."""
    _withheld[topic] = Path(until)
    confluent_kafka.Consumer = Delayed  # type: ignore[misc]


class Delayed(confluent_kafka.Consumer):
    """One that is assigned the withheld topics' partitions only when their time has come.

    Pausing them instead is not certain: under load librdkafka has been seen not to go on with what was resumed.
    """

    _wanted: dict[tuple[str, int], int]
    _open: frozenset[str] = frozenset()

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._wanted = {(at.topic, at.partition): at.offset for at in partitions}
        self._open = self._let_through()
        self._give()

    def poll(self, timeout: float = -1) -> Any:
        if self.assignment() and self._open != self._let_through():
            self._open = self._let_through()
            for at in self.position(self.assignment()):
                if at.offset >= 0:
                    self._wanted[at.topic, at.partition] = at.offset
            self._give()
        return super().poll(timeout)

    def _let_through(self) -> frozenset[str]:
        return frozenset(topic for topic, until in _withheld.items() if until.exists())

    def _give(self) -> None:
        super().assign(
            [
                TopicPartition(topic, partition, offset)
                for (topic, partition), offset in self._wanted.items()
                if topic not in _withheld or topic in self._open
            ]
        )


def watch_commits(path: str) -> None:
    """Write a line for each commit that fails: the error, and what became of its repetition, if there was one."""
    monitoring.register(Commits(Path(path)))


CONDITIONS: dict[str, Callable[..., None]] = {
    "watch-commits": watch_commits,
    "assign-all": assign_all,
    "clock": clock_ahead,
    "bug": bug,
    "behind": behind,
}


def install(fault: str, mark: Path) -> None:
    """Put the fault in its place. Raises KeyError for one that is not known."""
    name, *words = fault.split(":")
    if name in CONDITIONS:
        CONDITIONS[name](*words)
        return
    place, thread, number = words
    if name == "slow":
        PLACES[place](Slow(thread, float(number)))
    else:
        PLACES[place](Strike(mark, SIGNALS[name], thread, int(number)))


def main() -> None:
    """Install the faults, then become the service's ordinary process."""
    arguments = sys.argv[1:]
    faults = []
    while arguments[0] == "--fault":
        faults.append(arguments[1])
        arguments = arguments[2:]
    mark, module, role = Path(arguments[0]), arguments[1], arguments[2]
    for fault in faults:
        install(fault, mark)
    sys.argv = [module, role]
    service = importlib.import_module(module)
    service.main(service.SERVICE)


if __name__ == "__main__":
    main()
