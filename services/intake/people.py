"""The use cases about who a person is: register, read, say anew, erase. No rule lives here.

Every organisation names a person by a handle of its own, and here alone handles become persons. The number of questions
that a registration asks of the database, and what it answers, do not depend on whether others know the person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.intake.domain import participant
from services.intake.domain.contents import SealsContents, destroyed
from services.intake.domain.journey import PARTS, Referral
from services.intake.domain.participant import (
    HANDLES,
    HELD,
    NUMBERS,
    Brought,
    Handle,
    Identity,
    Participant,
    Sealed,
    handle_of,
    handle_row,
    held_key,
    held_row,
    number_key,
)
from services.intake.linking import Move, move
from shared.language.access import Actor, authorise_somewhere, reach_of
from shared.language.corrections import Superseded, page
from shared.language.days import day_of
from shared.language.decision import ARCHIVE, Change, Row, Skip, Work, event_id, subject_of
from shared.language.errors import Conflict, Forbidden, Unknown
from shared.language.events import HandleId, Organisation, ParticipantId
from shared.language.programmes import Action
from shared.language.rows import every_row

TAKEN_ON = 20
"""Journeys in which one organisation took one person on, of which the newest tells who brought what it may read."""


class Vault(SealsContents, Protocol):
    """Seals and opens identities, and what referrals say; chance comes in through it."""

    def seal(self, handle: HandleId, identity: Identity) -> Sealed:
        """Encrypt under a new key of this handle's own."""

    def unseal(self, sealed_for: HandleId | ParticipantId, sealed: Sealed) -> Identity:
        """Decrypt what `seal` returned for this handle."""


class Numbers(Protocol):
    """Keyed hashes of personal numbers."""

    def of(self, number: str | None) -> Mapping[str, str]:
        """{key id: digest} of the number, under every key by which it may be found; empty for none."""


# --- registering ------------------------------------------------------------------------------------------------


def register_participant(
    work: Work, actor: Actor, identity: Identity, vault: Vault, numbers: Numbers
) -> HandleId:
    """Bring a person's identity, and answer with the organisation's own handle.

    The same number is the same person, whoever brings it. The same organisation keeps its handle, and what it brings
    now takes the place of what it brought before.
    """
    authorise_somewhere(actor, "register_participant", work)
    said = numbers.of(identity.personnummer)
    found = _found(work, said)
    home = found or ParticipantId(work.new_id("p"))
    person = _person_at(work, home, known=found is not None)
    held = work.row(HELD, held_key(home, actor.organisation))
    before = None if held is None else work.find(subject_of("handle", held["handle"]))
    if before is not None and before.erased_at is None:
        work.save(subject_of("participant", home), participant.numbered(participant.touched(person), said))
        return _say_anew(work, actor, before, identity, None, vault).handle
    # An erased identity stays so: whoever brings the person again gets a handle that never stood for it.
    again = held is None or before is not None
    handle = HandleId(work.new_id("h") if again or held is None else held["handle"])
    return _bring(work, actor, handle, person, identity, vault, said)


def _bring(
    work: Work,
    actor: Actor,
    handle: HandleId,
    person: Participant,
    identity: Identity,
    vault: Vault,
    said: Mapping[str, str],
) -> HandleId:
    home = person.participant_id
    work.save(subject_of("participant", home), participant.with_identity(person, said))
    held = Handle(
        handle=handle,
        organisation=actor.organisation,
        home=home,
        person=person.counts_as,
        brought=True,
        protected=bool(identity.protected_identity),
    )
    brought = Brought(
        handle=handle,
        participant_id=home,
        organisation=actor.organisation,
        brought_at=work.at,
        sealed=vault.seal(handle, _told(identity)),
    )
    rows = (handle_row(held), held_row(home, actor.organisation, handle))
    return work.save(subject_of("handle", handle), Change(brought, rows=rows)).handle


def _told(identity: Identity) -> Identity:
    """The identity with a plain yes or no about protection."""
    return replace(identity, protected_identity=bool(identity.protected_identity))


def _found(work: Work, said: Mapping[str, str]) -> ParticipantId | None:
    """The person with that number. Asks for it under every key, whichever finds it."""
    rows = [work.row(NUMBERS, number_key(key, digest)) for key, digest in said.items()]
    return next((ParticipantId(row["participant_id"]) for row in rows if row is not None), None)


def _person_at(work: Work, home: ParticipantId, *, known: bool) -> Participant:
    """The person, or a new one. Asks the database as often for the one as for the other."""
    if known:
        person: Participant = work.get(subject_of("participant", home))
        return person
    work.row(HELD, held_key(home, ""))
    return participant.newcomer(home, work.at)


