"""Referrals that agencies publish on topics of their own, `inbound.<organisation>.referrals.v1`.

A record is the body of POST /referrals, read with the same schema. Who refers is the topic, whose ACL only its sender
passes, and never anything the record says. Each record gets one answer on `inbound.<organisation>.replies.v1`: accepted
with the referral's id, or rejected with a code and every field's reason. Offset, referral and answer become durable in
one transaction; a bad record never holds up the next. Of a rejected record nothing is kept but topic, partition and
offset, because it may hold what must not be here: not its hash either, from which a personal number can be guessed. No
answer and no log line repeats a value.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from marshmallow import ValidationError
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from services.intake import handlers
from services.intake.domain.referral import Refer
from services.intake.schemas import ReferSchema
from shared.access import Actor
from shared.errors import Busy, Halt, Invalid, Refused
from shared.events import Organisation
from shared.runtime.change import Work
from shared.runtime.consumer import Absorb, Consumer
from shared.runtime.fold import Arrived, Breaker, Tally
from shared.runtime.health import Runnable
from shared.runtime.parts import Parts
from shared.telemetry import metric, resume_trace, start_trace

GROUP = "intake-inbound"
ACCEPTED = "journey.intake.record-accepted.v1"
"""The reply that says which journey one inbound record led to."""
REJECTED = "journey.intake.record-rejected.v1"
"""The reply that says why one inbound record led to nothing."""

LIMIT_BYTES = 64 * 1024
TOPIC = re.compile(r"inbound\.([a-z0-9][a-z0-9-]{1,62})\.referrals\.v1")
NAMEABLE = re.compile(r"[a-z_]{1,40}")
"""Field names that an answer may repeat; anything else might itself identify somebody."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one record. subject: the journey's, or the record's own when there is none."""

    type: str
    organisation: Organisation
    identity: str
    subject: str
    body: Mapping[str, Any]


def topic_of(organisation: Organisation) -> str:
    """The topic on which the organisation publishes its referrals."""
    return f"inbound.{organisation}.referrals.v1"


def sender_of(topic: str) -> Organisation:
    """The organisation whose topic this is. Raises Halt: reading any other topic is a fault of the deployment."""
    found = TOPIC.fullmatch(topic)
    if found is None:
        raise Halt(
            f"{topic} is no inbound topic.", "Name organisations by their codes in REPLY_ORGANISATIONS."
        )
    return found[1]


def read_referral(value: bytes) -> Refer:
    """The referral that a record's value holds. Raises Refused with every wrong field, and never with a value."""
    if len(value) > LIMIT_BYTES:
        raise Refused("body-too-large", f"At most {LIMIT_BYTES} bytes.")
    try:
        body = json.loads(value.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("unreadable-body", "The value is not valid JSON in UTF-8.") from None
    if not isinstance(body, dict):
        raise Invalid({"body": ["Must be a JSON object."]})
    try:
        referral: Refer = ReferSchema().load(body)
    except ValidationError as error:
        raise Invalid(_nameable(error.messages)) from None
    return referral


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _nameable(messages: Any) -> Mapping[str, object]:
    known = ReferSchema().fields
    errors: dict[str, object] = {}
    for name, reasons in messages.items():
        shown = name if name in known or NAMEABLE.fullmatch(str(name)) else "unknown_field"
        errors["body" if name == "_schema" else shown] = reasons
    return errors


def receive(work: Work, record: Arrived, answered: Collection[Organisation]) -> Answer:
    """Refer what the record says, or say why not. Raises nothing that the record could be the reason for.

    Runs inside the transaction that moves the topic's offset; a refused record leaves nothing else in it.
    """
    sender = Actor(person="inbound", organisation=sender_of(record.topic), duty="caseworker")
    try:
        referral = handlers.refer(work, sender, read_referral(record.value), answered)
    except Refused as refusal:
        return rejected(record, refusal.code, refusal.detail, refusal.errors or {})
    body = {
        "status": "accepted",
        **_place(record),
        "referral_id": referral.journey_id,
        "journey_id": referral.journey_id,
        "reference": referral.reference,
        "stage": referral.passage.stage,
    }
    return _answer(ACCEPTED, record, f"journey/{referral.journey_id}", body)


def rejected(record: Arrived, code: str, detail: str, errors: Mapping[str, object]) -> Answer:
    """The answer to a record that led to nothing. code: one of `shared.errors.CODES`."""
    body = {"status": "rejected", **_place(record), "code": code, "detail": detail, "errors": dict(errors)}
    return _answer(REJECTED, record, f"record/{_identity(record)}", body)


def _answer(kind: str, record: Arrived, subject: str, body: Mapping[str, Any]) -> Answer:
    return Answer(
        type=kind,
        organisation=sender_of(record.topic),
        identity=_identity(record),
        subject=subject,
        body=body,
    )


def _identity(record: Arrived) -> str:
    return f"{record.topic}:{record.partition}:{record.offset}"


def _place(record: Arrived) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def absorb(parts: Parts) -> Absorb:
    """What the inbound consumer does inside its transaction: refer, answer, keep count."""
    breaker = Breaker()
    answered = parts.settings.reply_organisations

    def run(session: ClientSession, records: list[Arrived]) -> Tally:
        unit, counting = parts.unit(session), breaker.attempt()
        answers: list[tuple[str, Arrived, Answer]] = []
        for record in records:
            trace = start_trace(dict(record.headers).get("traceparent", b"").decode("ascii", "replace"))
            answer = _answered(lambda one: receive(unit, one, answered), record, counting)
            unit.answer(answer.organisation, answer.identity, answer.subject, answer.type, answer.body)
            answers.append((trace, record, answer))
        unit.flush()

        def tell() -> None:
            counting.keep()
            for trace, record, answer in answers:
                resume_trace(trace)
                _tell(record, answer)

        return Tally(when_durable=tell)

    return run


def _tell(record: Arrived, answer: Answer) -> None:
    metric("journey_inbound_records_total", result=answer.body["status"]).inc()
    log.info(
        "inbound",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        status=answer.body["status"],
        code=answer.body.get("code"),
        subject=answer.subject,
    )


def _answered(decide: Callable[[Arrived], Answer], record: Arrived, breaker: Breaker) -> Answer:
    """The record's answer. Faults of the database go up, and all is tried again; our own halt once they are many."""
    try:
        answer = decide(record)
    except (PyMongoError, Busy, Halt):
        raise
    except Exception as error:  # noqa: BLE001 - whatever our own fault is, the next record goes on
        log.error("inbound-failed", topic=record.topic, offset=record.offset, error=type(error).__name__)
        breaker.note(True)
        return rejected(record, "internal", "The platform failed on this record; send it again later.", {})
    breaker.note(False)
    return answer


def readers(parts: Parts) -> list[tuple[str, Runnable]]:
    """The thread that reads the agencies' topics, where any agency has one."""
    organisations = sorted(parts.settings.reply_organisations)
    if not organisations:
        return []
    consumer = Consumer(
        group=GROUP,
        client=parts.client,
        database=parts.service.database,
        kafka_options=parts.kafka_options,
        absorb=absorb(parts),
        stop=parts.stop,
        topics=[topic_of(one) for one in organisations],
    )
    return [("inbound", consumer)]
