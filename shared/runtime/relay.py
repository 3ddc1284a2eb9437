"""The relay publishes events from the outbox to Kafka: at least once, and in order per subject.

An unpublished row carries its shard in `pend`; the holder of the shard's lease publishes it. A snapshot session reads
the rows in the outbox's order, and only rows that a majority has. The relay waits for every acknowledgement within
its lease, then unmarks the rows. After any failure a new producer sends the whole chunk again, so that no later row
overtakes a failed one; consumers skip the duplicates. A row that Kafka rejects permanently goes to the `quarantine`.
"""

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from threading import Event
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, UnknownError
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from shared.runtime.kafka import discard
from shared.runtime.messages import SHARDS
from shared.runtime.outgoing import PUBLISHED
from shared.runtime.quarantine import RETRY_SECONDS, Narrowed, Quarantine
from shared.runtime.waking import Waking
from shared.telemetry.logs import log_published
from shared.telemetry.metrics import metric

LEASE_SECONDS = 10
MARGIN_SECONDS = 4
CHUNK = 1000

log = structlog.get_logger()


class Leases:
    """The leases that this process holds, by the database's clock. names: the outbox's shards, or other work."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], database: str, names: Iterable[int | str] = range(SHARDS)
    ) -> None:
        self._names = tuple(names)
        self._leases = client[database].get_collection("leases", write_concern=WriteConcern("majority"))
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._until = 0.0
        self._held: list[Any] = []
        self.held_since = 0.0

    def hold(self) -> tuple[list[Any], float]:
        """Renew the leases and take free ones.

        Returns the held names, and for how many seconds they are surely ours.
        """
        now = time.monotonic()
        if self._until - now < LEASE_SECONDS - 2:
            self._held = [name for name in self._names if self._take(name)]
            self._until = now + LEASE_SECONDS
            self.held_since = now
        return self._held, self._until - now

    def release(self) -> None:
        """Let the next process take over at once."""
        self._leases.update_many({"owner": self._owner}, {"$set": {"owner": None}})

    def _take(self, name: int | str) -> bool:
        self._leases.update_one({"_id": name}, {"$setOnInsert": {"owner": None}}, upsert=True)
        free = {"$or": [{"$in": ["$owner", [self._owner, None]]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_SECONDS}}
        taken = self._leases.update_one(
            {"_id": name, "$expr": free}, [{"$set": {"owner": self._owner, "until": until}}]
        )
        return taken.matched_count == 1


class Relay:
    """Publishes one service's outbox, in one thread.

    retry_seconds: how long a rejected event rests before it is sent again.
    """

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        kafka_options: Mapping[str, Any],
        stop: Event,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.progressed_at = time.monotonic()
        self._client = client
        self._events = client[database]["events"]
        self._leases = Leases(client, database)
        self._quarantine = Quarantine(client, database, kafka_options, CHUNK, retry_seconds)
        self._kafka_options = kafka_options
        self._stop = stop
        self._waking = Waking(self._events, stop)
        self._producer: KafkaProducer | None = None

    def run(self) -> None:
        """Publish until told to stop."""
        while not self._stop.is_set():
            try:
                if not self.publish_once():
                    self._waking.wait(self.publish_once)
            except Narrowed:
                self._discard_producer()
            except (KafkaError, PyMongoError) as error:
                metric("journey_relay_failures_total").inc()
                log.warning("relay-failed", error=type(error).__name__)
                self._discard_producer()
                self._stop.wait(0.5)
            self.progressed_at = time.monotonic()
        self._discard_producer()
        try:
            self._leases.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def publish_once(self) -> int:
        """Publish one chunk. Returns how many events Kafka acknowledged. Raises KafkaError, PyMongoError, Narrowed."""
        began = time.monotonic()
        shards, seconds = self._leases.hold()
        if not shards or seconds <= MARGIN_SECONDS:
            return 0
        until = began + seconds - MARGIN_SECONDS / 2
        self._quarantine.known_to(shards, self._leases.held_since)
        self._quarantine.try_again(lambda heads: self._send(heads, until), self._discard_producer)
        rows = self._quarantine.without(self._pending(shards))
        if not rows:
            return 0
        try:
            self._send(rows, until)
        except KafkaError as error:
            self._quarantine.judge(rows, error)
            raise
        self._quarantine.taken()
        self._events.update_many({"_id": {"$in": [row["_id"] for row in rows]}}, PUBLISHED)
        self._waking.worked(began)
        metric("journey_relayed_total").inc(len(rows))
        log_published(rows)
        return len(rows)

    def _pending(self, shards: list[int]) -> list[dict[str, Any]]:
        with self._client.start_session(snapshot=True) as session:
            condition = {"pend": {"$in": shards}}
            fields = {"topic": 1, "key": 1, "headers": 1, "body": 1}
            cursor = self._events.find(
                condition, fields, sort=[("ts", 1)], limit=self._quarantine.limit, session=session
            )
            return list(cursor)

    def _send(self, rows: Iterable[Mapping[str, Any]], until: float) -> None:
        producer = self._connected()
        sent = [
            producer.send(
                row["topic"],
                key=row["key"].encode(),
                value=row["body"],
                headers=[(name, text.encode()) for name, text in row["headers"].items()],
            )
            for row in rows
        ]
        # What flush says of a batch that kafka-python divides, because its topic takes no such size; the halves go on.
        with contextlib.suppress(UnknownError):
            producer.flush(timeout=max(0.0, until - time.monotonic()))
        for future in sent:
            future.get(timeout=max(0.0, until - time.monotonic()))

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(
                **self._kafka_options,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                batch_size=1 << 17,
                delivery_timeout_ms=(LEASE_SECONDS - MARGIN_SECONDS) * 1000,
                request_timeout_ms=4000,
                max_block_ms=4000,
                allow_auto_create_topics=False,
            )
        return self._producer

    def _discard_producer(self) -> None:
        """Close the producer, so that it cannot publish later what the next one sends again."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            try:
                discard(producer)
            except Exception as error:  # noqa: BLE001 - it is thrown away whatever it says
                log.info("close-failed", error=type(error).__name__)
