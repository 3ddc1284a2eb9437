"""Load over Kafka: an agency that publishes referrals on its own inbound topic."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Mapping
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from shared.runtime.kafka import discard
from tests.chaos.client import Client, Records
from tests.chaos.load import reference

INBOUND = "forsakringskassan"
WEB = "intake-web"


class Agency(threading.Thread):
    """An agency that publishes referrals on its own inbound topic, each record with a trace of its own."""

    def __init__(
        self,
        *,
        client: Client,
        records: Records,
        chance: random.Random,
        options: Mapping[str, Any],
        pace_seconds: float,
        stop: threading.Event,
    ) -> None:
        super().__init__(name="agency", daemon=True)
        self.failed: BaseException | None = None
        self._client = client
        self._records = records
        self._chance = chance
        self._options = options
        self._pace = pace_seconds
        self._stopping = stop
        self._participants: list[str] = []

    def run(self) -> None:
        """Publish until told to stop."""
        producer: Any = None
        try:
            while not self._stopping.wait(self._pace):
                if not self._participants and not self._register():
                    continue
                try:
                    producer = producer or KafkaProducer(
                        **self._options, acks="all", retries=0, max_block_ms=3000
                    )
                    self._publish(producer)
                except KafkaError:
                    _discard(producer)
                    producer = None
        except BaseException as error:  # noqa: BLE001 - reported by whoever waits for this thread
            self.failed = error
        finally:
            _discard(producer)

    def _register(self) -> bool:
        body = {"name": f"Kim Inkommen {self._chance.randrange(10**9)}", "personnummer": None}
        command = self._client.command("register", WEB, "/participants", body, (INBOUND, "caseworker"), None)
        self._records.begun(command)
        if self._client.send(command) and command.status == 201:
            self._participants.append(command.answer["participant_id"])
        return bool(self._participants)

    def _publish(self, producer: Any) -> None:
        trace = f"{self._chance.getrandbits(128):032x}"
        body = {
            "reference": reference(self._chance),
            "participant_id": self._participants.pop(),
            "programme": "coactive",
            "municipality": "2482",
        }
        self._records.inbound_unsure.add(trace)
        sent = producer.send(
            f"inbound.{INBOUND}.referrals.v1",
            value=json.dumps(body).encode(),
            headers=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())],
        )
        written = sent.get(timeout=10)
        self._records.inbound_unsure.discard(trace)
        self._records.inbound[f"{written.topic}:{written.partition}:{written.offset}"] = trace


def _discard(producer: Any) -> None:
    """Throw a producer away; what it held is not said again, and whether it was taken is unsure."""
    if producer is not None:
        with contextlib.suppress(KafkaError):
            discard(producer)
