"""`python -m tests.bench.faststream_app <topic> <events> <way>`: the same sums, kept by a batch subscriber.

plain: batches as FastStream makes them by default, an update for each event. added-up: at most 5,000 events at once,
where our own consumer takes 3,000, and one update for each journey. Both write a batch in one unordered bulk write at
w=majority and acknowledge after it, so every event counts at least once. Neither reads the documents that it changes,
keeps any order, or notices a duplicate. Prints its events/s.
"""

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram512
from pydantic import BaseModel
from pymongo import AsyncMongoClient, UpdateOne

DATABASE = "bench_faststream"
LARGEST = 5000


class Session(BaseModel):
    """What it needs of an event."""

    minutes: int


Additions = Iterable[tuple[str, int, int]]
"""(journey, events, minutes)."""


async def run(topic: str, events: int, way: str) -> float:
    """Consume so many events. Events/s from the first batch to the last write."""
    security = SASLScram512(os.environ["KAFKA_USERNAME"], os.environ["KAFKA_PASSWORD"], use_ssl=False)
    broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"], security=security, logger=None)
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(os.environ["MONGODB_URI"], w="majority")
    states = client[DATABASE]["states"]
    await client.drop_database(DATABASE)
    done = asyncio.Event()
    began, seen = 0.0, 0

    @broker.subscriber(
        topic,
        group_id=f"{topic}-faststream-{time.time_ns()}",
        auto_offset_reset="earliest",
        batch=True,
        max_records=LARGEST if way == "added-up" else None,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def fold(sessions: list[Session], message: KafkaMessage) -> None:
        nonlocal began, seen
        began = began or time.perf_counter()
        raw = message.raw_message
        assert isinstance(raw, tuple)
        additions: Additions = [
            (record.key.decode(), 1, session.minutes) for session, record in zip(sessions, raw, strict=True)
        ]
        writes = [
            UpdateOne({"_id": journey}, {"$inc": {"n": n, "minutes": minutes}}, upsert=True)
            for journey, n, minutes in (added_up(additions) if way == "added-up" else additions)
        ]
        await states.bulk_write(writes, ordered=False)
        seen += len(sessions)
        if seen >= events:
            done.set()

    async with broker:
        await broker.start()
        await done.wait()
        seconds = time.perf_counter() - began
    await client.close()
    return seen / seconds


def added_up(additions: Additions) -> Additions:
    """One for each journey."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for journey, n, minutes in additions:
        sums[journey][0] += n
        sums[journey][1] += minutes
    return [(journey, n, minutes) for journey, (n, minutes) in sums.items()]


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))}\n")
