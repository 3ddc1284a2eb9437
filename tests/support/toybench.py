"""A toy service on the real stack, for tests of the runtime: `bench`, in a database and on subjects of its own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pymongo import MongoClient

from shared.host.connections import RUNTIME_INDEXES
from shared.language import events as e
from shared.language.codec import Headers
from shared.language.decision import Fold, Subject, TimerFold
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.clock import Clock
from shared.runtime.commands import Commands
from shared.runtime.consumer import Consumer
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.fold import Batch
from shared.runtime.origin import SPEAKERS
from shared.runtime.published import Published
from shared.runtime.reads import OPERATORS, audit_database
from shared.runtime.timers import Timers
from shared.runtime.unit import Unit
from shared.runtime.write_conflicts import Attempt
from tests.support import toy
from tests.support.toy import Toy, ToyRepository


@dataclass
class Bench:
    """One toy service on the real stack, in a database and on subjects of its own."""

    client: MongoClient[dict[str, Any]]
    database: str
    kafka: dict[str, Any]
    group: str
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    consumer: Consumer | None = None
    alone: bool = False
    """Whether its topics are its own: then every record is."""

    @property
    def db(self) -> Any:
        return self.client[self.database]

    @property
    def audit(self) -> Any:
        """What operators did here."""
        return self.client[audit_database(self.database)][OPERATORS]

    def consume(
        self,
        folds: dict[type[e.Fact], Fold],
        *,
        group: str | None = None,
        topics: Sequence[str] = (e.TOPICS["intake"], e.TOPICS["activity-tracking"], e.PROGRAMMES_TOPIC),
        sets_aside: bool = True,
        speakers: Mapping[str, str] = SPEAKERS,
    ) -> Consumer:
        published = Published(self.db)
        breaker = Breaker()
        name = group or self.group

        def batch_in(attempt: Attempt) -> tuple[Unit, Batch]:
            unit = Unit(
                self.db,
                attempt.session,
                ToyRepository(),
                published,
                "outcome",
                lambda: datetime.now(UTC),
                on_read=attempt.on_read,
            )
            batch = Batch(
                unit,
                self.db,
                attempt.session,
                group=name,
                own_source="outcome",
                sources=frozenset(e.SOURCES),
                folds=folds,
                published=published,
                breaker=breaker,
                enrich=None,
                speakers={**dict.fromkeys(topics, "activity-tracking"), **speakers},
            )
            return unit, batch

        def process_batch(attempt: Attempt, records: list[Arrived]) -> Tally:
            unit, batch = batch_in(attempt)
            batch.fold([one for one in records if self.mine(one)])
            unit.flush()
            return batch.tally

        def set_aside(attempt: Attempt, record: Arrived, error: str) -> Tally:
            unit, batch = batch_in(attempt)
            batch.set_aside(record, error)
            unit.flush()
            return batch.tally

        consumer = Consumer(
            group=name,
            client=self.client,
            database=self.database,
            kafka_options=self.kafka,
            process_batch=process_batch,
            stop=self.stop,
            topics=topics,
            set_aside=set_aside if sets_aside else None,
        )
        self.start(consumer.run)
        self.consumer = consumer
        return consumer

    def mine(self, record: Arrived) -> bool:
        """Other tests share the topics; their subjects do not carry this group's name."""
        subject = (dict(record.headers).get("ce_subject") or b"").decode()
        return self.alone or self.group in subject or subject.startswith("programme/")

    def start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def subject(self, n: int = 1) -> Subject:
        return Subject(f"journey/{self.group}-{n}")

    def publish(self, *records: tuple[str, str, Headers, bytes | None]) -> list[Any]:
        producer = KafkaProducer(**self.kafka, acks="all")
        futures = [
            producer.send(topic, key=subject.encode(), value=value, headers=list(headers))
            for subject, topic, headers, value in records
        ]
        producer.flush(timeout=20)
        sent = [future.get(timeout=0) for future in futures]
        producer.close()
        return sent

    def say(self, body: e.Fact, subject: str, seq: int, after: dict[str, int] | None = None) -> Any:
        topic, headers, value = toy.record(body, subject, seq, after)
        return subject, topic, headers, value

    def state(self, subject: Subject) -> Toy | None:
        document = self.db["toys"].find_one({"_id": subject})
        return (
            None
            if document is None or document["state"] is None
            else ToyRepository().read(subject, document["state"])
        )

    def timers(self, clock: Clock, fire: TimerFold = toy.fire) -> Timers:
        """What carries out the toy's timers by that clock. fire: what each of them does."""
        return Timers(
            client=self.client,
            database=self.database,
            repository=ToyRepository(),
            published=Published(self.db),
            source="outcome",
            folds={"fire": fire},
            clock=clock,
            stop=self.stop,
        )

    def commands(self, waiters: int = 2) -> Commands:
        return Commands(
            client=self.client,
            database=self.database,
            repository=ToyRepository(),
            published=Published(self.db),
            source="outcome",
            clock=Clock(self.db, driven=True),
            fingerprints=Fingerprints(bytes(range(32))),
            waiters=waiters,
        )


def has_applied(bench: Bench, subject: Subject, count: int) -> bool:
    state = bench.state(subject)
    return state is not None and len(state.applied) == count


@pytest.fixture
def bench(stack: Any, request: pytest.FixtureRequest) -> Iterator[Bench]:
    name = (
        "t"
        + "".join(one for one in request.node.name if one.isalnum())[-24:].lower()
        + str(time.time_ns())[-8:]
    )
    client: MongoClient[dict[str, Any]] = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    kafka = {**stack.kafka_admin_config(), "api_version": (4, 0)}
    bench = Bench(client, name, kafka, name)
    for collection, models in RUNTIME_INDEXES.items():
        client[name][collection].create_indexes(models)
    yield bench
    bench.stop.set()
    for thread in bench.threads:
        thread.join(timeout=20)
    client.drop_database(name)
    client.drop_database(audit_database(name))
    client.close()


EVERYTHING: dict[type[e.Fact], Fold] = {e.ReferralAccepted: toy.note, e.SessionLogged: toy.note}


def published(bench: Bench, subject: str, count: int) -> list[Any] | None:
    consumer = KafkaConsumer(**bench.kafka, group_id=None, enable_auto_commit=False)
    topic = e.TOPICS["outcome"]
    partitions = [TopicPartition(topic, one) for one in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found = []
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(one) < ends[one] for one in partitions):
        for records in consumer.poll(timeout_ms=200).values():
            found += [one.headers for one in records if one.key == subject.encode()]
    consumer.close()
    return found if len(found) >= count else None
