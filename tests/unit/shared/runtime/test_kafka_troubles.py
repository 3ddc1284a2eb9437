"""What the consumer makes of what goes wrong at Kafka: a connection may fail for ever, damaged bytes may not."""

from concurrent.futures import Future
from threading import Event
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import KafkaError, KafkaException
from pymongo import MongoClient

from shared.language.errors import Halt
from shared.runtime.consumer import Consumer
from shared.runtime.durable import Durable
from shared.runtime.kafka import Logs, TopicIdQuery
from shared.runtime.member import Member
from shared.runtime.positions import Positions
from shared.runtime.topic_identity import TopicIdentity


class Impatient(Event):
    """A stop signal on which nobody waits in vain."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class CutOffMember(Member):
    """A member that has lost Kafka for good; it tells the consumer to stop after so many polls."""

    def __init__(self, stop: Event, polls: int) -> None:
        self.granted = frozenset()
        self.failed = 0
        self._stop = stop
        self._polls = polls

    def poll(self, most: int) -> Any:
        self.failed += 1
        if self.failed == self._polls:
            self._stop.set()
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def close(self) -> None:
        pass


class AskedLogs(Logs):
    """Answers as it is told to; counts the questions. The topic had the id 1 when the consumer began to read it."""

    def __init__(self) -> None:
        self.answers: list[Future[Any]] = []

    def ask_identities(self, topics: Any) -> TopicIdQuery:
        self.answers.append(Future())
        return TopicIdQuery({"t": self.answers[-1]})

    def identities(self, topics: Any) -> dict[str, str]:
        return {"t": str(UUID(int=1))}


def unconnected(stop: Event | None = None, member: Any = None) -> Consumer:
    """A consumer that has not connected to anything."""
    client: MongoClient[dict[str, Any]] = MongoClient(connect=False)
    told = stop or Event()

    def process_batch(*_: Any) -> Any:
        raise AssertionError("nothing is polled here")

    return Consumer(
        group="toys",
        client=client,
        database="toys",
        kafka_options={"bootstrap_servers": "127.0.0.1:1"},
        process_batch=process_batch,
        stop=told,
        topics=["t"],
        join=lambda *_: member or CutOffMember(told, 1),
    )


@pytest.fixture
def consumer() -> Consumer:
    return unconnected()


def test_the_same_damaged_batch_halts_the_consumer_at_the_third_time(consumer: Consumer) -> None:
    damaged = "MessageSet at offset 12 failed CRC32C check"
    consumer._stumbles.note_damaged(damaged)
    consumer._stumbles.note_damaged(damaged)
    with pytest.raises(Halt) as halt:
        consumer._stumbles.note_damaged(damaged)
    assert "offset 12" in halt.value.cause
    assert "restore the partition" in halt.value.cure


def test_two_damaged_batches_in_turn_halt_it_too(consumer: Consumer) -> None:
    with pytest.raises(Halt):
        for _ in range(3):
            consumer._stumbles.note_damaged("MessageSet at offset 12 failed CRC32C check")
            consumer._stumbles.note_damaged("MessageSet at offset 90 failed CRC32C check")


def test_a_connection_may_fail_as_often_as_it_likes() -> None:
    stop = Impatient()
    member = CutOffMember(stop, 50)
    consumer = unconnected(stop=stop, member=member)
    consumer.run()
    assert member.failed == 50
    assert consumer.halted is None


@pytest.fixture
def asked() -> AskedLogs:
    return AskedLogs()


@pytest.fixture
def topics(asked: AskedLogs) -> TopicIdentity:
    """It knows the topic that was read, and asks at every turn which topic has its name."""
    found = TopicIdentity(asked, "toys", seconds=0.0)
    found.store(MongoClient(connect=False)["toys"]["offsets"], {})
    return found


def described(identity: int) -> Any:
    topic_id = SimpleNamespace(
        get_most_significant_bits=lambda: 0, get_least_significant_bits=lambda: identity
    )
    return SimpleNamespace(topic_id=topic_id)


def test_kafka_that_does_not_say_which_topic_it_has_is_not_waited_for(
    topics: TopicIdentity, asked: AskedLogs
) -> None:
    for _ in range(5):
        assert topics.replaced() is None
    assert len(asked.answers) == 1
    asked.answers[0].set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    topics.replaced()
    topics.replaced()
    assert len(asked.answers) == 2, "it is asked again"


def test_a_topic_that_has_another_id_is_replaced_and_one_that_is_gone_or_the_same_is_not(
    topics: TopicIdentity, asked: AskedLogs
) -> None:
    gone = KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    for said in (described(1), gone):
        topics.replaced()
        if said is gone:
            asked.answers[-1].set_exception(gone)
        else:
            asked.answers[-1].set_result(said)
        assert topics.replaced() is None
    topics.replaced()
    asked.answers[-1].set_result(described(2))
    assert topics.replaced() == "t"


def test_a_replaced_topic_halts_the_group(topics: TopicIdentity, asked: AskedLogs) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(connect=False)
    durable = Durable(client, "toys", "toys", Event())
    positions = Positions("toys", client["toys"]["offsets"], asked, durable, topics, None)
    member = CutOffMember(Event(), 1)
    positions.check_topics(member)
    asked.answers[-1].set_result(described(2))
    with pytest.raises(Halt, match="made anew"):
        positions.check_topics(member)
