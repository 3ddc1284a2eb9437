"""A person as intake holds them, and what each organisation has brought of who they are. Source: docs/security.md.

A person is one person, whoever registers them. What an organisation holds is a handle of its own, which names nobody
for any other. The identity that it brought lies behind that handle, sealed under a key of its own. Erasure destroys
that key, and with it everything that was ever written under it. What was counted stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.intake.domain.contents import destroyed
from shared.language import events as e
from shared.language.access import Actor
from shared.language.corrections import superseded
from shared.language.days import day_of
from shared.language.decision import Change, Notice, Row, subject_of
from shared.language.erasures import ErasureKept
from shared.language.errors import Conflict

HANDLES = "handles"
"""Rows, one per handle: whose it is, and which person it stands for (`Handle`)."""
HELD = "held"
"""Rows `<participant>:<organisation>`: the handle by which that organisation holds the person."""
NUMBERS = "numbers"
"""Rows `<key id>:<digest>`: the person whose personal number has that digest under that key.

last: the person has none under a newer key.
"""
PARTS_OF_IDENTITY = ("name", "personnummer", "contact", "protected_identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach the person."""

    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the person is. Exists in memory only while a request is answered. personnummer: 12 digits, or None.

    protected_identity: whether who brought it says that the person's data are protected; None: it says nothing of that.
    """

    name: str
    personnummer: str | None = None
    contact: Contact | None = None
    protected_identity: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An identity as it is stored: a data key that only the master key unwraps, and what it encrypts.

    key_id: which master key wrapped it, so that another can take its place.
    """

    key_id: str
    wrapped_key: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What stood here before organisations had handles of their own; `renewing` makes a handle of it.

    sealed: under the person's id; None once erased.
    """

    registered_by: e.Organisation
    sealed: Sealed | None
    corrections: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One person. No interface shows the id.

    identities: how many organisations' identities of the person can still be read. numbers: {key id: digest} of the
    person's number, of every key under which it is found. one_with: the person as whom this one counts, because the two
    were found to be one. turn: how often anything was decided that others rest on. erased_at: when the last identity
    was.
    """

    participant_id: e.ParticipantId
    registered_at: datetime
    identities: int = 0
    numbers: Mapping[str, str] = field(default_factory=dict)
    one_with: e.ParticipantId | None = None
    turn: int = 0
    erased_at: datetime | None = None
    earlier: Earlier | None = None

    @property
    def counts_as(self) -> e.ParticipantId:
        """The person as whom this one counts."""
        return self.one_with or self.participant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What one organisation brought of who a person is. sealed: None once erased. participant_id: the person's.

    corrections: how many there have been; numbers the next.
    """

    handle: e.HandleId
    participant_id: e.ParticipantId
    organisation: e.Organisation
    brought_at: datetime
    sealed: Sealed | None
    erased_at: datetime | None = None
    corrections: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """What one organisation calls a person.

    home: the person for whom it was made. person: the one as whom that person counts now. brought: whether the
    organisation brought an identity; else it took the person on. protected: whether it said that the person's data are
    protected.
    """

    handle: e.HandleId
    organisation: e.Organisation
    home: e.ParticipantId
    person: e.ParticipantId
    brought: bool = False
    protected: bool = False


def handle_of(row: Mapping[str, Any]) -> Handle:
    """The handle that a row of HANDLES holds."""
    kept = {name: row[name] for name in ("organisation", "home", "person", "brought", "protected")}
    return Handle(handle=e.HandleId(row["_id"]), **kept)


def handle_row(handle: Handle) -> Row:
    """The row that holds the handle."""
    body = {
        "organisation": handle.organisation,
        "home": handle.home,
        "person": handle.person,
        "brought": handle.brought,
        "protected": handle.protected,
    }
    return Row(HANDLES, handle.handle, body)


def held_key(participant_id: e.ParticipantId, organisation: e.Organisation) -> str:
    """Names the row of HELD."""
    return f"{participant_id}:{organisation}"


def held_row(participant_id: e.ParticipantId, organisation: e.Organisation, handle: e.HandleId) -> Row:
    """The row by which the organisation's handle of the person is found."""
    return Row(HELD, held_key(participant_id, organisation), {"handle": handle})


def number_key(key_id: str, digest: str) -> str:
    """Names the row of NUMBERS."""
    return f"{key_id}:{digest}"


