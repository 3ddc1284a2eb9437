"""The fold of a backlog while fifty callers write to ten of its journeys, against the same with nobody writing.

Once with a backlog of these ten journeys alone, so that every batch meets every writer, and once with them among all.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.bench import fold
from tests.bench.folding import folded, sums
from tests.bench.surroundings import Bench, Client
from tests.bench.turns import in_turn

WRITERS, JOURNEYS = 50, 10
SHARE = 4
"""Of the usual number of events, the backlog has this part."""

AT_MOST_SECONDS = 10.0
"""A fold that takes longer is judged by what it has made durable by then."""


def measure(bench: Bench) -> dict[str, Any]:
    """Both backlogs."""
    events = bench.events // SHARE
    ten = bench.filled(fold.Load(events, JOURNEYS))
    many = bench.filled(fold.Load(events, max(JOURNEYS, events // 20)))
    return {
        "hot_keys": Backlog(bench, ten, events).told(),
        "hot_keys_among_many": Backlog(bench, many, events).told(),
    }


class Backlog:
    """A topic that is folded again and again, with and without writers."""

    def __init__(self, bench: Bench, topic: str, events: int) -> None:
        self._bench = bench
        self._topic = topic
        self._events = events
        self._noted: defaultdict[str, list[float]] = defaultdict(list)

    def told(self) -> dict[str, Any]:
        """The fold beside the writers, against the fold alone; and what the writers came to."""
        turns = in_turn({"beside": self._beside_writers, "alone": self._alone})
        noted = {what: round(sum(each) / len(each), 1) for what, each in self._noted.items()}
        return {**turns.against("beside", "alone"), "beside": noted}

    def _alone(self) -> float:
        self._bench.client.drop_database("bench_cold")
        return self._fold("bench_cold")

    def _fold(self, database: str, when_over: Callable[[], None] = lambda: None) -> float:
        client = self._bench.client
        done = folded(
            client,
            self._bench.options,
            self._topic,
            self._events,
            database=database,
            at_most_seconds=AT_MOST_SECONDS,
            when_over=when_over,
        )
        self._noted[f"attempts in {database}"].append(done.attempts)
        total = sums(client, database)
        whole = done.events == self._events
        assert total["n"] == self._events if whole else total["n"] >= done.events, f"{total} after {done}"
        return done.events_a_second

    def _beside_writers(self) -> float:
        database = "bench_hot"
        self._bench.client.drop_database(database)
        aborted = conflicts(self._bench.client)
        with self._bench.process("writers", database, str(WRITERS), str(JOURNEYS)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            moments = [time.perf_counter()]

            def enough() -> None:
                moments.append(time.perf_counter())
                process.terminate()

            try:
                rate = self._fold(database, enough)
            finally:
                process.terminate()
            told = process.stdout.read().split()
        done, busy = int(told[0]), int(told[1])
        self._noted["commands a second"].append(done / (moments[1] - moments[0]))
        self._noted["commands told to repeat"].append(busy)
        self._noted["transactions aborted"].append(conflicts(self._bench.client) - aborted)
        return rate


def conflicts(client: Client) -> int:
    """How many transactions the database has aborted up to now: here, because two met on one document."""
    return int(client.admin.command("serverStatus")["transactions"]["totalAborted"])
