"""Organisations as callers of intake, and an agency's system at its topics."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME = Path(__file__).parents[2] / "programmes" / "coactive.yaml"
AGENCY, PROVIDER = "arbetsformedlingen-skelleftea", "urkraft"
NAME, PERSONNUMMER = "Ada Prov", "199001019802"
NOBODY_BEFORE = {"name": "Kim Exempel", "personnummer": None}
IDENTITY = {"name": NAME, "personnummer": PERSONNUMMER, "contact": None}


def publish(stack: Stack, file: Path) -> subprocess.CompletedProcess[str]:
    """Publish a programme at intake, without dashboards: no test's own programme has any."""
    command = [sys.executable, "-m", "services.intake.programmes", "publish", str(file)]
    return subprocess.run(
        command,
        env={**os.environ, **stack.env_for("intake", "consume")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Callers:
    """Organisations as callers of intake, under keys that no other test file uses on the same stack."""

    stack: Stack
    web: httpx.Client
    keys: int = 0
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex)

    def ask(self, method: str, path: str, by: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request; every POST under a key of its own."""
        self.keys += 1
        return self.web.request(
            method,
            path,
            json=body,
            headers={
                "Authorization": f"Bearer {self.stack.token(by, 'caseworker')}",
                "Idempotency-Key": headers.pop("key", f"{self.prefix}-{self.keys}"),
                **headers,
            },
        )

    def register(self, identity: Mapping[str, Any] = NOBODY_BEFORE) -> str:
        """The agency's handle of a person whom it has registered; without a number, one who was not there before."""
        answer = self.ask("POST", "/participants", AGENCY, identity)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["participant_id"])

    def refer(self, **what: Any) -> httpx.Response:
        """A referral of a new person."""
        return self.ask("POST", "/referrals", AGENCY, referral(self.register(), **what))


def referral(participant_id: str, **what: Any) -> dict[str, Any]:
    """A referral's body."""
    return {
        "participant_id": participant_id,
        "programme": "coactive",
        "municipality": "2482",
        "provider": PROVIDER,
        "occurred_on": "2018-03-01",
        **what,
    }


@contextmanager
def calling(stack: Stack) -> Iterator[Callers]:
    """Intake started with its programme published, and the organisations that call it."""
    stack.start("issuer")
    published = publish(stack, PROGRAMME)
    assert published.returncode == 0, published.stderr
    stack.start("intake-web", "intake-consume")
    with httpx.Client(base_url=stack.url("intake-web"), timeout=30) as web:
        yield Callers(stack, web)


@dataclass
class Agency:
    """An agency's system at its own two topics."""

    stack: Stack
    read: list[tuple[dict[str, str], dict[str, Any]]]
    organisation = AGENCY

    def send(self, value: bytes) -> str:
        """Publish one record. Returns `topic:partition:offset`."""
        producer = KafkaProducer(**self.stack.kafka_config(AGENCY), acks="all")
        try:
            sent = producer.send(f"inbound.{AGENCY}.referrals.v1", value=value)
            producer.flush()
            where = sent.get(timeout=20)
            return f"{where.topic}:{where.partition}:{where.offset}"
        finally:
            producer.close()

    def replies(self) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """Everything replied until now: headers and body."""
        consumer = KafkaConsumer(**self.stack.kafka_config(self.organisation), enable_auto_commit=False)
        try:
            partition = TopicPartition(f"inbound.{self.organisation}.replies.v1", 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            end = consumer.end_offsets([partition])[partition]
            found = []
            while consumer.position(partition) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        headers = {name: value.decode() for name, value in record.headers}
                        found.append((headers, json.loads(record.value)))
            return found
        finally:
            consumer.close()

    def reply_to(self, place: str) -> dict[str, Any]:
        """The reply to one record."""

        def find() -> Any:
            return [body for headers, body in self.replies() if headers["ce_id"] == f"intake:{place}"]

        (body,) = until(find, f"the reply to {place}")
        return dict(body)
