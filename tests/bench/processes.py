"""Two consumer processes of one group against one, on the same topic.

Neither start nor rebalance is measured. Time begins once every process holds its share of the partitions and has
committed a batch of it. It ends so many events later, before the end of the backlog.
"""

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench import fold
from tests.bench.folding import sums
from tests.bench.spending import Meter
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn

STEP_SECONDS = 0.01
MOST_SECONDS = 120
BACKLOG = 3
"""Times the usual load: what is folded while the second process comes in does not count."""

Processes = list[subprocess.Popen[str]]


@dataclass(frozen=True)
class Stand:
    """How many events each process has made durable, by its session, in the partitions that it holds now; and when."""

    at: float
    of_each: Counter[bytes]
    partitions: int

    @property
    def events(self) -> int:
        """All of them."""
        return sum(self.of_each.values())


def measure(bench: Bench) -> dict[str, Any]:
    """The rates of a group of two and of a group of one; what each party spends on an event."""
    topic = bench.filled(fold.Load(bench.load.events * BACKLOG, bench.load.journeys * BACKLOG))
    meter = Meter(bench.stack)
    turns = in_turn(
        {"two": lambda: rate(bench, topic, 2, meter), "one": lambda: rate(bench, topic, 1, meter)}
    )
    return {"two_processes": {**turns.against("two", "one"), "microseconds": meter.told()}}


def rate(bench: Bench, topic: str, count: int, meter: Meter) -> float:
    """So many processes fold as many events as the usual load has. Events/s."""
    database = f"bench_by_{count}"
    bench.client.drop_database(database)
    with processes_of(bench, database, topic, count) as processes:
        shared = await_stand(
            bench, database, lambda now: now.partitions == fold.PARTITIONS and len(now.of_each) == count
        )
        began = await_stand(
            bench, database, lambda now: all(now.of_each[one] > shared.of_each[one] for one in shared.of_each)
        )
        with meter.over(str(count), bench.events, [one.pid for one in processes]):
            ended = await_stand(bench, database, lambda now: now.events >= began.events + bench.events)
    total = sums(bench.client, database)["n"]
    last = stand(bench, database).events
    assert total == last >= ended.events, f"{total} events were applied, {last} read"
    bench.client.drop_database(database)
    return (ended.events - began.events) / (ended.at - began.at)


@contextmanager
def processes_of(bench: Bench, database: str, topic: str, count: int) -> Iterator[Processes]:
    """The processes of one group, ended in good order when the block ends."""
    processes = [bench.process("member", database, topic) for _ in range(count)]
    try:
        yield processes
    finally:
        for one in processes:
            one.send_signal(signal.SIGTERM)
        for one in processes:
            one.communicate(timeout=60)


def stand(bench: Bench, database: str) -> Stand:
    """Where the group is now."""
    rows = list(bench.client[database]["offsets"].find({}, {"next": 1, "holder": 1}))
    of_each: Counter[bytes] = Counter()
    for row in rows:
        of_each[bytes(row["holder"])] += row["next"]
    return Stand(time.perf_counter(), of_each, len(rows))


def await_stand(bench: Bench, database: str, reached: Callable[[Stand], bool]) -> Stand:
    """The first stand for which this holds. Raises RuntimeError when none comes."""
    until, pause = time.monotonic() + MOST_SECONDS, threading.Event()
    while time.monotonic() < until:
        if reached(now := stand(bench, database)):
            return now
        pause.wait(STEP_SECONDS)
    raise RuntimeError(f"The processes came no further than {now}.")
