"""What a consumer process says of itself while it cannot reach what it measures."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shared.host.health import Health
from shared.telemetry.metrics import metric


class Kept:
    """A measuring that has come to what the test says."""

    def __init__(self) -> None:
        self.unanswered: Mapping[str, str] | None = None

    def measure(self) -> dict[str, Any]:
        self.unanswered = self.unanswered or {}
        metric("journey_outbox_pending").set(3)
        return {
            "lag": None if self.unanswered else 0,
            "outbox_pending": 3,
            "unanswered": dict(self.unanswered),
        }


@pytest.fixture
def measuring() -> Kept:
    return Kept()


@pytest.fixture
def address(measuring: Kept) -> Iterator[str]:
    server = Health(measuring, {}).serve("127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    metric("journey_outbox_pending").unknown()


def told(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_metrics_tell_what_is_known_though_kafka_is_away(measuring: Kept, address: str) -> None:
    measuring.unanswered = {"kafka": "_TRANSPORT"}
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        assert answer.status == 200
        said = answer.read().decode()
    assert "\njourney_outbox_pending 3.0" in said
    assert "journey_consumer_lag" not in said


def test_progress_gives_what_is_known_and_does_not_pass_for_the_whole(measuring: Kept, address: str) -> None:
    measuring.unanswered = {"kafka": "_TRANSPORT"}
    status, body = told(f"{address}/progress")
    assert (status, body["lag"], body["outbox_pending"]) == (503, None, 3)
    assert body["unanswered"] == {"kafka": "_TRANSPORT"}
    measuring.unanswered = {}
    assert told(f"{address}/progress")[0] == 200


@pytest.mark.parametrize(
    ("unanswered", "status", "says"),
    [
        (None, 503, "starting"),
        ({}, 200, "ready"),
        ({"kafka": "_TIMED_OUT"}, 503, "kafka out of reach"),
        ({"mongodb": "NetworkTimeout"}, 503, "mongodb out of reach"),
        (
            {"mongodb": "NetworkTimeout", "kafka": "_TIMED_OUT"},
            503,
            "mongodb and kafka out of reach",
        ),
    ],
)
def test_a_consumer_is_ready_while_it_reaches_both_and_alive_all_the_time(
    measuring: Kept, address: str, unanswered: Mapping[str, str] | None, status: int, says: str
) -> None:
    measuring.unanswered = unanswered
    said, body = told(f"{address}/readyz")
    assert (said, body["status"]) == (status, says)
    assert told(f"{address}/healthz")[0] == 200


def test_a_health_port_takes_no_parameters(address: str) -> None:
    status, problem = told(f"{address}/healthz?verbose=1")
    assert (status, problem["code"]) == (422, "invalid-fields")
