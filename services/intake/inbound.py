"""Referrals that agencies publish on topics of their own, `inbound.<organisation>.referrals.v1`.

A record is the body of POST /referrals. Each gets one answer on `inbound.<organisation>.replies.v1`, before all that
is told of what the record led to. How records are read, answered and kept stands in `shared.edge.inbound`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.intake import handlers
from services.intake.domain.participant import HANDLES, handle_of
from services.intake.domain.participation import PARTICIPATIONS, participation_key
from services.intake.domain.referral import REFERENCES, Refer, reference_key
from services.intake.on_kafka import TOPIC, Looking
from services.intake.records import read
from shared.edge.inbound import Answer, Inbound
from shared.edge.records import Echo
from shared.language.access import Actor
from shared.language.decision import Work, subject_of
from shared.language.events import Organisation
from shared.language.messages import Message
from shared.language.replies import RecordAccepted, RecordRejected
from shared.runtime.parts import Parts, Runnable
from shared.runtime.unit import Unit

GROUP = "intake-inbound"


def _refer(
    work: Work, sender: Actor, command: Refer, echo: Echo, place: Mapping[str, Any]
) -> tuple[str, Message]:
    referral = handlers.refer(work, sender, command)
    body = RecordAccepted(
        status="accepted",
        **place,
        reference=referral.reference,
        key=echo.key,
        headers=dict(echo.headers),
        referral_id=referral.journey_id,
        journey_id=referral.journey_id,
        stage=referral.passage.stage,
    )
    return f"journey/{referral.journey_id}", body


def _rejected(
    place: Mapping[str, Any], echo: Echo, code: str, detail: str, errors: Mapping[str, object]
) -> Message:
    return RecordRejected(
        status="rejected",
        **place,
        reference=echo.reference,
        key=echo.key,
        headers=dict(echo.headers),
        code=code,
        detail=detail,
        errors=dict(errors),
    )


def _fetch(unit: Unit, referrals: Sequence[tuple[Organisation, Refer]]) -> None:
    """Ask once for what all these referrals speak of, not once each."""
    unit.fetch(HANDLES, {one.participant_id for _, one in referrals})
    unit.fetch(REFERENCES, {reference_key(sender, one.reference) for sender, one in referrals})
    rows = [(unit.row(HANDLES, one.participant_id), one) for _, one in referrals]
    held = [(handle_of(row), one) for row, one in rows if row is not None]
    unit.load(
        {
            *(subject_of("participant", handle.home) for handle, _ in held),
            *(subject_of("handle", handle.handle) for handle, _ in held if handle.brought),
        }
    )
    unit.fetch(PARTICIPATIONS, {participation_key(handle.person, one.programme) for handle, one in held})


def _reply(unit: Unit, answer: Answer) -> None:
    unit.answer(answer.organisation, answer.identity, answer.subject, answer.body)


def _heard(parts: Parts, organisation: Organisation) -> None:
    """Whoever sends on a topic of its own is answered on one, however new both are."""
    parts.channels.note(organisation)


REFERRALS: Inbound[Refer] = Inbound(
    group=GROUP,
    topic=TOPIC,
    read=read,
    decide=_refer,
    reject=_rejected,
    fetch=_fetch,
    answer=_reply,
    heard=_heard,
)
receive, sender_of = REFERRALS.receive, REFERRALS.sender_of
process_batch, set_aside = REFERRALS.process_batch, REFERRALS.set_aside


def readers(parts: Parts) -> list[tuple[str, Runnable]]:
    """The threads that find the agencies' topics and read them."""
    return [("channels", Looking(parts, parts.channels)), ("inbound", REFERRALS.consumer(parts))]