def still_registered(work: Work, actor: Actor, handle: HandleId) -> None:
    """Let a registration be answered again, while the identity stands behind that handle. Raises Unknown, Conflict."""
    known(work, actor, handle, "register_participant")
    participant.opened(work.find(subject_of("handle", handle)))


# --- reading ----------------------------------------------------------------------------------------------------


def known(work: Work, actor: Actor, handle: HandleId, action: Action) -> Handle:
    """The person behind the handle, for those who may know who it is; for all others there is none. Raises Unknown."""
    authorise_somewhere(actor, action, work)
    held = held_by(work, actor, handle)
    if held is None:
        raise Unknown("participant")
    return held


def held_by(work: Work, actor: Actor, handle: HandleId) -> Handle | None:
    """The person behind the handle, or None where it is not the organisation's, or no right to know is left.

    It has that right if it brought an identity, or took the person on in a journey whose part has not ended.
    """
    held = own_handle(work, actor, handle)
    return held if held is not None and (held.brought or _taken_on(work, held, limit=1)) else None


def own_handle(work: Work, actor: Actor, handle: HandleId) -> Handle | None:
    """The person behind the handle, or None where it is not the organisation's own. Opens nothing."""
    row = work.row(HANDLES, handle)
    return handle_of(row) if row is not None and row["organisation"] == actor.organisation else None


def is_erased(work: Work, held: Handle) -> bool:
    """Whether nobody can be referred by the handle any more: what its organisation brought was erased, or all was."""
    if held.brought:
        brought: Brought = work.get(subject_of("handle", held.handle))
        return brought.erased_at is not None
    person: Participant = work.get(subject_of("participant", held.home))
    return person.erased_at is not None


def touch(work: Work, home: ParticipantId) -> None:
    """Write the person, so that whatever else rests on them at this moment is decided again."""
    subject = subject_of("participant", home)
    work.save(subject, Change(participant.touched(work.get(subject))))


def _taken_on(work: Work, held: Handle, *, limit: int) -> Sequence[Mapping[str, object]]:
    where = {
        "participant_id": held.person,
        "organisations": held.organisation,
        "programme": {"$in": reach_of(held.organisation, work, "read_participant").versions},
    }
    return work.rows(PARTS, where, order="until", after=day_of(work.at).isoformat(), limit=limit)


def read_participant(
    work: Work, actor: Actor, handle: HandleId, vault: Vault
) -> tuple[HandleId, Organisation, Identity]:
    """Open a person's identity: what the organisation brought itself, or else what the referrer of a journey brought
    in which it took the person on. Returns the handle, who brought it, and the identity.
    """
    held = known(work, actor, handle, "read_participant")
    if held.brought:
        own: Brought | None = work.find(subject_of("handle", handle))
        return handle, actor.organisation, vault.unseal(handle, participant.opened(own))
    brought = _brought_to(work, held)
    identity = vault.unseal(brought.handle, participant.opened(brought))
    protected = work.rows(
        HANDLES, {"person": held.person, "protected": True}, order="_id", after=None, limit=1
    )
    contact = None if protected else identity.contact
    return handle, brought.organisation, replace(identity, contact=contact, protected_identity=None)


def _brought_to(work: Work, held: Handle) -> Brought:
    """What the referrer of the newest of these journeys brought that can be read yet. Raises Conflict."""
    rows = _taken_on(work, held, limit=TAKEN_ON)
    journeys: list[Referral] = [work.get(subject_of("journey", str(row["_id"]))) for row in rows]
    for one in sorted(journeys, key=lambda one: one.received_at, reverse=True):
        handle = one.handles.get(one.passage.referrer)
        brought: Brought | None = None if handle is None else work.find(subject_of("handle", handle))
        if brought is not None and brought.sealed is not None:
            return brought
    raise Conflict("participant-erased", "The participant was erased; nothing identifies them any more.")


# --- saying anew ------------------------------------------------------------------------------------------------


def correct_participant(
    work: Work, actor: Actor, handle: HandleId, said: tuple[Identity, str], vault: Vault, numbers: Numbers
) -> HandleId:
    """Say anew who the person is. said: the identity, and why. Another number may be another person's.

    Raises Forbidden for a person whom the organisation took on and did not bring.
    """
    held = known(work, actor, handle, "register_participant")
    _own(held, "Only the organisation that registered a person corrects it.")
    identity, why = said
    brought: Brought = work.get(subject_of("handle", handle))
    before = vault.unseal(handle, participant.opened(brought))
    if identity.personnummer != before.personnummer:
        brought = rehome(work, brought, numbers.of(identity.personnummer))
    return _say_anew(work, actor, brought, identity, why, vault).handle


