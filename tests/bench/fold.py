"""The consumer against a bare one that keeps no promise, and the relay against bare sends."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from pymongo import InsertOne, MongoClient, ReplaceOne, WriteConcern

from shared import events as e
from shared.runtime.consumer import Consumer
from shared.runtime.fold import Arrived, Batch, Breaker, Tally
from shared.runtime.programmes import PublishedProgrammes
from shared.runtime.relay import Relay
from shared.runtime.unit import Unit, shard_of
from tests.support import toy
from tests.support.counting import CountingRepository, count, echo_count

PARTITIONS = 12
CHUNK = 1000


@dataclass(frozen=True)
class Load:
    """How much: so many events over so many journeys."""

    events: int
    journeys: int
    seed: int = 1


def fill(options: dict[str, Any], topic: str, load: Load) -> None:
    """Create the topic and publish the load: sessions, in order per journey, journeys in random turn."""
    admin = KafkaAdminClient(**options)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    admin.close()
    producer = KafkaProducer(**options, acks="all", linger_ms=5, batch_size=1 << 17)
    turn = random.Random(load.seed)
    said = [0] * load.journeys
    for start in range(0, load.events, CHUNK):
        futures = []
        for _ in range(start, min(start + CHUNK, load.events)):
            journey = turn.randrange(load.journeys)
            said[journey] += 1
            subject = f"journey/j-{journey:026d}"
            _, headers, value = toy.record(toy.session(60), subject, said[journey])
            futures.append(producer.send(topic, key=subject.encode(), value=value, headers=headers))
        producer.flush()
        for future in futures:
            future.get(timeout=0)
    producer.close()


def bare(client: MongoClient[Any], options: dict[str, Any], topic: str, load: Load, size: int) -> float:
    """Poll, decode, keep the latest state per journey in memory, write it unordered at w=majority. Events/s.

    At least once only: offsets are not stored, duplicates are counted twice, order is not checked. Every state is
    held in memory, which no service can do; so this is the upper bound of what a Python client reaches here.
    """
    name = f"bench_bare_{size}"
    states = client[name].get_collection("states", write_concern=WriteConcern("majority"))
    consumer = KafkaConsumer(
        topic,
        **options,
        group_id=f"{topic}-bare-{size}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    held: dict[str, dict[str, Any]] = {}
    seen, began = 0, 0.0
    while seen < load.events:
        polled = consumer.poll(timeout_ms=500, max_records=size)
        if polled and not began:
            began = time.perf_counter()
        touched = {}
        for records in polled.values():
            for record in records:
                body = orjson.loads(record.value)
                subject = record.key.decode()
                state = held.setdefault(subject, {"n": 0, "minutes": 0})
                state["n"] += 1
                state["minutes"] += body["minutes"]
                touched[subject] = state
                seen += 1
        if touched:
            states.bulk_write(
                [
                    ReplaceOne({"_id": subject}, _document(state), upsert=True)
                    for subject, state in touched.items()
                ],
                ordered=False,
            )
    seconds = time.perf_counter() - began
    consumer.close()
    client.drop_database(name)
    return load.events / seconds


def _document(state: dict[str, Any]) -> dict[str, Any]:
    """The same coalesced document as the platform's own."""
    return {
        "v": state["n"],
        "rev": 0,
        "out": {"seq": 0, "hlc": 0, "replies": 0},
        "in": {"activity-tracking": state["n"]},
        "seen": {"activity-tracking": state["n"]},
        "waits": 0,
        "blocked": False,
        "state": dict(state),
    }


