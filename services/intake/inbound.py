"""Referrals that agencies publish on topics of their own, `inbound.<organisation>.referrals.v1`.

A record is the body of POST /referrals, read with the same schema. Who refers is the topic, whose ACL only its sender
passes, and never anything the record says. Each record gets one answer on `inbound.<organisation>.replies.v1`:
accepted with the referral's id, or rejected with a code and every field's reason. Offset, referral and answer become
durable in one transaction; a bad record never holds up the next. Of a rejected record only topic, partition and
offset are kept, and the identifiers of its sender (`records.Echo`), because it may hold personal data. Its hash is
not kept either: a personal number can be guessed from it. No other value is repeated in an answer, and none in a log
line. The answer to a record comes before all that is told of what it led to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from services.intake import handlers
from services.intake.domain.participant import HANDLES, handle_of
from services.intake.domain.participation import PARTICIPATIONS, participation_key
from services.intake.domain.referral import REFERENCES, Refer, reference_key
from services.intake.on_kafka import EVERY_TOPIC, TOPIC, Looking
from services.intake.records import Echo, Said, read
from shared.language.access import Actor
from shared.language.decision import Work, subject_of
from shared.language.errors import Busy, Halt, Refused, StateUnreadable
from shared.language.events import Organisation
from shared.language.replies import RecordAccepted, RecordRejected
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import Consumer, ProcessBatch, SetAside
from shared.runtime.fair import FairMember
from shared.runtime.kafka import Partition
from shared.runtime.parts import Parts, Runnable
from shared.runtime.unit import Apart, Unit
from shared.runtime.write_conflicts import Attempt
from shared.telemetry.metrics import metric
from shared.telemetry.traces import read_trace, resume_trace, start_trace

GROUP = "intake-inbound"
ONE_AGENCY_COUNTS = 0.75
"""So much of the limits that halt the group may be one agency's failures: none halts the others by what it sends."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one record. subject: the journey's, or the record's own when there is none."""

    organisation: Organisation
    identity: str
    subject: str
    body: RecordAccepted | RecordRejected


Answered = tuple[str, Arrived, Answer]
"""The trace that was continued or begun, the record, its answer."""


def sender_of(topic: str) -> Organisation:
    """The organisation whose topic this is. Raises Halt: reading any other topic is a fault of the deployment."""
    found = TOPIC.fullmatch(topic)
    if found is None:
        raise Halt(
            f"{topic} is no inbound topic.", "Let intake read no topic of another name as an agency's."
        )
    return found[1]


def receive(work: Work, record: Arrived, said: Said | None = None) -> Answer:
    """Refer what the record says, or say why not. Raises nothing that the record could be the reason for.

    Runs inside the transaction that moves the topic's offset; a refused record leaves nothing else in it.
    """
    sender = Actor(person="inbound", organisation=sender_of(record.topic), duty="caseworker")
    said = said or read(record)
    try:
        if isinstance(said.command, Exception):
            raise said.command
        referral = handlers.refer(work, sender, said.command)
    except StateUnreadable:
        # No fault of the record: it is answered as ours, and the sender may send it again.
        raise
    except Refused as refusal:
        return rejected(record, said.echo, refusal.code, refusal.detail, refusal.errors or {})
    body = RecordAccepted(
        status="accepted",
        **_place(record),
        reference=referral.reference,
        key=said.echo.key,
        headers=dict(said.echo.headers),
        referral_id=referral.journey_id,
        journey_id=referral.journey_id,
        stage=referral.passage.stage,
    )
    return _answer(record, f"journey/{referral.journey_id}", body)


def rejected(record: Arrived, echo: Echo, code: str, detail: str, errors: Mapping[str, object]) -> Answer:
    """The answer to a record that led to nothing. code: one of `shared.language.errors.CODES`."""
    body = RecordRejected(
        status="rejected",
        **_place(record),
        reference=echo.reference,
        key=echo.key,
        headers=dict(echo.headers),
        code=code,
        detail=detail,
        errors=dict(errors),
    )
    return _answer(record, f"record/{_identity(record)}", body)


def _answer(record: Arrived, subject: str, body: RecordAccepted | RecordRejected) -> Answer:
    return Answer(
        organisation=sender_of(record.topic), identity=_identity(record), subject=subject, body=body
    )


def _identity(record: Arrived) -> str:
    return f"{record.topic}:{record.partition}:{record.offset}"


def _place(record: Arrived) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def process_batch(parts: Parts, breaker: Breaker) -> ProcessBatch:
    """What the inbound consumer does inside its transaction: refer, answer, keep count."""

    def run(attempt: Attempt, records: list[Arrived]) -> Tally:
        # Whoever sends on a topic of its own is answered on one, however new both are.
        for sender in {sender_of(record.topic) for record in records}:
            parts.channels.note(sender)
        unit, counting = parts.unit(attempt.session, on_read=attempt.on_read), breaker.attempt()
        answers, said = [], [read(record) for record in records]
        _fetch(unit, records, said)
        for record, what in zip(records, said, strict=True):
            try:
                answers.append(_answered(unit, record, what, counting))
            except Apart:
                # It asks for rows that an earlier record may have changed: those are written first.
                unit.flush()
                unit = parts.unit(attempt.session, on_read=attempt.on_read)
                answers.append(_answered(unit, record, what, counting))
        unit.flush()
        return _tally(counting, answers)

    return run


