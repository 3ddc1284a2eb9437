"""Kafka stopped, then MongoDB stopped: what is known is told, what is not is absent, and it is one finding."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.operator.trouble import HAND_NEEDED
from tests.support.awaiting import until
from tests.support.callers import AGENCY, Callers, calling, referral
from tests.support.scrapes import SCRAPE_SECONDS, scraped
from tests.support.stack import fresh_stack
from tools.stack.control import Control

ROOT = Path(__file__).resolve().parents[2]
CONSUME = "intake-consume"
STORED = {
    "journey_outbox_pending",
    "journey_outbox_refused",
    "journey_outbox_oldest_seconds",
    "journey_timers_due",
    'journey_waiting{group="intake"}',
    'journey_wait_oldest_seconds{group="intake"}',
    'journey_parked{group="intake"}',
}
LAG = 'journey_consumer_lag{group="intake"}'


@pytest.fixture(scope="module")
def callers() -> Iterator[Callers]:
    with fresh_stack() as stack, calling(stack) as found:
        yield found


def gauges(series: Mapping[str, float]) -> set[str]:
    return {
        one for one in series if one in STORED or one.startswith(("journey_consumer_lag", "journey_halted"))
    }


def asked(callers: Callers, path: str) -> tuple[int, Any]:
    answer = httpx.get(f"{callers.stack.health_url(CONSUME)}{path}", timeout=SCRAPE_SECONDS)
    return answer.status_code, answer.json()


def findings(callers: Callers) -> list[dict[str, Any]]:
    """What `journeys status` finds."""
    stack = callers.stack
    told = {
        **os.environ,
        **stack.settings.operator_environment(),
        "JOURNEYS_TOKEN": stack.token("plattform", "operator"),
    }
    command = [sys.executable, "-m", "clients.operator", "--json", "status", "-s", "intake"]
    done = subprocess.run(
        command, env=told, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == HAND_NEEDED, done.stderr + done.stdout
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


def told_by_status(callers: Callers) -> str:
    """What `make status` prints."""
    settings = callers.stack.settings
    told = {**os.environ, "STACK_PORT_BASE": str(settings.port_base), "STACK_DIR": str(settings.folder)}
    command = [sys.executable, "-m", "tools.stack", "status"]
    return subprocess.run(
        command, env=told, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_a_web_process_tells_of_no_outbox(callers: Callers) -> None:
    until(lambda: asked(callers, "/readyz")[0] == 200, "the consumer ready")
    assert callers.refer(reference="AF-8000").status_code == 201
    assert gauges(scraped(callers.stack, "intake-web")) == set()
    until(lambda: gauges(scraped(callers.stack, CONSUME)) >= STORED | {LAG}, "everything measured")
    assert scraped(callers.stack, CONSUME)['journey_halted{group="intake"}'] == 0


def test_without_kafka_what_waits_is_told_and_the_lag_is_absent(callers: Callers) -> None:
    stack = callers.stack
    until(lambda: scraped(callers.stack, CONSUME).get("journey_outbox_pending") == 0, "an empty outbox")
    people = [callers.register() for _ in range(3)]
    stack.stop("broker")
    began = time.monotonic()
    for number, person in enumerate(people):
        answer = callers.ask("POST", "/referrals", AGENCY, referral(person, reference=f"AF-81{number}"))
        assert answer.status_code == 201, answer.text

    def away() -> dict[str, float] | None:
        found = scraped(callers.stack, CONSUME)
        return found if found.get('journey_dependency_up{dependency="kafka"}') == 0 else None

    found = until(away, "Kafka noticed as away")
    assert LAG not in found, "nobody knows where the log ends"
    assert found["journey_outbox_pending"] >= 3
    assert found['journey_dependency_up{dependency="mongodb"}'] == 1
    assert gauges(found) >= STORED
    until(
        lambda: scraped(callers.stack, CONSUME)["journey_outbox_oldest_seconds"] > 5,
        "the age that the urgent alert rests on, growing",
    )
    assert scraped(callers.stack, CONSUME)["journey_outbox_oldest_seconds"] <= time.monotonic() - began + 1

    assert asked(callers, "/healthz")[0] == 200, "nobody restarts it for that"
    status, body = asked(callers, "/readyz")
    assert (status, body["status"]) == (503, "kafka out of reach")
    status, body = asked(callers, "/progress")
    assert (status, body["lag"]) == (503, None)
    assert body["outbox_pending"] >= 3
    assert list(body["unanswered"]) == ["kafka"]
    assert Control(stack.settings).progress(CONSUME) is None, (
        "whoever waits for an end does not take this for one"
    )

    (one,) = until(
        lambda: one if (one := findings(callers))[0]["what"].startswith("Kafka") else None, "it is told"
    )
    assert one["what"] == f"Kafka at {stack.settings.kafka_address} does not answer"
    assert "events wait to be published" in one["effect"]
    said = told_by_status(callers)
    assert said.count(f"Kafka at {stack.settings.kafka_address} does not answer") == 1
    assert "?" in next(line for line in said.splitlines() if line.lstrip().startswith(CONSUME))

    stack.start("broker")
    until(lambda: asked(callers, "/readyz")[0] == 200, "the consumer ready again")
    until(lambda: scraped(callers.stack, CONSUME).get(LAG) == 0, "the lag told again")
    until(lambda: scraped(callers.stack, CONSUME).get("journey_outbox_pending") == 0, "the outbox sent")


def test_without_mongodb_nothing_is_told_of_what_only_it_knows(callers: Callers) -> None:
    stack = callers.stack
    until(lambda: gauges(scraped(callers.stack, CONSUME)) >= STORED | {LAG}, "everything measured")
    stack.stop("database")

    def away() -> dict[str, float] | None:
        found = scraped(callers.stack, CONSUME)
        return found if found.get('journey_dependency_up{dependency="mongodb"}') == 0 else None

    found = until(away, "MongoDB noticed as away")
    assert {one for one in gauges(found) if not one.startswith("journey_halted")} == set()
    assert found['journey_dependency_up{dependency="kafka"}'] == 1
    until(
        lambda: "journey_reads_unsealed_seconds" not in scraped(callers.stack, CONSUME),
        "no stale age of readings",
    )
    status, body = asked(callers, "/readyz")
    assert (status, body["status"]) == (503, "mongodb out of reach")
    (one,) = findings(callers)
    assert one["what"] == "MongoDB does not answer intake"
    assert "MongoDB at" in told_by_status(callers)
    stack.start("database")
    until(lambda: asked(callers, "/readyz")[0] == 200, "the consumer ready again")
    until(lambda: gauges(scraped(callers.stack, CONSUME)) >= STORED | {LAG}, "everything measured again")
