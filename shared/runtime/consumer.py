"""Events in: one transaction per poll, however many partitions it spans.

Each poll's states, rows, outgoing events, parked events and consumer offsets become durable together. The stored
offset is compared and set: whoever finds another value there has been replaced, changes nothing and starts over
from what is stored. While much has piled up, the next batch is read ahead as one is made durable; it counts
only if that succeeds. Kafka's own committed offsets are not used, so a rebalance costs nothing and loses nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import CorruptRecordError, KafkaError
from pymongo import MongoClient, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.errors import Busy, Halt
from shared.kafka import remember_join
from shared.runtime.fold import Arrived, Tally
from shared.runtime.other_log import halt_over, identity_of, offset_id
from shared.runtime.unit import transact
from shared.telemetry import log_applied, metric

SMALLEST, LARGEST = 1, 5000
TRANSACTION_SECONDS = 30.0
FLOWING_SECONDS = 0.1
UNREADABLE_TIMES, UNREADABLE_SECONDS = 3, 60.0
MOST_LINGER_SECONDS = 0.05
OFTEN_MS, SELDOM_MS = 250, 1000
"""How long a fetch waits at the broker for something to come: what comes is brought at once either way. Asking costs
both sides; but the broker answers nothing else on that connection meanwhile, and a rebalance asks several things.
"""

log = structlog.get_logger()

Absorb = Callable[[ClientSession, list[Arrived]], Tally]
"""Writes everything a batch comes to, inside the transaction that also moves the offsets; may be called again."""


class Fenced(Exception):
    """Another process has moved the offset on: this one must reload and start over."""


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what the group coordinator says. Runs on Kafka's IO thread, so it only notes."""

    def __init__(self) -> None:
        self.revoked: set[TopicPartition] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.revoked |= set(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


class Consumer:
    """One member of one group, in one thread.

    group: names the offsets; several groups of one service keep their own. topics: names, or a pattern of names.
    seldom: little comes here, so an idle consumer asks seldom, and takes over partitions the slower.
    """

    def __init__(
        self,
        *,
        group: str,
        client: MongoClient[dict[str, Any]],
        database: str,
        kafka_options: Mapping[str, Any],
        absorb: Absorb,
        stop: Event,
        topics: Iterable[str] = (),
        pattern: str | None = None,
        seldom: bool = False,
    ) -> None:
        self.group = group
        self.halted: Halt | None = None
        self.progressed_at = time.monotonic()
        self._client = client
        self._database = client[database]
        self._kafka_options = kafka_options
        self._absorb = absorb
        self._stop = stop
        self._topics = list(topics)
        self._pattern = pattern
        self._fetch_wait_ms = SELDOM_MS if seldom else OFTEN_MS
        self._limit = LARGEST
        self._flowed_at = 0.0
        self._cost_seconds = 0.0
        self._next: dict[TopicPartition, int] = {}
        self._unreadable: list[tuple[float, str]] = []
        self._topic_ids: dict[str, str] = {}
        self._assignment = _Assignment()
        self._consumer: KafkaConsumer | None = None
        self._session: ClientSession | None = None
        self._poller = ThreadPoolExecutor(1, thread_name_prefix="poll")
        self._ahead: Future[dict[TopicPartition, list[Any]]] | None = None

    def run(self) -> None:
        """Consume until told to stop; after a Halt, stand still and say so."""
        while not self._stop.is_set():
            try:
                self._once()
            except Halt as halt:
                self.halted = halt
                metric("journey_halted", group=self.group).set(1)
                log.error("halted", group=self.group, cause=halt.cause, cure=halt.cure)
                break
        self._close()
        self._poller.shutdown()
        while self.halted and not self._stop.is_set():
            self.progressed_at = time.monotonic()
            self._stop.wait(1)

    def _once(self) -> None:
        try:
            polled = self._polled()
        except Exception as error:  # noqa: BLE001 - after any failure of poll the client is unusable
            log.warning("poll-failed", group=self.group, error=type(error).__name__)
            self._close()
            self._note_unreadable(error)
            self._stop.wait(0.5)
            return
        self.progressed_at = time.monotonic()
        try:
            batch = self._claimed(polled)
            if batch:
                if sum(map(len, batch.values())) > self._limit // 4:
                    self._ahead = self._poller.submit(self._poll)
                self._make_durable(batch)
        except Fenced:
            metric("journey_fenced_total", group=self.group).inc()
            log.warning("fenced", group=self.group)
            self._reload()
        except (Busy, PyMongoError) as error:
            self._limit = max(SMALLEST, self._limit // 2)
            metric("journey_batch_failures_total", group=self.group).inc()
            log.warning(
                "batch-failed", group=self.group, error=str(error.__cause__ or error)[:200], limit=self._limit
            )
            self._drop_session()
            self._stop.wait(0.2)
            self._reload()

    def _note_unreadable(self, error: Exception) -> None:
        """Raise Halt when the same bytes of the log could not be read again and again; connections may fail on."""
        if isinstance(error, KafkaError | OSError) and not isinstance(error, CorruptRecordError):
            return
        now, text = time.monotonic(), f"{type(error).__name__}: {error}"
        self._unreadable = [one for one in self._unreadable if now - one[0] < UNREADABLE_SECONDS] + [
            (now, text)
        ]
        if sum(said == text for _, said in self._unreadable) == UNREADABLE_TIMES:
            raise Halt(
                f"{self.group} cannot read what Kafka holds. {text[:300]}",
                "A batch is damaged: restore the partition from a replica or a backup and start again. Nothing was "
                "skipped, and the events are in their emitter's archive.",
            )

    def _polled(self) -> dict[TopicPartition, list[Any]]:
        """What has come, perhaps while the last batch was being made durable. Raises what poll raised."""
        ahead, self._ahead = self._ahead, None
        return self._poll() if ahead is None else ahead.result()

    def _poll(self) -> dict[TopicPartition, list[Any]]:
        """What has come. While events flow, waits for more, as long as the last transaction took.

        On an idle machine that is a few milliseconds; on a busy one it is what keeps it from being kept busy.
        """
        consumer = self._connected()
        remember_join(consumer)
        polled: dict[TopicPartition, list[Any]] = consumer.poll(
            timeout_ms=self._fetch_wait_ms, max_records=self._limit
        )
        count = sum(len(records) for records in polled.values())
        if 0 < count < self._limit // 4 and time.monotonic() - self._flowed_at < FLOWING_SECONDS:
            self._stop.wait(min(self._cost_seconds, MOST_LINGER_SECONDS))
            remember_join(consumer)
            for at, records in consumer.poll(timeout_ms=0, max_records=self._limit - count).items():
                polled.setdefault(at, []).extend(records)
        return polled

    def _make_durable(self, batch: Mapping[TopicPartition, list[Any]]) -> None:
        moves = {at: (self._next[at], records[-1].offset + 1) for at, records in batch.items()}
        arrived = [
            Arrived(record.topic, record.partition, record.offset, record.headers, record.value or b"")
            for records in batch.values()
            for record in records
        ]

        def work(session: ClientSession) -> Tally:
            self._compare_and_set(session, moves)
            return self._absorb(session, arrived)

        began = time.monotonic()
        tally = transact(self._client, work, seconds=TRANSACTION_SECONDS, session=self._own_session())
        self._flowed_at = time.monotonic()
        self._cost_seconds = self._flowed_at - began
        for at, (_, following) in moves.items():
            self._next[at] = following
        self._limit = min(LARGEST, self._limit + max(1, self._limit // 8))
        self._count(tally)

    def _compare_and_set(
        self, session: ClientSession, moves: Mapping[TopicPartition, tuple[int, int]]
    ) -> None:
        operations = [
            UpdateOne({"_id": offset_id(self.group, at), "next": expected}, {"$set": {"next": following}})
            for at, (expected, following) in moves.items()
        ]
        result = self._database["offsets"].bulk_write(operations, ordered=False, session=session)
        if result.matched_count != len(operations):
            raise Fenced

    def _count(self, tally: Tally) -> None:
        metric("journey_batches_total", group=self.group).inc()
        metric("journey_batch_limit", group=self.group).set(self._limit)
        metric("journey_events_applied_total", group=self.group).inc(len(tally.events))
        metric("journey_events_duplicate_total", group=self.group).inc(tally.duplicate)
        log_applied(self.group, tally.events)
        for reason, count in tally.parked.items():
            metric("journey_events_parked_total", group=self.group, reason=reason).inc(count)
            if reason != "waiting":
                log.error("parked", group=self.group, reason=reason, count=count)

    # --- where to read from --------------------------------------------------------------------------

    def _claimed(self, polled: Mapping[TopicPartition, list[Any]]) -> dict[TopicPartition, list[Any]]:
        """The records of partitions whose stored offset is loaded; the first poll of a new one only loads it."""
        revoked, self._assignment.revoked = self._assignment.revoked, set()
        for at in revoked:
            self._next.pop(at, None)
        assigned = self._connected().assignment()
        fresh = [at for at in assigned if at not in self._next]
        if fresh:
            self._load(fresh)
        claimed = {
            at: records for at, records in polled.items() if at in assigned and at not in fresh and records
        }
        for topic in {
            at.topic for at in claimed if self._is_another(at.topic, self._topic_ids.get(at.topic))
        }:
            raise self._halt_over(topic, f"{topic}, which {self.group} reads, was made anew.")
        strayed = [at for at, records in claimed.items() if records[0].offset != self._next[at]]
        if strayed:
            for at in self._sent_back({at: claimed[at][0].offset for at in strayed}):
                del claimed[at], self._next[at]
        return claimed

    def _sent_back(self, came: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """The partitions that gave what was read before: to be loaded anew. Compaction may take what lies between.

        kafka-python begins anew, without a word, when the log no longer holds what is asked for, and then this raises
        Halt; and when a rebalance ends just after its partitions were loaded, and then nothing is lost.
        """
        consumer = self._connected()
        earliest, latest = consumer.beginning_offsets(list(came)), consumer.end_offsets(list(came))
        for at, offset in came.items():
            if not earliest[at] <= self._next[at] <= latest[at]:
                raise self._halt_over(
                    at.topic,
                    f"{at.topic}[{at.partition}] has {earliest[at]} to {latest[at]} and gave {offset}; {self.group} is "
                    f"at {self._next[at]}.",
                )
        return [at for at, offset in came.items() if offset < self._next[at]]

    def _load(self, fresh: list[TopicPartition]) -> None:
        """Take over these partitions: end the predecessor's open transaction, then read on from what is stored."""
        consumer = self._connected()
        offsets = self._database["offsets"]
        earliest = consumer.beginning_offsets(fresh)
        ids = {offset_id(self.group, at): at for at in fresh}
        mine = self._own_session().session_id["id"]
        stored = {row["_id"]: row for row in offsets.find({"_id": {"$in": list(ids)}})}
        holders = {
            bytes(row["holder"]): row["holder"]
            for row in stored.values()
            if row.get("holder") not in (None, mine)
        }
        if holders:
            self._client.admin.command("killSessions", [{"id": holder} for holder in holders.values()])
        operations = [
            UpdateOne(
                {"_id": one}, {"$setOnInsert": {"next": earliest[at]}, "$set": {"holder": mine}}, upsert=True
            )
            for one, at in ids.items()
        ]
        offsets.bulk_write(operations, ordered=False)
        self._keep_topics(ids)
        rows = list(offsets.find({"_id": {"$in": list(ids)}}))
        # Asked for after the offsets: a predecessor that is not fenced yet may still have moved them on.
        latest = consumer.end_offsets(fresh)
        for row in rows:
            at = ids[row["_id"]]
            if not earliest[at] <= row["next"] <= latest[at]:
                raise self._halt_over(
                    at.topic,
                    f"{at.topic}[{at.partition}] has {earliest[at]} to {latest[at]}; {self.group} is at {row['next']}.",
                )
            if self._is_another(at.topic, row.get("topic")):
                raise self._halt_over(
                    at.topic, f"{at.topic} is not the topic that {self.group} has read: it was made anew."
                )
            self._next[at] = row["next"]
            consumer.seek(at, row["next"])

    def _keep_topics(self, ids: Mapping[str, TopicPartition]) -> None:
        """Note which topic of that name was read, where none is noted yet: a name alone may come to mean another."""
        named = {at.topic: identity_of(self._connected(), at.topic) for at in ids.values()}
        self._topic_ids |= {topic: known for topic, known in named.items() if known}
        operations = [
            UpdateOne(
                {"_id": one, "topic": {"$exists": False}}, {"$set": {"topic": self._topic_ids[at.topic]}}
            )
            for one, at in ids.items()
            if at.topic in self._topic_ids
        ]
        if operations:
            self._database["offsets"].bulk_write(operations, ordered=False)

    def _is_another(self, topic: str, known: str | None) -> bool:
        """Whether the topic of this name is not the one that was known."""
        now = identity_of(self._connected(), topic)
        return known is not None and now is not None and now != known

    def _halt_over(self, topic: str, cause: str) -> Halt:
        return halt_over(self._connected(), self._database["offsets"], self.group, topic, cause)

    def _reload(self) -> None:
        """Read on from what is stored, whatever was read ahead."""
        self._next.clear()
        self._drop_ahead()

    def _drop_ahead(self) -> None:
        """Wait for the poll that is under way, so that one thread at a time speaks to Kafka; forget what it brought."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            wait([ahead])

    # --- connections ---------------------------------------------------------------------------------

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **self._kafka_options,
                group_id=self.group,
                client_id=self.group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=[RangePartitionAssignor],
                session_timeout_ms=6000,
                heartbeat_interval_ms=1500,
                max_poll_interval_ms=120000,
                max_partition_fetch_bytes=1 << 20,
                fetch_max_wait_ms=self._fetch_wait_ms,
            )
            self._assignment = _Assignment()
            if self._pattern:
                self._consumer.subscribe(pattern=self._pattern, listener=self._assignment)
            else:
                self._consumer.subscribe(self._topics, listener=self._assignment)
        return self._consumer

    def _own_session(self) -> ClientSession:
        if self._session is None:
            self._session = self._client.start_session()
        return self._session

    def _drop_session(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            _quietly(session.end_session)

    def _close(self) -> None:
        """Leave the group and forget what was assigned; the next turn connects anew."""
        self._reload()
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            _quietly(lambda: consumer.close(timeout_ms=2000))


def _quietly(close: Callable[[], Any]) -> None:
    """Close something that may already be broken; it is thrown away either way."""
    try:
        close()
    except Exception as error:  # noqa: BLE001 - it is thrown away whatever it says
        log.info("close-failed", error=type(error).__name__)
