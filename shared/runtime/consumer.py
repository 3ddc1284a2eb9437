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
from confluent_kafka import KafkaException
from pymongo import MongoClient, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language.errors import Busy, Halt
from shared.runtime.durable import Durable, Fenced
from shared.runtime.fold import Arrived, Tally
from shared.runtime.kafka import Identities, Logs, Partition
from shared.runtime.member import CutOff, Damaged, Member
from shared.runtime.other_log import halt_over, offset_id, stands_at
from shared.runtime.stumbles import Stumbles, first_of, halt_at, told_of, will_not_mend
from shared.telemetry.logs import log_applied
from shared.telemetry.metrics import metric

SMALLEST, LARGEST = 1, 3000
"""Events in a batch. It bounds the memory of a member that is behind: with 5,000 the projector reached 200 MB."""
MOST_LOSSES = 5
"""A batch that was overtaken so often before it won was too long: the next is no longer."""
FLOWING_SECONDS = 0.1
LINGER, MOST_LINGER_SECONDS = 1 / 3, 0.05
WAIT_SECONDS = 0.25
LOOK_SECONDS = 1.0
IDENTITY_SECONDS = 10.0

log = structlog.get_logger()

Absorb = Callable[[ClientSession, list[Arrived]], Tally]
"""Writes everything a batch comes to, inside the transaction that also moves the offsets; may be called again."""

SetAside = Callable[[ClientSession, Arrived, str], Tally]
"""Answers or parks one record that cannot be handled, inside the transaction that moves the offset past it."""


