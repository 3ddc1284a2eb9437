"""What Kafka refuses for good, on a real broker: everything else goes out, and it too once the cause is mended."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from pymongo import MongoClient

from shared.host.connections import RUNTIME_INDEXES
from shared.runtime.messages import SHARDS, shard_of
from shared.runtime.outgoing import FORGET_AT, KEPT_UNTIL
from shared.runtime.quarantine import quarantined_keys
from shared.runtime.relay import Relay
from shared.telemetry.metrics import metric
from tests.support.awaiting import until
from tools.stack import Stack

SMALL, LARGE = b"x" * 100, b"x" * 5000


@dataclass
class Outbox:
    """One service's outbox with a relay on it, and topics of the test's own."""

    client: MongoClient[dict[str, Any]]
    name: str
    kafka: dict[str, Any]
    admin: KafkaAdminClient
    stop: Event
    relaying: Thread

    @property
    def events(self) -> Any:
        return self.client[self.name]["events"]

    def say(self, topic: str, subject: str, *bodies: bytes) -> None:
        first = self.events.count_documents({}) + 1
        self.events.insert_many(
            {
                "_id": f"{subject}:{topic}:{n}",
                "topic": topic,
                "key": subject,
                "pend": shard_of(subject),
                "ts": n,
                "type": "toy",
                "headers": {"ce_id": f"{subject}:{n}"},
                "body": body,
            }
            for n, body in enumerate(bodies, first)
        )

    def topic(self, suffix: str, **config: str) -> str:
        name = f"{self.name}.{suffix}"
        self.admin.create_topics({name: {"num_partitions": 1, "configs": config}}, wait_for_metadata=True)
        return name

    def in_log(self, topic: str) -> list[str]:
        consumer = KafkaConsumer(**self.kafka, group_id=None, enable_auto_commit=False)
        at = TopicPartition(topic, 0)
        consumer.assign([at])
        consumer.seek_to_beginning(at)
        end = consumer.end_offsets([at])[at]
        found: list[str] = []
        while consumer.position(at) < end:
            for records in consumer.poll(timeout_ms=200).values():
                found += [dict(one.headers)["ce_id"].decode() for one in records]
        consumer.close()
        return list(dict.fromkeys(found))

    def pending(self) -> int:
        return int(self.events.count_documents({"pend": {"$gte": 0}}))

    def end(self) -> None:
        self.stop.set()
        self.relaying.join(timeout=20)
        assert not self.relaying.is_alive()

    def lanes(self) -> list[dict[str, Any]]:
        return quarantined_keys(self.client[self.name], SHARDS)


@pytest.fixture
def outbox(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Outbox]:
    name = "r" + str(time.time_ns())[-9:]
    client: MongoClient[dict[str, Any]] = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    kafka = {**stack.kafka_admin_config(), "api_version": (4, 0)}
    admin = KafkaAdminClient(**kafka)
    client[name]["events"].create_indexes(RUNTIME_INDEXES["events"])
    stop = Event()
    relay = Relay(client=client, database=name, kafka_options=kafka, stop=stop, retry_seconds=1.0)
    thread = Thread(target=relay.run, daemon=True)
    thread.start()
    outbox = Outbox(client, name, kafka, admin, stop, thread)
    yield outbox
    outbox.end()
    client.drop_database(name)
    client.close()
    admin.close()


def _failures() -> float:
    return float(metric("journey_relay_failures_total")._value.get())


def test_a_record_too_large_holds_back_its_own_subject_and_no_other(outbox: Outbox) -> None:
    topic = outbox.topic("small", **{"max.message.bytes": "2000"})
    failures = _failures()
    for n in range(40):
        outbox.say(topic, f"journey/{n}", SMALL, *([LARGE] if n == 7 else []), SMALL)
    until(lambda: outbox.pending() == 0 and outbox.lanes(), "everything else published")
    published = outbox.in_log(topic)
    assert len(published) == 79
    assert [one for one in published if one.startswith("journey/7:")] == ["journey/7:15"]
    (lane,) = outbox.lanes()
    assert (lane["subject"], lane["event"], lane["behind"]) == ("journey/7", f"journey/7:{topic}:16", 1)
    assert "MessageSizeTooLarge" in lane["error"]
    outbox.say(topic, "journey/7", SMALL)
    outbox.say(topic, "journey/8", SMALL)
    until(lambda: outbox.pending() == 0, "what came later")
    assert [one["behind"] for one in outbox.lanes()] == [2]
    assert _failures() == failures, "a refusal is no failure of the relay"
    outbox.admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "1000000"})]
    )
    until(lambda: not outbox.lanes(), "the lane opened")
    until(lambda: outbox.events.count_documents({"pend": {"$exists": True}}) == 0, "nothing pending")
    of_seven = [int(one.split(":")[1]) for one in outbox.in_log(topic) if one.startswith("journey/7:")]
    assert len(of_seven) == 4
    assert of_seven == sorted(of_seven)


def test_a_missing_topic_holds_back_its_own_events_and_no_others(outbox: Outbox) -> None:
    topic, missing = outbox.topic("there"), f"{outbox.name}.missing"
    for n in range(30):
        outbox.say(topic, f"journey/{n}", SMALL)
        outbox.say(missing, f"journey/{n}", SMALL, SMALL)
    until(lambda: outbox.pending() == 0, "everything else published")
    assert len(outbox.in_log(topic)) == 30
    assert sum(1 + lane["behind"] for lane in outbox.lanes()) == 60
    began = time.monotonic()
    outbox.say(missing, "journey/new", SMALL)
    outbox.say(topic, "journey/new", SMALL)
    until(lambda: outbox.pending() == 0, "what came later")
    assert time.monotonic() - began < 4.0, "a topic known to be missing is not waited for again"
    assert outbox.topic("missing") == missing
    until(lambda: outbox.events.count_documents({"pend": {"$exists": True}}) == 0, "nothing pending")
    assert len(outbox.in_log(missing)) == 61
    assert outbox.lanes() == []


def test_a_relay_that_takes_over_knows_what_was_set_aside(outbox: Outbox) -> None:
    topic = outbox.topic("small", **{"max.message.bytes": "2000"})
    outbox.say(topic, "journey/1", LARGE, SMALL)
    until(lambda: outbox.lanes() and outbox.pending() == 0, "set aside")
    outbox.end()
    successor = Relay(client=outbox.client, database=outbox.name, kafka_options=outbox.kafka, stop=Event())
    outbox.say(topic, "journey/1", SMALL)
    outbox.say(topic, "journey/2", SMALL)
    until(lambda: successor.publish_once() == 1, "the other subject published by the successor")
    assert [one.split(":")[0] for one in outbox.in_log(topic)] == ["journey/2"]
    assert [lane["behind"] for lane in outbox.lanes()] == [2]


def test_only_what_is_published_is_forgotten_and_only_where_it_says_so(outbox: Outbox) -> None:
    topic, refusing = outbox.topic("taken"), outbox.topic("small", **{"max.message.bytes": "2000"})
    outbox.say(topic, "journey/1", SMALL)
    outbox.say(topic, "record/1", SMALL)
    outbox.say(refusing, "record/2", LARGE)
    until_then = datetime(2030, 1, 1, tzinfo=UTC)
    kept = {"key": {"$regex": "^record/"}}
    outbox.events.update_many(kept, {"$set": {KEPT_UNTIL: until_then}})
    # Some may be published already: it is the next publication that decides.
    outbox.events.update_many({"topic": topic}, {"$set": {"pend": 0}})
    until(lambda: outbox.pending() == 0 and outbox.lanes(), "everything else published")
    rows = {row["key"]: row for row in outbox.events.find()}
    assert FORGET_AT not in rows["journey/1"]
    assert (rows["record/1"][FORGET_AT], rows["record/1"].get(KEPT_UNTIL)) == (until_then, None)
    assert (rows["record/2"].get(FORGET_AT), rows["record/2"][KEPT_UNTIL]) == (None, until_then)
    outbox.admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, refusing, {"max.message.bytes": "1000000"})]
    )
    until(lambda: outbox.events.count_documents({**kept, FORGET_AT: until_then}) == 2, "the refused one too")
