"""The consumer loop: one transaction per poll, however many partitions the poll spans.

States, rows, outgoing events, parked events and offsets of a poll become durable together. The stored offset is
compared and set. A consumer that finds another value has been replaced: it changes nothing and starts over from the
stored offsets. Under backlog the next batch is read ahead while one is made durable; it counts only if that succeeds.
Kafka's committed offsets are not used, so a rebalance loses nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from threading import Event
from typing import Any

import structlog
from confluent_kafka import KafkaException
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from shared.language.errors import Busy, Halt
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.durable import Durable, Fenced
from shared.runtime.kafka import Logs, Partition
from shared.runtime.member import CutOff, Damaged, Member, Membership
from shared.runtime.pace import Pace
from shared.runtime.positions import Positions
from shared.runtime.read_ahead import ReadAhead
from shared.runtime.stumbles import Stumbles, first_of, halt_at, told_of, will_not_mend
from shared.runtime.topic_identity import IDENTITY_SECONDS, TopicIdentity
from shared.runtime.write_conflicts import Attempt
from shared.telemetry.logs import log_applied
from shared.telemetry.metrics import metric

WAIT_SECONDS = 0.25
LOOK_SECONDS = 1.0

log = structlog.get_logger()

ProcessBatch = Callable[[Attempt, list[Arrived]], Tally]
"""Writes the whole effect of a batch, inside the transaction that also moves the offsets; may be called again."""

SetAside = Callable[[Attempt, Arrived, str], Tally]
"""Answers or parks one record that cannot be handled, inside the transaction that moves the offset past it."""


class Consumer:
    """One member of one group, in one thread.

    group: names the offsets; several groups of one service keep their own. set_aside: sets aside a record that cannot
    be handled; without it, the group halts there. join: creates the member. on_lost: is called with the number of
    records that a partition lost before they were read; without it, the group halts. logs: asks Kafka about the
    topics. identity_seconds: how often to ask whether a topic is still the one that was read; Kafka's client reports
    no change.
    """

    def __init__(
        self,
        *,
        group: str,
        client: MongoClient[dict[str, Any]],
        database: str,
        kafka_options: Mapping[str, Any],
        process_batch: ProcessBatch,
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
        self._process_batch = process_batch
        self._aside = set_aside
        self._stop = stop
        self._pace = Pace()
        self._stumbles = Stumbles(group)
        self._durable = Durable(client, database, group, stop)
        logs, names = logs or Logs(kafka_options), list(topics)
        identity = TopicIdentity(logs, group, identity_seconds)
        offsets = client[database]["offsets"]
        self._positions = Positions(group, offsets, logs, self._durable, identity, on_lost)
        self._membership = Membership(lambda: join(kafka_options, group, names, WAIT_SECONDS))
        self._ahead = ReadAhead(self._poll)

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
        self._ahead.close()
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
            return self._positions.is_passed_over(halt)
        except PyMongoError as error:
            log.warning("offset-unknown", group=self.group, error=type(error).__name__)
            return False

    def _once(self) -> None:
        try:
            polled = self._ahead.next()
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
                if sum(map(len, batch.values())) > self._pace.limit // 4:
                    self._ahead.begin()
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
        self._pace.halve()
        log.warning("batch-failed", group=self.group, limit=self._pace.limit, **told_of(error))
        self._durable.drop_session()
        self._stop.wait(0.2)
        self._reload()

    def _stumble(self, batch: Mapping[Partition, list[Arrived]], error: Exception) -> None:
        """Try again with one record at a time; set the one aside that fails by itself. Raises Halt."""
        self._pace.one_at_a_time()
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
        moves = {at: (self._positions.next[at], record.offset + 1)}
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
        self._durable.commit({at: (self._positions.next[at], record.offset)}, lambda _: Tally())
        return halt_at(self.group, at, record.offset, error)

    def _poll_failed(self, error: Exception, begin_anew: Callable[[], None]) -> None:
        log.warning("poll-failed", group=self.group, error=str(error)[:200])
        begin_anew()
        self._stop.wait(0.5)

    def _poll(self) -> dict[Partition, list[Arrived]]:
        """Return arrived records. While events flow, a small batch waits for more. May run in the read-ahead thread."""
        member = self._membership.joined()
        most = min(self._pace.limit, member.most)
        polled = member.poll(most)
        count = sum(len(records) for records in polled.values())
        linger = self._pace.linger_seconds(count, most)
        if linger:
            self._stop.wait(linger)
            for at, records in member.poll_more(most - count).items():
                polled.setdefault(at, []).extend(records)
        return polled

    def _claimed(self, polled: Mapping[Partition, list[Arrived]]) -> dict[Partition, list[Arrived]]:
        """The records that may be applied now. Raises Halt, KafkaException, PyMongoError."""
        batch = self._positions.claimed(self._membership.joined(), polled)
        if self._positions.read_again(batch):
            self._reload()
            return {}
        return batch

    def _make_durable(self, batch: Mapping[Partition, list[Arrived]]) -> None:
        moves = self._positions.moves(batch)
        arrived = [record for records in batch.values() for record in records if not record.gap]
        began = time.monotonic()
        tally, losses = self._durable.commit(
            moves, lambda attempt: self._process_batch(attempt, arrived) if arrived else Tally()
        )
        self._pace.made_durable(began, losses, may_grow=self._stumbles.may_grow(moves))
        self._positions.move(moves)
        self._stumbles.forget({at: following for at, (_, following) in moves.items()})
        self._count(tally)

    def _count(self, tally: Tally) -> None:
        tally.when_durable()
        metric("journey_batches_total", group=self.group).inc()
        metric("journey_batch_limit", group=self.group).set(self._pace.limit)
        metric("journey_events_applied_total", group=self.group).inc(len(tally.events))
        metric("journey_events_duplicate_total", group=self.group).inc(tally.duplicate)
        log_applied(self.group, tally.events)
        for reason, count in tally.parked.items():
            metric("journey_events_parked_total", group=self.group, reason=reason).inc(count)
            if reason != "waiting":
                log.error("parked", group=self.group, reason=reason, count=count)

    def _reload(self) -> None:
        """Read on from the stored offsets and forget records that were read ahead."""
        self._positions.forget()
        self._ahead.drop()

    def _close(self) -> None:
        """Leave the group and forget the assignment; the next turn connects again."""
        self._reload()
        self._membership.leave()
