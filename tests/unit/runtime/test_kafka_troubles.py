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
from shared.runtime import consumer as running
from shared.runtime.consumer import Consumer
from shared.runtime.kafka import Identities, Logs


@pytest.fixture
def consumer() -> Consumer:
    """One that has not connected to anything."""
    client: MongoClient[dict[str, Any]] = MongoClient(connect=False)

    def absorb(*_: Any) -> Any:
        raise AssertionError("nothing is polled here")

    return Consumer(
        group="toys",
        client=client,
        database="toys",
        kafka_options={"bootstrap_servers": "127.0.0.1:1"},
        absorb=absorb,
        stop=Event(),
        topics=["t"],
    )


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


def test_a_connection_may_fail_as_often_as_it_likes(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = 0

    def fails() -> Any:
        nonlocal failed
        failed += 1
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(consumer, "_polled", fails)
    consumer._stop.set()
    for _ in range(50):
        consumer._once()
    assert failed == 50
    assert consumer.halted is None


class Asked(Logs):
    """Answers as it is told to; counts the questions."""

    def __init__(self) -> None:
        self.answers: list[Future[Any]] = []

    def ask_identities(self, topics: Any) -> Identities:
        self.answers.append(Future())
        return Identities({"t": self.answers[-1]})


@pytest.fixture
def asked(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Asked by the consumer at every turn which topic it reads; the first was said to have the id 1."""
    logs = Asked()
    monkeypatch.setattr(running, "IDENTITY_SECONDS", 0.0)
    monkeypatch.setattr(consumer, "_logs", logs)
    monkeypatch.setattr(consumer, "_halt_over", lambda topic, cause: Halt(cause, ""))
    consumer._topic_ids = {"t": str(UUID(int=1))}
    return logs


def described(identity: int) -> Any:
    topic_id = SimpleNamespace(
        get_most_significant_bits=lambda: 0, get_least_significant_bits=lambda: identity
    )
    return SimpleNamespace(topic_id=topic_id)


def test_kafka_that_does_not_say_which_topic_it_has_is_not_waited_for(
    consumer: Consumer, asked: Asked
) -> None:
    for _ in range(5):
        consumer._identify()
    assert len(asked.answers) == 1
    asked.answers[0].set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    consumer._identify()
    consumer._identify()
    assert len(asked.answers) == 2, "it is asked again"


def test_a_topic_that_has_another_id_halts_and_one_that_is_gone_or_the_same_does_not(
    consumer: Consumer, asked: Asked
) -> None:
    gone = KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    for said in (described(1), gone):
        consumer._identify()
        if said is gone:
            asked.answers[-1].set_exception(gone)
        else:
            asked.answers[-1].set_result(said)
        consumer._identify()
    consumer._identify()
    asked.answers[-1].set_result(described(2))
    with pytest.raises(Halt, match="made anew"):
        consumer._identify()
