"""What the consumer is measured against, a bare one that keeps no promise; and the relay against bare sends."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import Consumer
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from pymongo import InsertOne, MongoClient, ReplaceOne, WriteConcern

from shared.runtime.kafka import native_options
from shared.runtime.messages import shard_of
from shared.runtime.relay import Relay
from tests.support import toy

PARTITIONS = 12
CHUNK = 1000

Said = tuple[str, int]


@dataclass(frozen=True)
class Load:
    """How much: so many events over so many journeys."""

    events: int
    journeys: int
    seed: int = 1

    def said(self) -> Iterator[Said]:
        """Which journey an event is of, and its number there: journeys in random turn."""
        turn = random.Random(self.seed)
        counts = [0] * self.journeys
        for _ in range(self.events):
            journey = turn.randrange(self.journeys)
            counts[journey] += 1
            yield subject(journey), counts[journey]


def subject(journey: int) -> str:
    """The journey of this number."""
    return f"journey/j-{journey:026d}"


def fill(options: dict[str, Any], topic: str, said: Iterable[Said]) -> None:
    """Create the topic and publish a session for each, in order."""
    create(options, topic)
    publish(options, topic, said)


def create(options: dict[str, Any], topic: str) -> None:
    """Create the topic, with the platform's number of partitions."""
    admin = KafkaAdminClient(**options)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    admin.close()


def publish(options: dict[str, Any], topic: str, said: Iterable[Said]) -> None:
    """Publish a session for each, in order."""
    producer = KafkaProducer(**options, acks="all", linger_ms=5, batch_size=1 << 17)
    left = iter(said)
    while chunk := list(itertools.islice(left, CHUNK)):
        futures = []
        for of, number in chunk:
            _, headers, value = toy.record(toy.session(60), of, number)
            futures.append(producer.send(topic, key=of.encode(), value=value, headers=headers))
        producer.flush()
        for future in futures:
            future.get(timeout=0)
    producer.close()


Poll = Callable[[], list[tuple[bytes, bytes]]]
"""Keys and values of what has come, after at most half a second."""


def bare(client: MongoClient[Any], options: dict[str, Any], topic: str, load: Load, size: int) -> float:
    """The bare loop on kafka-python: `poll` gives at most `size` records. Events/s."""
    consumer = KafkaConsumer(
        topic,
        **options,
        group_id=f"{topic}-bare-{size}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )

    def poll() -> list[tuple[bytes, bytes]]:
        polled = consumer.poll(timeout_ms=500, max_records=size)
        return [(record.key, record.value) for records in polled.values() for record in records]

    try:
        return _keep_latest(client, f"bench_bare_{size}", load, poll)
    finally:
        consumer.close()


def bare_native(
    client: MongoClient[Any], options: dict[str, Any], topic: str, load: Load, size: int
) -> float:
    """The bare loop on librdkafka: `consume` gives at most `size` records, and reads ahead meanwhile. Events/s."""
    group = f"{topic}-native-{size}"
    told = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer({**native_options(options), **told})
    consumer.subscribe([topic])

    def poll() -> list[tuple[bytes, bytes]]:
        came = consumer.consume(size, 0.5)
        return [
            (key, value)
            for one in came
            if (key := one.key()) is not None and (value := one.value()) is not None
        ]

    try:
        return _keep_latest(client, f"bench_native_{size}", load, poll)
    finally:
        consumer.close()


def _keep_latest(client: MongoClient[Any], name: str, load: Load, poll: Poll) -> float:
    """Poll, decode, keep the latest state per journey in memory, write it unordered at w=majority. Events/s.

    At least once only: offsets are not stored, duplicates are counted twice, order is not checked. Every state is
    held in memory, which no service can do; so this is the upper bound of what a Python client reaches here.
    """
    states = client[name].get_collection("states", write_concern=WriteConcern("majority"))
    held: dict[str, dict[str, Any]] = {}
    seen, began = 0, 0.0
    while seen < load.events:
        polled = poll()
        if polled and not began:
            began = time.perf_counter()
        touched = {}
        for key, value in polled:
            body = orjson.loads(value)
            of = key.decode()
            state = held.setdefault(of, {"n": 0, "minutes": 0})
            state["n"] += 1
            state["minutes"] += body["minutes"]
            touched[of] = state
            seen += 1
        if touched:
            states.bulk_write(
                [ReplaceOne({"_id": of}, _document(state), upsert=True) for of, state in touched.items()],
                ordered=False,
            )
    seconds = time.perf_counter() - began
    client.drop_database(name)
    return load.events / seconds


def _document(state: dict[str, Any]) -> dict[str, Any]:
    """The same coalesced document as the platform's own."""
    return {
        "v": state["n"],
        "rev": 0,
        "out": {"seq": 0, "hlc": 0, "replies": 0},
        "in": {"activity-tracking": state["n"]},
        "chain": {"activity-tracking": 1 << 62},
        "seen": {"activity-tracking": state["n"]},
        "waits": 0,
        "blocked": False,
        "state": dict(state),
    }


def relayed(client: MongoClient[Any], options: dict[str, Any], topic: str, events: int) -> float:
    """The relay on a full outbox. Events/s acknowledged and unmarked."""
    name = "bench_relay"
    client.drop_database(name)
    collection = client[name]["events"]
    collection.create_index([("pend", 1), ("ts", 1)], partialFilterExpression={"pend": {"$exists": True}})
    for start in range(0, events, 10_000):
        collection.bulk_write(
            [InsertOne(outgoing(topic, n)) for n in range(start, min(start + 10_000, events))]
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
    collection.insert_one({**outgoing(topic, 0), "_id": "warm", "ts": -1})
    relay._send(list(collection.find({"_id": "warm"})), time.monotonic() + 5.0)
    collection.delete_one({"_id": "warm"})


def outgoing(topic: str, n: int) -> dict[str, Any]:
    """A row of the outbox."""
    of = subject(n % 5000)
    _, headers, value = toy.record(toy.session(60), of, n)
    return {
        "_id": f"{of}:{n:08d}",
        "topic": topic,
        "key": of,
        "pend": shard_of(of),
        "ts": n,
        "type": "journey.activity-tracking.session-logged.v1",
        "headers": {key: text.decode() for key, text in headers},
        "body": value,
    }


def bare_sends(options: dict[str, Any], topic: str, events: int) -> float:
    """Sends in chunks of 1,000 with every future checked, of records made beforehand. Events/s."""
    rows = [outgoing(topic, n) for n in range(events)]
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
