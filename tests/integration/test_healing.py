"""A wait older than it should be heals itself, on real Kafka and MongoDB; what is on its way is not asked for."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaException
from kafka.admin import KafkaAdminClient, NewPartitions, NewTopic
from pymongo import MongoClient

from shared.host.connections import RUNTIME_INDEXES
from shared.host.consuming import process_batch
from shared.language import events as e
from shared.language.decision import Fold
from shared.operations.by_hand import drained
from shared.operations.control import REQUESTED, answering
from shared.operations.healing import Healer
from shared.runtime.arrived import Arrived
from shared.runtime.breaker import Breaker
from shared.runtime.clock import Clock
from shared.runtime.consumer import Consumer
from shared.runtime.progress import Progress
from shared.runtime.relay import Relay
from shared.telemetry.metrics import metric
from tests.support import toy
from tests.support.awaiting import until
from tests.support.operating import toy_group, toy_parts
from tests.support.toybench import Bench, bench

__all__ = ["bench"]

READS: dict[type[e.Fact], Fold] = {e.EntryRecorded: toy.note, e.SessionLogged: toy.mended}
TOPICS = (e.TOPICS["activity-tracking"], e.TOPICS["outcome"])


class Reader:
    """A projection of the toy's own events, in a database of its own, with everything that heals it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.name = f"{bench.database}-reader"
        self.db = bench.client[self.name]
        for collection, models in RUNTIME_INDEXES.items():
            self.db[collection].create_indexes(models)
        self.parts = toy_parts(bench.client, self.name, READS)
        self.group = toy_group(self.name, READS, own_source=None, topics=TOPICS)
        self.progress = Progress(
            database=self.db,
            clock=Clock(self.db, driven=False),
            kafka_options=bench.kafka,
            group=self.name,
            topics=self.group.topics,
            own=True,
        )

    def state(self, subject: str) -> dict[str, Any]:
        document = self.db["toys"].find_one({"_id": subject})
        assert document is not None
        return document

    def consume(self) -> None:
        fold = process_batch(self.parts, self.group, Breaker())
        self.bench.start(self._consumer(self.name, self.group.topics, self.db.name, fold).run)

    def _consumer(self, group: str, topics: Sequence[str], database: str, fold: Any) -> Consumer:
        def mine(session: Any, records: list[Arrived]) -> Any:
            return fold(session, [one for one in records if self.bench.mine(one)])

        return Consumer(
            group=group,
            client=self.bench.client,
            database=database,
            kafka_options=self.bench.kafka,
            process_batch=mine,
            stop=self.bench.stop,
            topics=topics,
        )

    def heal(self) -> None:
        """The healer and the relay here; there, whoever answers requests."""
        self.bench.start(self.healer(0.5).run)
        self.bench.start(
            Relay(
                client=self.bench.client,
                database=self.name,
                kafka_options=self.bench.kafka,
                stop=self.bench.stop,
            ).run
        )
        answer = answering(self.bench.db, "outcome")
        group = f"{self.bench.group}-control"
        self.bench.start(self._consumer(group, [e.CONTROL_TOPIC], self.bench.database, answer).run)

    def healer(self, wait_seconds: float, progress: Any = None) -> Healer:
        return Healer(
            client=self.bench.client,
            database=self.name,
            asking="outcome",
            group=self.group,
            progress=progress or self.progress,
            drain=lambda subject: drained(self.parts, self.group, subject),
            stop=self.bench.stop,
            wait_seconds=wait_seconds,
        )


@pytest.fixture
def reader(bench: Bench) -> Iterator[Reader]:
    found = Reader(bench)
    yield found
    bench.stop.set()
    for thread in bench.threads:
        thread.join(timeout=20)
    client: MongoClient[dict[str, Any]] = bench.client
    client.drop_database(found.name)


def test_an_event_that_never_left_the_outbox_is_asked_for_and_comes(bench: Bench, reader: Reader) -> None:
    subject = bench.subject()
    bench.consume({e.SessionLogged: toy.echo})
    bench.publish(*[bench.say(toy.session(1), subject, n) for n in range(1, 6)])
    until(lambda: bench.db["events"].count_documents({"pend": {"$exists": True}}) == 5, "five echoes")
    lost = {"_id": {"$in": [f"{subject}:{n:08d}" for n in (2, 3)]}}
    bench.db["events"].update_many(lost, {"$unset": {"pend": 1}})
    bench.start(
        Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop).run
    )
    reader.consume()
    until(lambda: reader.db["parked"].count_documents({"reason": "waiting"}) == 2, "two that wait")
    assert reader.state(subject)["in"] == {"activity-tracking": 5, "outcome": 1}
    healed = metric("journey_waits_healed_total", group=reader.name)
    reader.heal()
    until(lambda: reader.db["parked"].count_documents({}) == 0, "nothing waits any more")
    applied = reader.state(subject)["state"]["applied"]
    assert [one for one in applied if one.startswith("outcome")] == [f"outcome:{n}" for n in range(1, 6)]
    until(lambda: healed._value.get() == 1, "the healing counted")
    assert metric("journey_republish_requests_total", group=reader.name)._value.get() >= 1
    request = reader.db["events"].find_one({"type": REQUESTED.name})
    assert request is not None
    assert (request["topic"], request["key"]) == (e.CONTROL_TOPIC, subject)
    assert bench.db["events"].count_documents({"again": {"$exists": True}}) == 2
    until(lambda: reader.db["asked"].count_documents({}) == 0, "the request forgotten")


