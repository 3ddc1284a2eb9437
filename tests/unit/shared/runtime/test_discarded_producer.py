"""A producer that is thrown away neither sends what it holds nor goes on looking for brokers."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import IllegalStateError

from shared.runtime.kafka import API_VERSION, discard


@pytest.fixture
def producer() -> Iterator[KafkaProducer]:
    """One that holds a record which no broker has acknowledged, as after an outage."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = KafkaProducer(
            bootstrap_servers=f"127.0.0.1:{silent.getsockname()[1]}",
            api_version=API_VERSION,
            acks="all",
            enable_idempotence=True,
        )
        # `send` would wait for the topic's partitions, which nobody tells.
        made._accumulator.append(TopicPartition("toys", 0), time.time_ns() // 10**6, b"key", b"value", [])
        yield made


def test_its_thread_ends_though_a_record_is_unacknowledged(producer: KafkaProducer) -> None:
    (sender,) = [one for one in threading.enumerate() if one is producer._sender]
    discard(producer)
    assert not sender.is_alive()


def test_what_it_held_has_failed_and_it_takes_nothing_more(producer: KafkaProducer) -> None:
    discard(producer)
    assert not producer._accumulator.has_incomplete
    with pytest.raises(IllegalStateError):
        producer.send("toys", b"more")
