"""Erasures outlive a backup: whoever the log of erasures names, and stands unerased, is erased again.

The log lies in Kafka, on a compacted topic of its own, because a restored database has forgotten what it erased. It is
read whole at start and every hour; it holds one word per erased identity: ids and a moment. Erasing again says
nothing, because all was said when the person was erased. No log line and no metric names anybody.
"""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from services.intake import people
from shared.language.decision import subject_of
from shared.language.erasures import ErasureKept
from shared.language.errors import Busy, StateUnreadable
from shared.language.events import ERASURES_TOPIC
from shared.runtime.kafka import Logs, Partition, native_options
from shared.runtime.parts import Parts
from shared.runtime.transaction import transact
from shared.telemetry.metrics import metric, tell_moment
from shared.telemetry.traces import start_trace

EVERY_SECONDS, AFTER_FAILURE_SECONDS = 3600.0, 10.0
CHUNK = 500
POLL_SECONDS, PATIENCE_SECONDS = 1.0, 30.0
MOST_FAILURES = 10
"""So many that fail though they can be read, and the fault is no longer theirs."""
GROUP = "intake-erasures"
"""A name that librdkafka wants; no offset is ever kept under it."""

log = structlog.get_logger()


class Unanswered(Exception):
    """Kafka did not give the log to its end in time."""


class Unerased(Exception):
    """Somebody could not be erased again; all others were."""


class Erasures:
    """Keeps erased who was erased, in a thread of its own. Several processes may do so at once."""

    def __init__(self, parts: Parts, every_seconds: float = EVERY_SECONDS) -> None:
        self.progressed_at = time.monotonic()
        self._parts = parts
        self._every_seconds = every_seconds
        self._found = 0
        self._failed = 0
        self._unreadable = 0
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
            self.look()
        except (Busy, KafkaException, PyMongoError, Unanswered, Unerased) as error:
            log.warning("erasures-unread", error=type(error).__name__)
            if self._found:
                metric("journey_erasures_undone").set(self._found)
            return False
        # What looks that failed half-way have erased again is told with the one that came to the end.
        found, self._found = self._found, 0
        metric("journey_erasures_undone").set(found)
        tell_moment(metric("journey_erasures_looked_timestamp_seconds"))
        if self._unreadable:
            # A release that can read them erases them when it starts; until then an hourly look is enough.
            log.error("states-unreadable-unerased", participants=self._unreadable)
        if found:
            log.error("erased-again", participants=found)
        return True

    def look(self) -> None:
        """Read the log from its beginning to its end and erase again, counting those who had to be.

        Raises Busy, KafkaException, PyMongoError, Unanswered, Unerased; doing it again is safe.
        """
        start_trace("")
        self._failed = self._unreadable = 0
        places = self._logs.partitions([ERASURES_TOPIC])
        # Only what the log holds now: what is erased from now on is not undone yet.
        ends = self._logs.ends(places)
        begins = self._logs.beginnings(places)
        wanted = {at: end for at, end in ends.items() if begins[at] < end}
        if not wanted:
            return
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
            self._read(consumer, set(wanted))
        finally:
            consumer.close()
        if self._failed:
            raise Unerased

    def _read(self, consumer: Consumer, unread: set[Partition]) -> None:
        heard_at = time.monotonic()
        while unread and not self._parts.stop.is_set():
            kept: dict[str, ErasureKept] = {}
            messages = consumer.consume(CHUNK, timeout=POLL_SECONDS)
            for message in messages:
                error = message.error()
                if error is None:
                    self._take(message, kept)
                elif error.name() == "_PARTITION_EOF":
                    unread.discard(Partition(str(message.topic()), int(message.partition() or 0)))
                else:
                    raise KafkaException(error)
            self._keep(kept)
            self.progressed_at = time.monotonic()
            # From here on, because erasing again may have taken long.
            heard_at = time.monotonic() if messages else heard_at
            if time.monotonic() - heard_at > PATIENCE_SECONDS:
                raise Unanswered

    def _take(self, message: Any, kept: dict[str, ErasureKept]) -> None:
        try:
            word = msgspec.json.decode(message.value() or b"", type=ErasureKept)
        except (ValueError, RecursionError):
            # Only intake may write there: a fault of ours, and no reason to leave the others unerased.
            log.error("erasure-unreadable", partition=message.partition(), offset=message.offset())
            return
        of = ("participant", word.participant_id) if word.handle is None else ("handle", word.handle)
        kept[subject_of(*of)] = word

    def _keep(self, kept: Mapping[str, ErasureKept]) -> None:
        """Erase again those of them that stand unerased."""
        if not kept:
            return
        repository = self._parts.service.repository
        collection = self._parts.client[self._parts.service.database][repository.collection]
        standing = collection.find(
            {"_id": {"$in": list(kept)}, "state": {"$ne": None}, "state.erased_at": None}, {"_id": 1}
        )
        subjects = [row["_id"] for row in standing]
        for subject in subjects:
            self.progressed_at = time.monotonic()
            try:
                self._erase(kept[subject])
            except StateUnreadable:
                self._unreadable += 1
            except Exception as error:  # one that cannot be erased must not leave the others readable
                self._failed += 1
                if self._failed > MOST_FAILURES:
                    raise
                log.error("not-erased-again", error=type(error).__name__)
            else:
                self._found += 1

    def _erase(self, word: ErasureKept) -> None:
        def work(session: ClientSession) -> None:
            unit = self._parts.unit(session)
            people.keep_erased(unit, word.participant_id, word.handle, word.erased_at)
            unit.flush()

        transact(self._parts.client, work)
