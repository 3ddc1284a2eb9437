"""A participant as intake holds them: a pseudonymous handle and a sealed identity. Source: docs/field.md, Privacy.

What identifies the person exists here only encrypted, under a key of its own. Erasure destroys that key, and with it
everything that was ever written under it; what was counted stays.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.domain.contents import destroyed
from shared.language import events as e
from shared.language.access import Actor
from shared.language.corrections import superseded
from shared.language.days import day_of
from shared.language.decision import Change, Notice, subject_of
from shared.language.erasures import ErasureKept
from shared.language.errors import Conflict, Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach the person."""

    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the person is. Exists in memory only while a request is answered. personnummer: 12 digits, or None."""

    name: str
    personnummer: str | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An identity as it is stored: a data key that only the master key unwraps, and what it encrypts.

    key_id: which master key wrapped it, so that another can take its place.
    """

    key_id: str
    wrapped_key: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One person's handle. `sealed` is None once erased. corrections: how many there have been; numbers the next."""

    participant_id: e.ParticipantId
    registered_by: e.Organisation
    registered_at: datetime
    sealed: Sealed | None
    erased_at: datetime | None = None
    corrections: int = 0


def register(
    participant_id: e.ParticipantId, sealed: Sealed, *, by: e.Organisation, at: datetime
) -> Change[Participant]:
    """Keep a sealed identity under a new handle. Nothing is announced: nobody else needs to know yet."""
    return Change(
        Participant(participant_id=participant_id, registered_by=by, registered_at=at, sealed=sealed)
    )


def opened(participant: Participant) -> Sealed:
    """What to unseal. Raises Conflict once erased. Reading changes nothing; who read is noted at the edge."""
    if participant.sealed is None:
        raise Conflict("participant-erased", "The participant was erased; nothing identifies them any more.")
    return participant.sealed


def correct(
    participant: Participant,
    *,
    before: Identity,
    after: Identity,
    sealed: Sealed,
    why: str,
    by: Actor,
    at: datetime,
) -> Change[Participant]:
    """Seal the identity as it should have been registered; the same again changes nothing.

    What it was is kept nowhere: only which of its parts were others, who corrected them, when and why. Raises Forbidden
    for any organisation but the one that registered the person.
    """
    if by.organisation != participant.registered_by:
        raise Forbidden("not-your-journey", "Only the organisation that registered a person corrects it.")
    changed = [
        part for part in ("name", "personnummer", "contact") if getattr(before, part) != getattr(after, part)
    ]
    if not changed:
        return Change(participant)
    number = participant.corrections + 1
    kept = superseded(
        subject_of("participant", participant.participant_id),
        number,
        "identity",
        {"parts": changed},
        recorded_by=participant.registered_by,
        by=by,
        at=at,
        why=why,
    )
    return Change(replace(participant, sealed=sealed, corrections=number), rows=(kept,))


def erase(
    participant: Participant, *, by: e.Organisation, at: datetime, announced: bool
) -> Change[Participant]:
    """Destroy the keys and what they encrypt; erasing again changes nothing. Source: docs/security.md.

    announced: whether the erasure was said before, though the participant stands as if it had not been: a backup has
    put it back. What was said once is not said again. Raises Forbidden for any organisation but the one that
    registered the person.
    """
    if by != participant.registered_by:
        raise Forbidden("not-your-journey", "Only the organisation that registered a person erases it.")
    if participant.erased_at is not None:
        return Change(participant)
    if announced:
        return keep_erased(participant, at=at)
    return Change(
        replace(participant, sealed=None, erased_at=at),
        events=(e.ParticipantErased(occurred_on=day_of(at), recorded_at=at),),
        rows=(destroyed(participant.participant_id),),
        notices=(Notice(ErasureKept(participant_id=participant.participant_id, erased_at=at)),),
    )


def keep_erased(participant: Participant, *, at: datetime) -> Change[Participant]:
    """Erase again what a backup has put back, and say nothing: all was said when it was erased.

    at: when it was erased first.
    """
    if participant.erased_at is not None:
        return Change(participant)
    rows = (destroyed(participant.participant_id),)
    return Change(replace(participant, sealed=None, erased_at=at), rows=rows)
