"""What the consumer makes of a poll that fails: a connection may fail for ever, damaged bytes may not."""

from threading import Event
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from pymongo import MongoClient

from shared.errors import Halt
from shared.runtime.consumer import Consumer
from shared.runtime.member import Damaged


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
    damaged = Damaged("MessageSet at offset 12 failed CRC32C check")
    consumer._note_damaged(damaged)
    consumer._note_damaged(damaged)
    with pytest.raises(Halt) as halt:
        consumer._note_damaged(damaged)
    assert "offset 12" in halt.value.cause
    assert "restore the partition" in halt.value.cure


def test_two_damaged_batches_in_turn_halt_it_too(consumer: Consumer) -> None:
    with pytest.raises(Halt):
        for _ in range(3):
            consumer._note_damaged(Damaged("MessageSet at offset 12 failed CRC32C check"))
            consumer._note_damaged(Damaged("MessageSet at offset 90 failed CRC32C check"))


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
