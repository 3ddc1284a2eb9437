"""An agency joins and leaves while everything runs: by one command, and no process of the stack is started again."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pymongo import MongoClient

import deploy.topics
from deploy.agencies import leave
from deploy.declaration import declared
from deploy.topics import joined
from services.intake.on_kafka import GONE_SECONDS
from tests.support.awaiting import until
from tests.support.callers import NOBODY_BEFORE, Callers, calling, referral
from tests.support.stack import fresh_stack
from tools.stack import Stack

NEW = "skelleftea-kommun"
"""A referrer of the programme that `topics.yaml` does not name."""
ANSWERED_WITHIN_SECONDS = 30


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Callers]:
    with fresh_stack() as stack, calling(stack) as callers:
        yield callers


@pytest.fixture(name="admin")
def _admin(running: Callers) -> Iterator[KafkaAdminClient]:
    client = deploy.topics.connect(running.stack.kafka_admin_config(), within_seconds=30)
    yield client
    client.close()


def typed(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """What the administrator types, and what comes of it."""
    told = {**os.environ, **stack.settings.administrator_environment()}
    run = [sys.executable, "-m", "deploy.agencies", *words]
    return subprocess.run(run, env=told, capture_output=True, text=True, timeout=120, check=False)


def command(stack: Stack, *words: str) -> str:
    """What is printed; it must come to something."""
    done = typed(stack, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes(stack: Stack) -> Mapping[str, tuple[int, int]]:
    return {
        name: (one.running.pid if one.running else 0, one.restarts) for name, one in stack.entries().items()
    }


class System:
    """The new agency's system, with the password that the command printed."""

    def __init__(self, stack: Stack, password: str) -> None:
        self.options = {
            **stack.kafka_admin_config(),
            "sasl_plain_username": NEW,
            "sasl_plain_password": password,
        }

    def send(self, body: Mapping[str, Any]) -> str:
        producer = KafkaProducer(**self.options, acks="all", retries=0)
        try:
            where = producer.send(f"inbound.{NEW}.referrals.v1", json.dumps(body).encode()).get(timeout=20)
            return f"{where.topic}:{where.partition}:{where.offset}"
        finally:
            producer.close(timeout=5)

    def answers(self, topic: str = f"inbound.{NEW}.replies.v1") -> dict[str, Any]:
        """{ce_id: body} of what is on the topic."""
        consumer = KafkaConsumer(**self.options, enable_auto_commit=False)
        try:
            at = TopicPartition(topic, 0)
            consumer.assign([at])
            consumer.seek_to_beginning(at)
            end, found = consumer.end_offsets([at])[at], {}
            while consumer.position(at) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    for one in records:
                        found[dict(one.headers)["ce_id"].decode()] = json.loads(one.value)
            return found
        finally:
            consumer.close()


def known(stack: Stack) -> set[str]:
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        return {row["_id"] for row in client["intake"]["channels"].find()}


def test_an_agency_joins_is_answered_and_leaves_and_no_process_is_started_again(
    running: Callers, admin: KafkaAdminClient
) -> None:
    stack = running.stack
    until(lambda: known(stack) == set(declared().agencies), "the declared ones known")
    person = running.ask("POST", "/participants", NEW, NOBODY_BEFORE).json()["participant_id"]
    before, began = processes(stack), time.monotonic()
    printed = command(stack, "join", NEW)
    found = re.search(r"^password of \S+: (\S+)$", printed, re.MULTILINE)
    assert found, printed
    system = System(stack, found[1])
    place = system.send(referral(person, reference="SK-1"))
    answer = until(lambda: system.answers().get(f"intake:{place}"), "the answer", ANSWERED_WITHIN_SECONDS)
    assert time.monotonic() - began < ANSWERED_WITHIN_SECONDS
    assert (answer["status"], answer["reference"]) == ("accepted", "SK-1")
    # Told of what happens later, too, by another process.
    path = f"/referrals/{answer['journey_id']}/acceptance"
    assert running.ask("POST", path, "urkraft", {}).status_code == 200
    until(lambda: len(system.answers()) >= 3, "what came of it")
    assert processes(stack) == before

    # Said again, it keeps its password; what is declared is applied again, and takes nothing from it.
    assert "keeps its password" in command(stack, "join", NEW)
    assert deploy.topics.apply(admin, declared(), {}) == []
    assert NEW in joined(admin)
    for foreign in ("journey.intake.v1", f"inbound.{declared().agencies[0]}.replies.v1"):
        with pytest.raises(KafkaError):
            system.answers(foreign)

    assert leave(admin, NEW)
    assert leave(admin, NEW) == []
    assert NEW not in joined(admin)
    with pytest.raises(KafkaError):
        system.send(referral(person, reference="SK-2"))
    until(lambda: NEW not in known(stack), "intake to see that it left", GONE_SECONDS + 30)
    assert processes(stack) == before


def test_who_takes_no_part_gets_nothing(running: Callers, admin: KafkaAdminClient) -> None:
    stack, before = running.stack, joined(admin)
    token = {"Authorization": f"Bearer {stack.token('plattform', 'operator')}", "If-Match": "*"}

    def register(unit: str, **more: Any) -> None:
        body = {"unit_id": unit, "name": "Norsjö", "kind": "social_services", "why": "To be tried.", **more}
        answer = running.ask(
            "POST", "/register/units", "plattform", {"first_day": "2016-01-01", **body}, **token
        )
        assert answer.status_code == 201, answer.text

    register("ny-kommun")
    register("gammal-kommun", last_day="2017-12-31")
    for unit, field in (
        ("nobody-of-the-register", "unit_id"),
        ("ny-kommun", "memberships"),
        ("gammal-kommun", "last_day"),
    ):
        # The register is in the log a moment after it was changed.
        done = until(partial(refused, stack, unit, field), f"{unit} refused for {field}")
        assert done.returncode == 1
        assert "password" not in done.stdout
    assert joined(admin) == before


def refused(stack: Stack, unit: str, field: str) -> subprocess.CompletedProcess[str] | None:
    done = typed(stack, "join", unit)
    return done if done.stderr.startswith(f"{field}: ") else None