def folded(
    client: MongoClient[Any], options: dict[str, Any], topic: str, load: Load, *, emits: bool
) -> tuple[float, dict[str, Any]]:
    """The platform's consumer with every guarantee. Returns events/s and the sum of all states, to be checked."""
    name = f"bench_fold_{'emit' if emits else 'quiet'}"
    client.drop_database(name)
    stop, done = threading.Event(), threading.Event()
    programmes = PublishedProgrammes(client[name])
    breaker = Breaker()
    moments: list[float] = []
    applied = 0

    def absorb(session: Any, records: list[Arrived]) -> Tally:
        nonlocal applied
        moments.append(time.perf_counter())
        unit = Unit(
            client[name], session, CountingRepository(), programmes, "outcome", lambda: datetime.now(UTC)
        )
        batch = Batch(
            unit,
            client[name],
            session,
            group=topic,
            own_source="outcome",
            sources=frozenset(e.SOURCES),
            folds={e.SessionLogged: echo_count if emits else count},
            programmes=programmes,
            breaker=breaker,
            enrich=None,
        )
        batch.fold(records)
        unit.flush()
        applied += len(batch.tally.events)
        if applied >= load.events:
            done.set()
        return batch.tally

    consumer = Consumer(
        group=f"{topic}-{name}",
        client=client,
        database=name,
        kafka_options=options,
        absorb=absorb,
        stop=stop,
        topics=[topic],
    )
    thread = threading.Thread(target=consumer.run)
    thread.start()
    done.wait(600)
    stop.set()
    thread.join()
    seconds = time.perf_counter() - moments[0]
    total = next(
        client[name][CountingRepository.collection].aggregate(
            [{"$group": {"_id": None, "n": {"$sum": "$state.n"}, "minutes": {"$sum": "$state.minutes"}}}]
        )
    )
    return load.events / seconds, total


def relayed(client: MongoClient[Any], options: dict[str, Any], topic: str, events: int) -> float:
    """The relay on a full outbox. Events/s acknowledged and unmarked."""
    name = "bench_relay"
    client.drop_database(name)
    collection = client[name]["events"]
    collection.create_index([("pend", 1), ("ts", 1)], partialFilterExpression={"pend": {"$exists": True}})
    for start in range(0, events, 10_000):
        collection.bulk_write(
            [InsertOne(_outgoing(topic, n)) for n in range(start, min(start + 10_000, events))]
        )
    relay = Relay(client=client, database=name, kafka_options=options, stop=threading.Event())
    _warm(relay, collection, topic)
    began = time.perf_counter()
    sent = 0
    while sent < events:
        sent += relay.publish_once()
    seconds = time.perf_counter() - began
    client.drop_database(name)
    return events / seconds


def _warm(relay: Relay, collection: Any, topic: str) -> None:
    """Let the producer connect before time is taken."""
    collection.insert_one({**_outgoing(topic, 0), "_id": "warm", "ts": -1})
    relay._send(list(collection.find({"_id": "warm"})), time.monotonic() + 5.0)
    collection.delete_one({"_id": "warm"})


def _outgoing(topic: str, n: int) -> dict[str, Any]:
    subject = f"journey/j-{n % 5000:026d}"
    _, headers, value = toy.record(toy.session(60), subject, n)
    return {
        "_id": f"{subject}:{n:08d}",
        "topic": topic,
        "key": subject,
        "pend": shard_of(subject),
        "ts": n,
        "type": "journey.activity-tracking.session-logged.v1",
        "headers": {key: text.decode() for key, text in headers},
        "body": value,
    }


def bare_sends(options: dict[str, Any], topic: str, events: int) -> float:
    """Sends in chunks of 1,000 with every future checked, of records made beforehand. Events/s."""
    rows = [_outgoing(topic, n) for n in range(events)]
    producer = KafkaProducer(**options, acks="all", enable_idempotence=True, linger_ms=0, batch_size=1 << 17)
    producer.partitions_for(topic)

    def send(chunk: list[dict[str, Any]]) -> None:
        futures = [
            producer.send(
                row["topic"],
                key=row["key"].encode(),
                value=row["body"],
                headers=[(name, text.encode()) for name, text in row["headers"].items()],
            )
            for row in chunk
        ]
        producer.flush()
        for future in futures:
            future.get(timeout=0)

    send(rows[:1])
    began = time.perf_counter()
    for start in range(0, events, CHUNK):
        send(rows[start : start + CHUNK])
    seconds = time.perf_counter() - began
    producer.close()
    return events / seconds


def best(run: Callable[[], float], times: int = 3) -> float:
    """The median of several runs."""
    return sorted(run() for _ in range(times))[times // 2]