def _fetch(unit: Unit, records: Sequence[Arrived], said: Sequence[Said]) -> None:
    """Ask once for what all these referrals speak of, not once each."""
    pairs = zip(records, said, strict=True)
    referrals = [(record, one.command) for record, one in pairs if isinstance(one.command, Refer)]
    unit.fetch(HANDLES, {one.participant_id for _, one in referrals})
    keys = {reference_key(sender_of(record.topic), one.reference) for record, one in referrals}
    unit.fetch(REFERENCES, keys)
    rows = [(unit.row(HANDLES, one.participant_id), one) for _, one in referrals]
    held = [(handle_of(row), one) for row, one in rows if row is not None]
    unit.load(
        {
            *(subject_of("participant", handle.home) for handle, _ in held),
            *(subject_of("handle", handle.handle) for handle, _ in held if handle.brought),
        }
    )
    unit.fetch(PARTICIPATIONS, {participation_key(handle.person, one.programme) for handle, one in held})


def set_aside(parts: Parts, breaker: Breaker) -> SetAside:
    """What the inbound consumer does with a record whose answer could not be made durable: answer that we failed."""

    def run(attempt: Attempt, record: Arrived, error: str) -> Tally:
        unit, counting = parts.unit(attempt.session, on_read=attempt.on_read), breaker.attempt()
        answers = [_failed(unit, record, error, counting)]
        unit.flush()
        return _tally(counting, answers)

    return run


def _tally(counting: Breaker, answers: Sequence[Answered]) -> Tally:
    def tell() -> None:
        counting.keep()
        for trace, record, answer in answers:
            resume_trace(trace)
            _tell(record, answer)

    return Tally(when_durable=tell)


def _tell(record: Arrived, answer: Answer) -> None:
    metric("journey_inbound_records_total", result=answer.body.status).inc()
    log.info(
        "inbound",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        status=answer.body.status,
        code=answer.body.code if isinstance(answer.body, RecordRejected) else None,
        subject=answer.subject,
    )


def _answered(unit: Unit, record: Arrived, said: Said, counting: Breaker) -> Answered:
    """The record and its answer: the one place that turns whatever a record holds into one.

    said: what `read` has made of the value. What a record led to is taken into the unit whole, or not at all. Faults of
    the database go up, and all is tried again; our own halt the group once they are many and of several agencies.
    Raises Apart when the record asks for what only the database can tell.
    """
    branch = unit.branch(sender_of(record.topic))
    try:
        trace = start_trace(read_trace(dict(record.headers).get("traceparent")))
        answer = receive(branch, record, said)
        _reply(branch, answer)
    except (PyMongoError, Busy, Halt, Apart):
        raise
    except Exception as error:  # noqa: BLE001 - whatever our own fault is, the next record goes on
        return _failed(unit, record, type(error).__name__, counting)
    unit.join(branch)
    counting.note(False, answer.organisation)
    return trace, record, answer


def _failed(unit: Unit, record: Arrived, error: str, counting: Breaker) -> Answered:
    """The answer to a record that the platform failed on. Raises Halt once they are many and of several agencies."""
    log.error(
        "inbound-failed", topic=record.topic, partition=record.partition, offset=record.offset, error=error
    )
    counting.note(True, sender_of(record.topic))
    trace = start_trace("")
    why = "The platform failed on this record; send it again later."
    answer = rejected(record, _echo_of(record), "internal", why, {})
    _reply(unit, answer)
    return trace, record, answer


def _echo_of(record: Arrived) -> Echo:
    try:
        return read(record).echo
    except Exception as error:  # noqa: BLE001 - it may be what we failed on
        log.info("not-echoed", error=type(error).__name__)
        return Echo()


def _reply(unit: Unit, answer: Answer) -> None:
    unit.answer(answer.organisation, answer.identity, answer.subject, answer.body)


def _lost(at: Partition, count: int) -> None:
    """Kafka has removed what an agency sent before it was read: its topic was full, or it lay there for too long.

    That is one agency's loss, and no reason for all others to wait. It is told, and an alert rests on it.
    """
    metric("journey_inbound_records_total", result="lost").inc(count)
    log.error("inbound-lost", topic=at.topic, partition=at.partition, records=count)


def new_breaker() -> Breaker:
    """What halts the group when the fault is ours, and not one agency's."""
    return Breaker(one_counts=ONE_AGENCY_COUNTS)


def readers(parts: Parts) -> list[tuple[str, Runnable]]:
    """The threads that find the agencies' topics and read them. Agencies come and go while they run."""
    # Prometheus sees no increase in a series that begins with its first loss.
    metric("journey_inbound_records_total", result="lost").inc(0)
    breaker = new_breaker()
    consumer = Consumer(
        group=GROUP,
        client=parts.client,
        database=parts.service.database,
        kafka_options=parts.kafka_options,
        process_batch=process_batch(parts, breaker),
        set_aside=set_aside(parts, breaker),
        stop=parts.stop,
        topics=[EVERY_TOPIC],
        join=FairMember,
        on_lost=_lost,
    )
    return [("channels", Looking(parts, parts.channels)), ("inbound", consumer)]
