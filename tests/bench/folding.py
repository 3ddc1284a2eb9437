"""The platform's consumer on a topic of the bench, in a thread: every guarantee on, a state of two numbers."""

import contextlib
import gc
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient

from shared.language import events as e
from shared.language.decision import Fold
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import Consumer, ProcessBatch
from shared.runtime.fold import Batch
from shared.runtime.gc_tuning import relax_thresholds
from shared.runtime.published import Published
from shared.runtime.unit import Unit
from shared.runtime.write_conflicts import Attempt
from tests.support.counting import CountingRepository, count, echo_count

STEP_SECONDS = 0.005


@dataclass(frozen=True)
class Folded:
    """How fast, how many of them, in how many attempts at a transaction, and how many journeys each touched."""

    events_a_second: float
    events: int
    attempts: int
    journeys_a_transaction: float


def processing(
    client: MongoClient[Any], database: str, group: str, topic: str, *, emits: bool = False
) -> ProcessBatch:
    """What the platform does inside the transaction that moves the offsets on: the bench's own fold."""
    fold: Fold = echo_count if emits else count
    published = Published(client[database])
    breaker = Breaker()

    def process_batch(attempt: Attempt, records: list[Arrived]) -> Tally:
        unit = Unit(
            client[database],
            attempt.session,
            CountingRepository(),
            published,
            "outcome",
            lambda: datetime.now(UTC),
            on_read=attempt.on_read,
        )
        batch = Batch(
            unit,
            client[database],
            attempt.session,
            group=group,
            own_source="outcome",
            sources=frozenset(e.SOURCES),
            folds={e.SessionLogged: fold},
            published=published,
            breaker=breaker,
            enrich=None,
            speakers={topic: "activity-tracking"},
        )
        batch.fold(records)
        unit.flush()
        return batch.tally

    return process_batch


def made_durable(client: MongoClient[Any], database: str, topic: str) -> int:
    """How many of the topic's events the database's one group has behind it, by the offsets that its transactions
    moved on.
    """
    named = {"_id": {"$regex": re.escape(f":{topic}:")}}
    return sum(row["next"] for row in client[database]["offsets"].find(named, {"next": 1}))


def folded(
    client: MongoClient[Any],
    options: dict[str, Any],
    topic: str,
    events: int,
    *,
    database: str,
    emits: bool = False,
    at_most_seconds: float = 600.0,
    when_over: Callable[[], None] = lambda: None,
) -> Folded:
    """Fold the topic's events on top of what the database holds. Time runs from the first batch's coming to the
    last one's commit; what is not folded when it is up does not count.

    when_over: called when time has been taken, before the consumer is ended.
    """
    group = f"{topic}-{database}"
    stop, nearly = threading.Event(), threading.Event()
    process_batch = processing(client, database, group, topic, emits=emits)
    moments: list[float] = []
    journeys: list[int] = []
    came = 0

    def timed(attempt: Attempt, records: list[Arrived]) -> Tally:
        nonlocal came
        moments.append(time.perf_counter())
        tally = process_batch(attempt, records)
        journeys.append(len({envelope.subject for envelope in tally.events}))
        came += len(tally.events)
        # A batch that is repeated counts twice here: what is over, only the offsets say.
        if came >= events:
            nearly.set()
        return tally

    consumer = Consumer(
        group=group,
        client=client,
        database=database,
        kafka_options=options,
        process_batch=timed,
        stop=stop,
        topics=[topic],
    )
    thread = threading.Thread(target=consumer.run)
    with collected_as_in_a_service():
        thread.start()
        nearly.wait(at_most_seconds)
        pause = threading.Event()
        while (done := made_durable(client, database, topic)) < events:
            if not moments or time.perf_counter() - moments[0] > at_most_seconds:
                break
            pause.wait(STEP_SECONDS)
        ended = time.perf_counter()
        when_over()
        stop.set()
        thread.join()
    if not moments:
        raise RuntimeError(f"Nothing came from {topic}: {consumer.halted}.")
    seconds = ended - moments[0]
    return Folded(done / seconds, done, len(moments), statistics.mean(journeys or [0]))


@contextlib.contextmanager
def collected_as_in_a_service() -> Iterator[None]:
    """Python looks for garbage as seldom as in the platform's processes; afterwards as it did before."""
    before = gc.get_threshold()
    relax_thresholds()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def sums(client: MongoClient[Any], database: str) -> dict[str, Any]:
    """All states of the database added up: `n` events applied, `minutes` in them."""
    total = {"$group": {"_id": None, "n": {"$sum": "$state.n"}, "minutes": {"$sum": "$state.minutes"}}}
    return dict(next(client[database][CountingRepository.collection].aggregate([total]), {"n": 0}))
