"""The agencies' own topics: referrals out, replies in, as an agency's system would do it.

Each agency writes and reads with its own Kafka user and sees nothing else. Replies are read only while one is
awaited, by partition and without a group, so that reading costs nothing the rest of the time.
"""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from clients.player.surroundings import Surroundings
from clients.player.trouble import Trouble

PATIENCE_SECONDS = 90.0
POLL_MILLISECONDS = 50
API_VERSION = (4, 0)


@dataclass(frozen=True, slots=True)
class Reply:
    """One record of a reply topic: what kind, which record or journey it answers, what it says."""

    kind: str
    id: str
    body: Mapping[str, Any]


class Agency:
    """One agency at its own two topics. One thread at a time may use it; it locks."""

    def __init__(self, surroundings: Surroundings, organisation: str, password: str | None = None) -> None:
        """password: of the agency's user; else it lies with the stack's secrets."""
        self.organisation = organisation
        self.referrals = f"inbound.{organisation}.referrals.v1"
        self._replies = TopicPartition(f"inbound.{organisation}.replies.v1", 0)
        self._options = {
            "bootstrap_servers": [surroundings.kafka],
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": organisation,
            "sasl_plain_password": password or surroundings.secret(f"kafka/{organisation}"),
            "api_version": API_VERSION,
        }
        self._lock = threading.Lock()
        self._producer: Any = None
        self._consumer: Any = None
        self._position: int | None = None
        self.journeys: dict[str, Mapping[str, Any]] = {}
        """The newest status of each journey that a reply told of, by the agency's own reference."""
        self.rejections: dict[str, Mapping[str, Any]] = {}
        """What was said of each rejected record, by `topic:partition:offset`."""
        self.reports: dict[str, Mapping[str, Any]] = {}
        """The reports that it was told of, by their id."""

    def publish(self, value: bytes) -> str:
        """Send one record and wait until Kafka has it. Returns `topic:partition:offset`. Raises Trouble.

        A record whose acknowledgement was lost is sent again: the referral's own reference makes that
        harmless.
        """
        ends_at = time.monotonic() + PATIENCE_SECONDS
        with self._lock:
            while True:
                try:
                    if self._producer is None:
                        self._producer = KafkaProducer(**self._options, acks="all", max_block_ms=5000)
                    sent = self._producer.send(self.referrals, value=value)
                    self._producer.flush(timeout=5)
                    written = sent.get(timeout=5)
                    return f"{written.topic}:{written.partition}:{written.offset}"
                except KafkaError as error:
                    _throw_away(self._producer)
                    self._producer = None
                    if time.monotonic() > ends_at:
                        raise Trouble(
                            f"{self.organisation} cannot write to {self.referrals}: {type(error).__name__}."
                        ) from error

    def read(self) -> None:
        """Take in what has been replied since; blocks for a moment at most."""
        with self._lock:
            try:
                if self._consumer is None:
                    self._consumer = KafkaConsumer(
                        **self._options, enable_auto_commit=False, fetch_max_wait_ms=20
                    )
                    self._consumer.assign([self._replies])
                    if self._position is None:
                        self._consumer.seek_to_beginning(self._replies)
                    else:
                        self._consumer.seek(self._replies, self._position)
                for records in self._consumer.poll(timeout_ms=POLL_MILLISECONDS).values():
                    for record in records:
                        self._take(_reply(record))
                        self._position = record.offset + 1
            except KafkaError:
                _throw_away(self._consumer)
                self._consumer = None

    def read_all(self) -> None:
        """Take in all that has been replied until now. Blocks; raises Trouble when it cannot be read."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        end: int | None = None
        while end is None or (self._position or 0) < end:
            self.read()
            with self._lock:
                if end is None and self._consumer is not None:
                    end = self._consumer.end_offsets([self._replies])[self._replies]
            if time.monotonic() > ends_at:
                raise Trouble(f"{self.organisation} cannot read {self._replies.topic} to its end.")

    def _take(self, reply: Reply) -> None:
        if "rejected" in reply.kind:
            self.rejections[reply.id] = reply.body
        elif "report_id" in reply.body:
            self.reports[str(reply.body["report_id"])] = reply.body
        elif "reference" in reply.body and "journey_id" in reply.body:
            self.journeys[str(reply.body["reference"])] = reply.body

    def close(self) -> None:
        """Let go of the broker."""
        with self._lock:
            _throw_away(self._producer)
            _throw_away(self._consumer)
            self._producer = self._consumer = None


def _reply(record: Any) -> Reply:
    headers = {name: value.decode() for name, value in record.headers}
    body = json.loads(record.value)
    return Reply(headers.get("ce_type", ""), headers.get("ce_id", "").partition(":")[2], body)


def _throw_away(client: Any) -> None:
    """Close a client that may be broken already; the next use makes a new one."""
    if client is not None:
        with suppress(KafkaError):
            client.close()
