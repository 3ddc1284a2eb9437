"""A gauge says only what is known: no sample before it is measured, none once it cannot be."""

import subprocess
import sys

import pytest
from prometheus_client import generate_latest

from shared.telemetry.metrics import METRICS, REGISTRY, metric, tell

GAUGES = [one for one in METRICS if one.kind == "gauge"]


def samples(name: str) -> list[str]:
    return [line for line in generate_latest(REGISTRY).decode().splitlines() if line.startswith(name)]


def test_a_process_that_measured_nothing_tells_of_no_gauge() -> None:
    """In a process of its own, since others of this one may have been set."""
    code = (
        "from prometheus_client import generate_latest; from shared.telemetry.metrics import REGISTRY;"
        "print(generate_latest(REGISTRY).decode())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "journey_relayed_total 0.0" in said, "a count begins at 0, else no increase is seen"
    assert [one.name for one in GAUGES if one.name in said] == []


@pytest.mark.parametrize("one", GAUGES, ids=lambda one: one.name)
def test_a_gauge_comes_and_goes_with_what_is_known(one: object) -> None:
    name, labels = one.name, dict.fromkeys(one.labels, "toy")  # type: ignore[attr-defined]
    series = metric(name, **labels)
    before = REGISTRY.get_sample_value(name, labels)
    tell(series, 0)
    assert REGISTRY.get_sample_value(name, labels) == 0.0
    tell(series, 2.5)
    assert REGISTRY.get_sample_value(name, labels) == 2.5
    tell(series, None)
    tell(series, None)
    assert REGISTRY.get_sample_value(name, labels) is None
    tell(series, before)


def test_clients_are_counted_from_nothing() -> None:
    clients = metric("journey_stream_clients")
    clients.unknown()
    clients.inc()
    clients.inc()
    clients.dec()
    assert samples("journey_stream_clients") == ["journey_stream_clients 1.0"]
    clients.unknown()
    assert samples("journey_stream_clients") == []
