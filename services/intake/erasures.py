"""Erasures outlive a backup: whoever the log of erasures names, and stands unerased, is erased again.

The log lies in Kafka, on a compacted topic of its own, because a restored database has forgotten what it erased. It is
read whole at start and every hour; it holds one word per erased person, a handle and a moment. Erasing again says
nothing, because all was said when the person was erased. No log line and no metric names anybody.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from services.intake import handlers
from shared.errors import Busy
from shared.events import ERASURES_TOPIC, ParticipantId
from shared.kafka import Logs, Partition, native_options
from shared.runtime.change import subject_of
from shared.runtime.parts import Parts
from shared.runtime.transaction import transact
from shared.telemetry import metric, start_trace

EVERY_SECONDS, AFTER_FAILURE_SECONDS = 3600.0, 10.0
CHUNK = 500
POLL_SECONDS, PATIENCE_SECONDS = 1.0, 30.0
GROUP = "intake-erasures"
"""A name that librdkafka wants; no offset is ever kept under it."""

log = structlog.get_logger()


class ErasureKept(msgspec.Struct, frozen=True):
    """That a person was erased, and when (UTC)."""

    participant_id: ParticipantId
    erased_at: datetime


class Unanswered(Exception):
    """Kafka did not give the log to its end in time."""


class Erasures:
    """Keeps erased who was erased, in a thread of its own. Several processes may do so at once."""

    def __init__(self, parts: Parts, every_seconds: float = EVERY_SECONDS) -> None:
        self.progressed_at = time.monotonic()
        self._parts = parts
        self._every_seconds = every_seconds
        self._logs = Logs(parts.kafka_options)

    def run(self) -> None:
        """Look at once, and then every hour, until told to stop; after a failure sooner."""
        due = time.monotonic()
        while not self._parts.stop.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + (self._every_seconds if self._looked() else AFTER_FAILURE_SECONDS)
            self.progressed_at = time.monotonic()
            self._parts.stop.wait(1)

    def _looked(self) -> bool:
        try:
            found = self.look()
        except (Busy, KafkaException, PyMongoError, Unanswered) as error:
            log.warning("erasures-unread", error=type(error).__name__)
            return False
        metric("journey_erasures_undone").set(found)
        metric("journey_erasures_looked_timestamp_seconds").set_to_current_time()
        if found:
            log.error("erased-again", participants=found)
        return True

    def look(self) -> int:
        """Read the log from its beginning to its end and erase again. Returns how many had to be.

        Raises Busy, KafkaException, PyMongoError, Unanswered; doing it again is safe.
        """
        start_trace("")
        places = self._logs.partitions([ERASURES_TOPIC])
        # Only what the log holds now: what is erased from now on is not undone yet.
        ends = self._logs.ends(places)
        begins = self._logs.beginnings(places)
        wanted = {at: end for at, end in ends.items() if begins[at] < end}
        if not wanted:
            return 0
        consumer = Consumer(
            {
                **native_options(self._parts.kafka_options),
                "group.id": GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            consumer.assign([TopicPartition(*at, begins[at]) for at in wanted])
            return self._read(consumer, set(wanted))
        finally:
            consumer.close()

    def _read(self, consumer: Consumer, unread: set[Partition]) -> int:
        found, heard_at = 0, time.monotonic()
        while unread and not self._parts.stop.is_set():
            kept: dict[str, datetime] = {}
            for message in consumer.consume(CHUNK, timeout=POLL_SECONDS):
                heard_at = time.monotonic()
                error = message.error()
                if error is None:
                    self._take(message, kept)
                elif error.name() == "_PARTITION_EOF":
                    unread.discard(Partition(str(message.topic()), int(message.partition() or 0)))
                else:
                    raise KafkaException(error)
            found += self._keep(kept)
            self.progressed_at = time.monotonic()
            if time.monotonic() - heard_at > PATIENCE_SECONDS:
                raise Unanswered
        return found

    def _take(self, message: Any, kept: dict[str, datetime]) -> None:
        try:
            word = msgspec.json.decode(message.value() or b"", type=ErasureKept)
        except (ValueError, RecursionError):
            # Only intake may write there: a fault of ours, and no reason to leave the others unerased.
            log.error("erasure-unreadable", partition=message.partition(), offset=message.offset())
            return
        kept[subject_of("participant", word.participant_id)] = word.erased_at

    def _keep(self, kept: Mapping[str, datetime]) -> int:
        """Erase again those of them that stand unerased. Returns how many did."""
        if not kept:
            return 0
        repository = self._parts.service.repository
        collection = self._parts.client[self._parts.service.database][repository.collection]
        standing = collection.find(
            {"_id": {"$in": list(kept)}, "state": {"$ne": None}, "state.erased_at": None}, {"_id": 1}
        )
        subjects = [row["_id"] for row in standing]
        for subject in subjects:
            self._erase(ParticipantId(subject.partition("/")[2]), kept[subject])
        return len(subjects)

    def _erase(self, participant_id: ParticipantId, at: datetime) -> None:
        def work(session: ClientSession) -> None:
            unit = self._parts.unit(session)
            handlers.keep_erased(unit, participant_id, at)
            unit.flush()

        transact(self._parts.client, work)