class Log:
    """How far the log and the group have come, as the test says. Stands for `Progress`."""

    def __init__(self, end: int, applied: int) -> None:
        self.end, self.at = end, applied

    def ends(self, topics: Sequence[str]) -> dict[str, int]:
        return {f"{topic}:0": self.end for topic in topics}

    def applied(self) -> dict[str, int]:
        return {f"{e.TOPICS['outcome']}:0": self.at}


def waiting(reader: Reader, subject: str, seq: int, at: datetime, *, applied: int) -> None:
    """An event parked as the consumer parks it, in a subject that has applied so many."""
    _, headers, _ = toy.record(toy.accepted(), subject, seq)
    texts = {name: text.decode() for name, text in headers} | {"ce_source": "outcome"}
    reader.db["parked"].insert_one(
        {
            "_id": f"{seq:032x}",
            "group": reader.name,
            "subject": subject,
            "source": "outcome",
            "seq": seq,
            "type": "journey.outcome.entry-recorded.v1",
            "reason": "waiting",
            "headers": texts | {"ce_type": "journey.outcome.entry-recorded.v1"},
            "value": b'{"occurred_on": "2016-02-01", "recorded_at": "2016-02-01T12:00:00Z", "complete": true}',
            "error": "",
            "at": at,
        }
    )
    unit = reader.parts.unit(reader.bench.client.start_session(), reader.group.repository)
    held = unit.held(subject)  # type: ignore[arg-type]
    held.applied, held.waits, held.dirty = {"outcome": applied}, 1, True
    held.state = toy.Toy()
    unit.flush()


def test_what_is_merely_on_its_way_is_not_asked_for(bench: Bench, reader: Reader) -> None:
    now = datetime.now(UTC)
    subject = bench.subject()
    waiting(reader, subject, 3, now - timedelta(seconds=61), applied=1)
    log = Log(end=100, applied=40)
    healer = reader.healer(60.0, log)
    healer.look(now)
    (asked,) = reader.db["asked"].find()
    assert (asked["seq"], asked["times"], asked["ends"]) == (2, 0, [[f"{e.TOPICS['outcome']}:0", 100]])
    log.end, log.at = 200, 99
    healer.look(now + timedelta(seconds=5))
    assert reader.db["events"].count_documents({}) == 0
    log.at = 100
    healer.look(now + timedelta(seconds=10))
    assert reader.db["events"].count_documents({"type": REQUESTED.name}) == 1


def test_it_is_asked_for_less_and_less_often_and_by_one_process(bench: Bench, reader: Reader) -> None:
    now = datetime.now(UTC)
    waiting(reader, bench.subject(), 3, now - timedelta(seconds=61), applied=1)
    healers = [reader.healer(60.0, Log(0, 0)) for _ in range(2)]
    asked_after = []
    for second in range(0, 3600, 30):
        before = reader.db["events"].count_documents({})
        for healer in healers:
            healer.look(now + timedelta(seconds=second))
        if reader.db["events"].count_documents({}) > before:
            asked_after.append(second)
    assert asked_after == [0, 60, 180, 420, 900, 1860]
    assert reader.db["events"].count_documents({}) == len(asked_after)


def test_a_young_wait_is_left_alone(bench: Bench, reader: Reader) -> None:
    now = datetime.now(UTC)
    waiting(reader, bench.subject(), 3, now - timedelta(seconds=59), applied=1)
    reader.healer(60.0, Log(0, 0)).look(now)
    assert reader.db["asked"].count_documents({}) == 0


def test_what_waits_for_nothing_any_more_is_folded(bench: Bench, reader: Reader) -> None:
    """Two processes each saw half: the one parked the event while the other applied its cause."""
    now, subject = datetime.now(UTC), bench.subject()
    waiting(reader, subject, 3, now - timedelta(seconds=61), applied=2)
    reader.healer(60.0, Log(0, 0)).look(now)
    document = reader.state(subject)
    assert (document["in"], document["waits"]) == ({"outcome": 3}, 0)
    assert document["state"]["applied"] == ["outcome:3"]
    assert reader.db["parked"].count_documents({}) == 0


def test_what_a_decision_rests_on_leaves_out_no_partition_however_new(bench: Bench, reader: Reader) -> None:
    topic = bench.group

    def partitions() -> int:
        with contextlib.suppress(KafkaException):  # of one that nobody leads yet
            return len(reader.progress.ends([topic]))
        return 0

    admin = KafkaAdminClient(**bench.kafka)
    try:
        admin.create_topics([NewTopic(topic, 1, 1)])
        until(lambda: partitions() == 1, "the topic's one partition", 10)
        admin.create_partitions({topic: NewPartitions(2)})
        until(lambda: partitions() == 2, "the partition that it was given", 10)
    finally:
        admin.delete_topics([topic])
        admin.close()
