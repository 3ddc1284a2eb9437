"""Records that organisations publish on topics of their own, `inbound.<organisation>.<what>.v1`, one answer to each.

A record is the body of a route, read with the same schema. Who asks is the topic, whose ACL only its sender passes,
and never anything the record says. Each record gets one answer: accepted, or rejected with a code and every field's
reason. Offset, effect and answer become durable in one transaction; a bad record never holds up the next. Of a
rejected record only topic, partition and offset are kept, and the identifiers of its sender (`records.Echo`), because
it may hold personal data. Its hash is not kept either: a personal number can be guessed from it. No other value is
repeated in an answer, and none in a log line.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog
from pymongo.errors import PyMongoError

from shared.edge.records import Echo, Said
from shared.language.access import Actor
from shared.language.decision import Work
from shared.language.errors import Busy, Halt, Refused, StateUnreadable
from shared.language.events import Organisation
from shared.language.messages import Message
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import Consumer, ProcessBatch, SetAside
from shared.runtime.fair import FairMember
from shared.runtime.kafka import Partition
from shared.runtime.parts import Parts
from shared.runtime.unit import Apart, Unit
from shared.runtime.write_conflicts import Attempt
from shared.telemetry.metrics import metric
from shared.telemetry.traces import read_trace, resume_trace, start_trace

ONE_AGENCY_COUNTS = 0.75
"""So much of the limits that halt the group may be one agency's failures: none halts the others by what it sends."""
T = TypeVar("T")
Asked_contra = TypeVar("Asked_contra", contravariant=True)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one record. subject: the journey's, or the record's own when there is none. code: why not."""

    organisation: Organisation
    identity: str
    subject: str
    body: Message
    code: str | None = None

    @property
    def status(self) -> str:
        """Accepted or rejected."""
        return "accepted" if self.code is None else "rejected"


Answered = tuple[str, Arrived, Answer]
"""The trace that was continued or begun, the record, its answer."""


class Decide(Protocol[Asked_contra]):
    """What a record leads to: the subject and the body of the answer. Raises Refused. place: of the record."""

    def __call__(  # noqa: D102 - the class says it
        self, work: Work, sender: Actor, command: Asked_contra, echo: Echo, place: Mapping[str, Any], /
    ) -> tuple[str, Message]: ...


class Reject(Protocol):
    """The answer to a record that led to nothing. code: one of `shared.language.errors.CODES`."""

    def __call__(  # noqa: D102 - the class says it
        self,
        place: Mapping[str, Any],
        echo: Echo,
        code: str,
        detail: str,
        errors: Mapping[str, object],
        /,
    ) -> Message: ...


def _nobody(parts: Parts, organisation: Organisation) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Inbound(Generic[T]):
    """One kind of inbound topic, and what a service does with its records.

    topic: matches the whole name; its first group is the organisation. read: what a record says; raises nothing.
    fetch: asks once for what all these commands speak of. answer: keeps an answer in the transaction. heard: told of
    whoever sends, before its records are decided.
    """

    group: str
    topic: re.Pattern[str]
    read: Callable[[Arrived], Said[T]]
    decide: Decide[T]
    reject: Reject
    fetch: Callable[[Unit, Sequence[tuple[Organisation, T]]], None]
    answer: Callable[[Unit, Answer], None]
    heard: Callable[[Parts, Organisation], None] = _nobody

    def sender_of(self, topic: str) -> Organisation:
        """The organisation whose topic this is. Raises Halt: reading any other topic is a fault of the deployment."""
        found = self.topic.fullmatch(topic)
        if found is None:
            raise Halt(
                f"{topic} is no inbound topic.",
                "Let the service read no topic of another name as an agency's.",
            )
        return found[1]

    def receive(self, work: Work, record: Arrived, said: Said[T] | None = None) -> Answer:
        """Do what the record says, or say why not. Raises nothing that the record could be the reason for.

        Runs inside the transaction that moves the topic's offset; a refused record leaves nothing else in it.
        """
        sender = Actor(person="inbound", organisation=self.sender_of(record.topic), duty="caseworker")
        said = said or self.read(record)
        try:
            if isinstance(said.command, Exception):
                raise said.command
            subject, body = self.decide(work, sender, said.command, said.echo, _place(record))
        except StateUnreadable:
            # No fault of the record: it is answered as ours, and the sender may send it again.
            raise
        except Refused as refusal:
            return self.rejected(record, said.echo, refusal.code, refusal.detail, refusal.errors or {})
        return Answer(
            organisation=sender.organisation, identity=_identity(record), subject=subject, body=body
        )

    def rejected(
        self, record: Arrived, echo: Echo, code: str, detail: str, errors: Mapping[str, object]
    ) -> Answer:
        """The answer to a record that led to nothing. code: one of `shared.language.errors.CODES`."""
        return Answer(
            organisation=self.sender_of(record.topic),
            identity=_identity(record),
            subject=f"record/{_identity(record)}",
            body=self.reject(_place(record), echo, code, detail, errors),
            code=code,
        )

    # --- a batch -----------------------------------------------------------------------------------

    def process_batch(self, parts: Parts, breaker: Breaker) -> ProcessBatch:
        """What the inbound consumer does inside its transaction: decide, answer, keep count."""

        def run(attempt: Attempt, records: list[Arrived]) -> Tally:
            for sender in {self.sender_of(record.topic) for record in records}:
                self.heard(parts, sender)
            unit, counting = parts.unit(attempt.session, on_read=attempt.on_read), breaker.attempt()
            answers, said = [], [self.read(record) for record in records]
            pairs = zip(records, said, strict=True)
            self.fetch(
                unit,
                [
                    (self.sender_of(record.topic), one.command)
                    for record, one in pairs
                    if not isinstance(one.command, Exception)
                ],
            )
            for record, what in zip(records, said, strict=True):
                try:
                    answers.append(self._answered(unit, record, what, counting))
                except Apart:
                    # It asks for rows that an earlier record may have changed: those are written first.
                    unit.flush()
                    unit = parts.unit(attempt.session, on_read=attempt.on_read)
                    answers.append(self._answered(unit, record, what, counting))
            unit.flush()
            return _tally(counting, answers)

        return run

    def set_aside(self, parts: Parts, breaker: Breaker) -> SetAside:
        """What the consumer does with a record whose answer could not be made durable: answer that we failed."""

        def run(attempt: Attempt, record: Arrived, error: str) -> Tally:
            unit, counting = parts.unit(attempt.session, on_read=attempt.on_read), breaker.attempt()
            answers = [self._failed(unit, record, error, counting)]
            unit.flush()
            return _tally(counting, answers)

        return run

    def _answered(self, unit: Unit, record: Arrived, said: Said[T], counting: Breaker) -> Answered:
        """The record and its answer: the one place that turns whatever a record holds into one.

        said: what `read` has made of the value. What a record led to is taken into the unit whole, or not at all.
        Faults of the database go up, and all is tried again; our own halt the group once they are many and of several
        agencies. Raises Apart when the record asks for what only the database can tell.
        """
        branch = unit.branch(self.sender_of(record.topic))
        try:
            trace = start_trace(read_trace(dict(record.headers).get("traceparent")))
            answer = self.receive(branch, record, said)
            self.answer(branch, answer)
        except (PyMongoError, Busy, Halt, Apart):
            raise
        except Exception as error:  # noqa: BLE001 - whatever our own fault is, the next record goes on
            return self._failed(unit, record, type(error).__name__, counting)
        unit.join(branch)
        counting.note(False, answer.organisation)
        return trace, record, answer

    def _failed(self, unit: Unit, record: Arrived, error: str, counting: Breaker) -> Answered:
        """The answer to a record that the platform failed on. Raises Halt once they are many, of several agencies."""
        log.error(
            "inbound-failed",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=error,
        )
        counting.note(True, self.sender_of(record.topic))
        trace = start_trace("")
        why = "The platform failed on this record; send it again later."
        answer = self.rejected(record, self._echo_of(record), "internal", why, {})
        self.answer(unit, answer)
        return trace, record, answer

    def _echo_of(self, record: Arrived) -> Echo:
        try:
            return self.read(record).echo
        except Exception as error:  # noqa: BLE001 - it may be what we failed on
            log.info("not-echoed", error=type(error).__name__)
            return Echo()

    def consumer(self, parts: Parts) -> Consumer:
        """The thread that reads the topics. Agencies come and go while it runs."""
        # Prometheus sees no increase in a series that begins with its first loss.
        metric("journey_inbound_records_total", result="lost").inc(0)
        breaker = new_breaker()
        return Consumer(
            group=self.group,
            client=parts.client,
            database=parts.service.database,
            kafka_options=parts.kafka_options,
            process_batch=self.process_batch(parts, breaker),
            set_aside=self.set_aside(parts, breaker),
            stop=parts.stop,
            topics=[f"^{self.topic.pattern}$"],
            join=FairMember,
            on_lost=lost,
        )


def new_breaker() -> Breaker:
    """What halts the group when the fault is ours, and not one agency's."""
    return Breaker(one_counts=ONE_AGENCY_COUNTS)


def _identity(record: Arrived) -> str:
    return f"{record.topic}:{record.partition}:{record.offset}"


def _place(record: Arrived) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _tally(counting: Breaker, answers: Sequence[Answered]) -> Tally:
    def tell() -> None:
        counting.keep()
        for trace, record, answer in answers:
            resume_trace(trace)
            _tell(record, answer)

    return Tally(when_durable=tell)


def _tell(record: Arrived, answer: Answer) -> None:
    metric("journey_inbound_records_total", result=answer.status).inc()
    log.info(
        "inbound",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        status=answer.status,
        code=answer.code,
        subject=answer.subject,
    )


def lost(at: Partition, count: int) -> None:
    """Kafka has removed what was sent before it was read: its topic was full, or it lay there for too long.

    That is one sender's loss, and no reason for all others to wait. It is told, and an alert rests on it.
    """
    metric("journey_inbound_records_total", result="lost").inc(count)
    log.error("inbound-lost", topic=at.topic, partition=at.partition, records=count)
