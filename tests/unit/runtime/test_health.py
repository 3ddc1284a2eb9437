"""What a consumer process says of itself while it cannot reach what it measures."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from shared.runtime.health import Health


class Unreachable:
    """A measuring whose broker is down."""

    def measure(self) -> dict[str, Any]:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))


@pytest.fixture
def address() -> Iterator[str]:
    server = Health(Unreachable(), {}).serve("127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


def test_metrics_are_given_though_kafka_is_down(address: str) -> None:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        assert answer.status == 200
        assert b"journey_halted" in answer.read()


def test_progress_says_that_it_is_not_known(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/progress", timeout=10)
    assert refused.value.code == 503