def _own(held: Handle, detail: str) -> None:
    if not held.brought:
        raise Forbidden("not-your-journey", detail)


def _say_anew(
    work: Work, actor: Actor, brought: Brought, identity: Identity, why: str | None, vault: Vault
) -> Brought:
    before = vault.unseal(brought.handle, participant.opened(brought))
    mark = identity.protected_identity
    after = replace(identity, protected_identity=before.protected_identity if mark is None else mark)
    change = participant.said_anew(
        brought,
        before=before,
        after=after,
        sealed=vault.seal(brought.handle, after),
        why=why,
        by=actor,
        at=work.at,
    )
    rows: tuple[Row, ...] = ()
    if after.protected_identity != before.protected_identity:
        row = work.row(HANDLES, brought.handle)
        assert row is not None, "every identity lies behind a handle"
        rows = (handle_row(replace(handle_of(row), protected=bool(after.protected_identity))),)
    return work.save(subject_of("handle", brought.handle), replace(change, rows=(*change.rows, *rows)))


def rehome(work: Work, brought: Brought, said: Mapping[str, str]) -> Brought:
    """Let the handle stand for whoever has the number that is said now. Returns the identity in its new home.

    Where nobody else brought the person, all that is known of them comes along; else what stands under this handle.
    """
    found = _found(work, said)
    home: Participant = work.get(subject_of("participant", brought.participant_id))
    if found == home.participant_id:
        return brought
    brought_here = {"home": brought.participant_id, "brought": True}
    alone = len(work.rows(HANDLES, brought_here, order="_id", after=None, limit=2)) == 1
    if found is None and alone:
        gone = participant.unnumbered(participant.touched(home))
        anew = participant.numbered(gone.state, said)
        work.save(subject_of("participant", brought.participant_id), replace(anew, removes=gone.removes))
        return brought
    target = ParticipantId(work.new_id("p")) if found is None else found
    person = _person_at(work, target, known=found is not None)
    work.save(subject_of("participant", target), participant.with_identity(person, said))
    left = participant.unnumbered(home) if alone else Change(home)
    state = replace(left.state, identities=max(0, home.identities - 1))
    work.save(subject_of("participant", brought.participant_id), replace(left, state=state))
    move(work, Move(brought.participant_id, target, None if alone else brought.handle))
    return replace(brought, participant_id=target)


def list_participant_corrections(
    work: Work, actor: Actor, handle: HandleId, *, after: int | Skip | None, limit: int
) -> Sequence[Superseded]:
    """A page of what the organisation itself said anew of who the person is."""
    known(work, actor, handle, "read_participant")
    return page(work, subject_of("handle", handle), after=after, limit=limit)


# --- erasing ----------------------------------------------------------------------------------------------------


def erase_participant(work: Work, actor: Actor, handle: HandleId) -> Brought:
    """Destroy what the organisation brought; with the last identity of all, the person is erased."""
    held = known(work, actor, handle, "erase_participant")
    _own(held, "Only the organisation that registered a person erases it.")
    subject = subject_of("handle", handle)
    brought: Brought = work.get(subject)
    if brought.erased_at is None:
        _one_fewer(work, brought, announced=None)
    return work.save(subject, participant.erase(brought, at=work.at))


def _one_fewer(work: Work, brought: Brought, *, announced: bool | None) -> None:
    """announced: whether the person's erasure was said before; None: as the archive knows."""
    subject = subject_of("participant", brought.participant_id)
    person: Participant | None = work.find(subject)
    if person is None:
        return
    if announced is None:
        # Nothing but its erasure is ever said of a participant, so that its first event is that.
        announced = work.row(ARCHIVE, event_id(subject, 1)) is not None
    change = participant.without_identity(person, at=work.at, announced=announced)
    rows = list(change.rows)
    if change.state.erased_at is not None:
        # What those wrote who took the person on has a key behind a handle that brought nothing.
        where = {"home": person.participant_id, "brought": False}
        rows += [destroyed(HandleId(row["_id"])) for row in every_row(work, HANDLES, where, order="_id")]
    work.save(subject, replace(change, rows=rows))


def keep_erased(work: Work, participant_id: ParticipantId, handle: HandleId | None, at: datetime) -> None:
    """Erase again what the log of erasures says was erased, at that moment. handle: None for the person."""
    if handle is None:
        subject = subject_of("participant", participant_id)
        person: Participant | None = work.find(subject)
        if person is not None:
            work.save(subject, participant.keep_person_erased(person, at=at))
        return
    brought: Brought | None = work.find(subject_of("handle", handle))
    if brought is None or brought.erased_at is not None:
        return
    _one_fewer(work, brought, announced=True)
    work.save(subject_of("handle", handle), participant.keep_erased(brought, at=at))