def newcomer(participant_id: e.ParticipantId, at: datetime) -> Participant:
    """A person of whom nothing is known yet."""
    return Participant(participant_id=participant_id, registered_at=at)


def touched(person: Participant) -> Participant:
    """The same person, so written that two decisions at one moment cannot both rest on how they found it."""
    return replace(person, turn=person.turn + 1)


def with_identity(person: Participant, numbers: Mapping[str, str]) -> Change[Participant]:
    """One identity more, and the number under every key by which it can be looked for."""
    after = replace(touched(person), identities=person.identities + 1)
    return numbered(after, numbers)


def numbered(person: Participant, numbers: Mapping[str, str]) -> Change[Participant]:
    """The person, found by these digests beside those known before. numbers: the newest key's first."""
    if not numbers:
        return Change(person)
    newest = next(iter(numbers))
    after = replace(person, numbers={**person.numbers, **numbers})
    rows = [
        Row(
            NUMBERS,
            number_key(key, digest),
            {"participant_id": person.participant_id, "key": key, "last": key == newest},
        )
        for key, digest in after.numbers.items()
    ]
    return Change(after, rows=rows)


def unnumbered(person: Participant) -> Change[Participant]:
    """The person, found by no number any more."""
    gone = [(NUMBERS, number_key(key, digest)) for key, digest in person.numbers.items()]
    return Change(replace(person, numbers={}), removes=gone)


def opened(brought: Brought | None) -> Sealed:
    """What to unseal. Raises Conflict once erased. Reading changes nothing; who read is noted at the edge."""
    if brought is None or brought.sealed is None:
        raise Conflict("participant-erased", "The participant was erased; nothing identifies them any more.")
    return brought.sealed


def said_anew(
    brought: Brought,
    *,
    before: Identity,
    after: Identity,
    sealed: Sealed,
    why: str | None,
    by: Actor,
    at: datetime,
) -> Change[Brought]:
    """Seal the identity as it should have been brought; the same again changes nothing.

    What it was is kept nowhere: only which of its parts were others, who said them anew, when and why. why: None where
    the organisation registered the person again.
    """
    changed = [part for part in PARTS_OF_IDENTITY if getattr(before, part) != getattr(after, part)]
    if not changed:
        return Change(brought)
    number = brought.corrections + 1
    subject = subject_of("handle", brought.handle)
    kept = superseded(
        subject,
        number,
        "identity",
        {"parts": changed},
        recorded_by=brought.organisation,
        by=by,
        at=at,
        why=why,
    )
    return Change(replace(brought, sealed=sealed, corrections=number), rows=(kept,))


def erase(brought: Brought, *, at: datetime) -> Change[Brought]:
    """Destroy the keys and what they encrypt; erasing again changes nothing.

    Source: docs/architecture/privacy.md, Erasure.
    """
    if brought.erased_at is not None:
        return Change(brought)
    kept = ErasureKept(participant_id=brought.participant_id, erased_at=at, handle=brought.handle)
    return replace(keep_erased(brought, at=at), notices=(Notice(kept),))


def keep_erased(brought: Brought, *, at: datetime) -> Change[Brought]:
    """Erase again what a backup has put back, and say nothing: all was said when it was erased.

    at: when it was erased first.
    """
    if brought.erased_at is not None:
        return Change(brought)
    rows = (destroyed(brought.handle),)
    return Change(replace(brought, sealed=None, erased_at=at), rows=rows)


def without_identity(person: Participant, *, at: datetime, announced: bool) -> Change[Participant]:
    """One identity less; with the last of them the person is erased, and no number finds them any more.

    announced: whether the erasure was said before, though the person stands as if it had not been: a backup has put
    it back. What was said once is not said again.
    """
    left = replace(touched(person), identities=max(0, person.identities - 1))
    if left.identities or left.erased_at is not None:
        return Change(left)
    gone = unnumbered(replace(left, erased_at=at, earlier=None))
    if announced:
        return gone
    return replace(gone, events=(e.ParticipantErased(occurred_on=day_of(at), recorded_at=at),))


def keep_person_erased(person: Participant, *, at: datetime) -> Change[Participant]:
    """Erase again a person whom a backup has put back. Their identities are erased one by one."""
    if person.erased_at is not None:
        return Change(person)
    return unnumbered(replace(touched(person), erased_at=at, earlier=None))