class Consumer:
    """One member of one group, in one thread.

    group: names the offsets; several groups of one service keep their own. set_aside: without one, the group halts at
    a record that cannot be handled. join: becomes a member. on_lost: is told how many records a partition has lost
    unread; without one, the group halts over them. logs: asks Kafka about the topics. identity_seconds: how often it
    asks whether a topic is still the one that was read; Kafka's client would go on without a word.
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
        topics: Iterable[str],
        set_aside: SetAside | None = None,
        join: Callable[[Mapping[str, Any], str, Iterable[str], float], Member] = Member,
        on_lost: Callable[[Partition, int], None] | None = None,
        logs: Logs | None = None,
        identity_seconds: float = IDENTITY_SECONDS,
    ) -> None:
        self.group = group
        self.halted: Halt | None = None
        self.progressed_at = time.monotonic()
        self._client = client
        self._database = client[database]
        self._kafka_options = kafka_options
        self._absorb = absorb
        self._aside = set_aside
        self._join = join
        self._on_lost = on_lost
        self._stop = stop
        self._topics = list(topics)
        self._logs, self._identity_seconds = logs or Logs(kafka_options), identity_seconds
        self._limit = LARGEST
        self._flowed_at = 0.0
        self._cost_seconds = 0.0
        self._next: dict[Partition, int] = {}
        self._stumbles = Stumbles(group)
        self._topic_ids: dict[str, str] = {}
        self._identified_at = 0.0
        self._question: Identities | None = None
        self._member: Member | None = None
        self._durable = Durable(client, database, group, stop)
        self._poller = ThreadPoolExecutor(1, thread_name_prefix="poll")
        self._ahead: Future[dict[Partition, list[Arrived]]] | None = None

    def run(self) -> None:
        """Consume until told to stop; after a Halt, stand still and say so. Raises nothing that a record leads to."""
        metric("journey_halted", group=self.group).set(0)
        while not self._stop.is_set():
            try:
                self._once()
            except Halt as halt:
                self._stand_still(halt)
            except Exception as error:  # noqa: BLE001 - one group's fault must not end what runs beside it
                log.error("turn-failed", group=self.group, **told_of(error))
                metric("journey_thread_restarts_total", thread=self.group).inc()
                self._stumbles.note(None, 0)
                self._close()
                self._stop.wait(self._stumbles.pause_seconds())
        self._close()
        self._poller.shutdown()
        metric("journey_halted", group=self.group).unknown()
        metric("journey_batch_limit", group=self.group).unknown()

    def _stand_still(self, halt: Halt) -> None:
        """Say why, until told to stop; or until an operator has passed over the record at which the group stands."""
        self.halted = halt
        metric("journey_halted", group=self.group).set(1)
        log.error("halted", group=self.group, cause=halt.cause, cure=halt.cure)
        self._close()
        while not self._stop.wait(LOOK_SECONDS):
            self.progressed_at = time.monotonic()
            if self._is_passed_over(halt):
                self.halted = None
                self._stumbles.forget()
                metric("journey_halted", group=self.group).set(0)
                log.warning("goes-on", group=self.group)
                return

    def _is_passed_over(self, halt: Halt) -> bool:
        try:
            return halt.standing is not None and not stands_at(self._database["offsets"], halt.standing)
        except PyMongoError as error:
            log.warning("offset-unknown", group=self.group, error=type(error).__name__)
            return False

    def _once(self) -> None:
        try:
            polled = self._polled()
        except KafkaException as error:
            self._poll_failed(error, self._close)
            return
        except CutOff as error:
            self._poll_failed(error, self._reload)
            return
        except Damaged as error:
            self._poll_failed(error, self._reload)
            self._stumbles.note_damaged(str(error))
            return
        self.progressed_at = time.monotonic()
        batch: dict[Partition, list[Arrived]] = {}
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
        except KafkaException as error:
            log.warning("kafka-not-asked", group=self.group, error=error.args[0].name())
            self._reload()
            self._stop.wait(0.5)
        except Halt:
            raise
        except Exception as error:  # whatever it is, the group gets past it or halts alone
            metric("journey_batch_failures_total", group=self.group).inc()
            if batch and will_not_mend(error):
                self._stumble(batch, error)
            elif isinstance(error, (Busy, PyMongoError)):
                self._try_again(error)
            else:
                raise

    def _try_again(self, error: Exception) -> None:
        self._limit = max(SMALLEST, self._limit // 2)
        log.warning("batch-failed", group=self.group, limit=self._limit, **told_of(error))
        self._durable.drop_session()
        self._stop.wait(0.2)
        self._reload()

    def _stumble(self, batch: Mapping[Partition, list[Arrived]], error: Exception) -> None:
        """Try again with one record at a time; set the one aside that fails by itself. Raises Halt."""
        self._limit = SMALLEST
        at, offset = first_of([(at, one.offset) for at, records in batch.items() for one in records])
        count = sum(map(len, batch.values()))
        log.error("batch-stumbled", group=self.group, records=count, offset=offset, **told_of(error))
        self._durable.drop_session()
        self._stumbles.suspect({one: records[-1].offset for one, records in batch.items()})
        if self._stumbles.note(at, offset) and at is not None:
            self._set_aside(at, batch[at][0], error)
        else:
            self._stop.wait(self._stumbles.pause_seconds())
        self._reload()

    def _set_aside(self, at: Partition, record: Arrived, error: BaseException) -> None:
        """Answer or park the record, and move past it, in one transaction. Raises Halt when that cannot be done."""
        if (aside := self._aside) is None:
            raise self._halt_at(at, record, error)
        moves = {at: (self._next[at], record.offset + 1)}
        try:
            tally, _ = self._durable.commit(
                moves, lambda session: aside(session, record, told_of(error)["error"])
            )
        except Halt:
            raise
        except Fenced:
            return
        except Exception as further:
            if will_not_mend(further):
                raise self._halt_at(at, record, further) from further
            log.warning("not-set-aside", group=self.group, error=type(further).__name__)
            return
        self._stumbles.forget({at: record.offset + 1})
        self._count(tally)

    def _halt_at(self, at: Partition, record: Arrived, error: BaseException) -> Halt:
        """A halt over this record. The group then stands at it, whatever a compaction has removed before it."""
        self._durable.commit({at: (self._next[at], record.offset)}, lambda _: Tally())
        return halt_at(self.group, at, record.offset, error)

    def _poll_failed(self, error: Exception, begin_anew: Callable[[], None]) -> None:
        log.warning("poll-failed", group=self.group, error=str(error)[:200])
        begin_anew()
        self._stop.wait(0.5)

    def _polled(self) -> dict[Partition, list[Arrived]]:
        """What has come, perhaps while the last batch was being made durable. Raises what poll raised."""
        ahead, self._ahead = self._ahead, None
        return self._poll() if ahead is None else ahead.result()

    def _poll(self) -> dict[Partition, list[Arrived]]:
        """What has come. While events flow, waits for more, a third as long as the last transaction took.

        On an idle machine that is a few milliseconds; on a busy one it is what keeps it from being kept busy.
        """
        member = self._joined()
        most = min(self._limit, member.most)
        polled = member.poll(most)
        count = sum(len(records) for records in polled.values())
        if 0 < count < most // 4 and time.monotonic() - self._flowed_at < FLOWING_SECONDS:
            self._stop.wait(min(self._cost_seconds * LINGER, MOST_LINGER_SECONDS))
            for at, records in member.poll_more(most - count).items():
                polled.setdefault(at, []).extend(records)
        return polled

    def _make_durable(self, batch: Mapping[Partition, list[Arrived]]) -> None:
        moves = {at: (self._next[at], records[-1].offset + 1) for at, records in batch.items()}
        arrived = [record for records in batch.values() for record in records if not record.gap]
        began = time.monotonic()
        tally, losses = self._durable.commit(
            moves, lambda session: self._absorb(session, arrived) if arrived else Tally()
        )
        self._flowed_at = time.monotonic()
        self._cost_seconds = self._flowed_at - began
        for at, (_, following) in moves.items():
            self._next[at] = following
        if losses < MOST_LOSSES and self._stumbles.may_grow(moves):
            self._limit = min(LARGEST, self._limit + max(1, self._limit // 8))
        self._stumbles.forget({at: self._next[at] for at in moves})
        self._count(tally)

    def _count(self, tally: Tally) -> None:
        tally.when_durable()
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

    def _claimed(self, polled: Mapping[Partition, list[Arrived]]) -> dict[Partition, list[Arrived]]:
        """The records of partitions whose stored offset is loaded; where any is not, all are loaded and none is given.

        Raises Halt, KafkaException, PyMongoError.
        """
        member = self._joined()
        for at in member.revoked():
            self._next.pop(at, None)
        if member.granted - self._next.keys():
            self._load(member.granted)
            return {}
        self._identify()
        claimed = {at: records for at, records in polled.items() if at in member.granted}
        if any(records[0].offset < self._next[at] for at, records in claimed.items()):
            self._reload()
            return {}
        return claimed

    def _load(self, granted: Iterable[Partition]) -> None:
        """Take over these partitions: end the predecessor's open transaction, then read on from what is stored."""
        offsets = self._database["offsets"]
        ids = {offset_id(self.group, at): at for at in granted}
        earliest = self._logs.beginnings(ids.values())
        self._durable.take_over({one: earliest[at] for one, at in ids.items()})
        self._keep_topics(ids)
        if self._on_lost is not None:
            self._pass_lost(ids, earliest)
        rows = list(offsets.find({"_id": {"$in": list(ids)}}))
        # Asked for after the offsets: a predecessor that is not fenced yet may still have moved them on.
        latest = self._logs.ends(ids.values())
        for row in rows:
            at = ids[row["_id"]]
            if not earliest[at] <= row["next"] <= latest[at]:
                raise self._halt_over(
                    at.topic,
                    f"{at.topic}[{at.partition}] has {earliest[at]} to {latest[at]}; {self.group} is at {row['next']}.",
                )
            if row.get("topic") not in (None, self._topic_ids.get(at.topic)):
                raise self._halt_over(
                    at.topic, f"{at.topic} is not the topic that {self.group} has read: it was made anew."
                )
        self._next = {ids[row["_id"]]: row["next"] for row in rows}
        self._joined().begin(self._next)

    def _pass_lost(self, ids: Mapping[str, Partition], earliest: Mapping[Partition, int]) -> None:
        """Read on from where a partition begins now, where it no longer holds what comes next; and say so."""
        for one, at in ids.items():
            lost = self._durable.pass_lost(one, earliest[at], self._topic_ids.get(at.topic))
            if lost and self._on_lost is not None:
                self._on_lost(at, lost)

    def _keep_topics(self, ids: Mapping[str, Partition]) -> None:
        """Note which topic of that name was read, where none is noted yet: a name alone may come to mean another."""
        self._question = None
        self._topic_ids = self._logs.identities({at.topic for at in ids.values()})
        self._identified_at = time.monotonic()
        operations = [
            UpdateOne(
                {"_id": one, "topic": {"$exists": False}}, {"$set": {"topic": self._topic_ids[at.topic]}}
            )
            for one, at in ids.items()
            if at.topic in self._topic_ids
        ]
        if operations:
            self._database["offsets"].bulk_write(operations, ordered=False)

    def _identify(self) -> None:
        """Raise Halt when a topic is no longer the one that is read; one that is gone may come back.

        Asks now and then, and never waits for the answer: with Kafka out of reach it would take ten seconds.
        """
        if self._question is None:
            if time.monotonic() - self._identified_at >= self._identity_seconds:
                self._identified_at = time.monotonic()
                self._question = self._logs.ask_identities(self._topic_ids)
            return
        try:
            now = self._question.answer()
        except KafkaException as error:
            self._question = None
            log.warning("kafka-not-asked", group=self.group, error=error.args[0].name())
            return
        if now is None:
            return
        self._question = None
        for topic, known in self._topic_ids.items():
            if now.get(topic, known) != known:
                raise self._halt_over(topic, f"{topic}, which {self.group} reads, was made anew.")

    def _halt_over(self, topic: str, cause: str) -> Halt:
        held = [at for at in self._joined().granted if at.topic == topic]
        return halt_over(self._logs, self._database["offsets"], self.group, topic, held, cause)

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

    def _joined(self) -> Member:
        if self._member is None:
            self._member = self._join(self._kafka_options, self.group, self._topics, WAIT_SECONDS)
        return self._member

    def _close(self) -> None:
        """Leave the group and forget what was assigned; the next turn connects anew."""
        self._reload()
        if self._member is not None:
            member, self._member = self._member, None
            member.close()
