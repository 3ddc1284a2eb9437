"""The use cases by which persons come under the newest key, and those of the time before handles get theirs.

No rule lives here. Each is one transaction about one person, and safe to repeat.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.domain import participant
from services.intake.domain.journey import Referral
from services.intake.domain.merge import same_number_row
from services.intake.domain.participant import (
    HANDLES,
    HELD,
    Brought,
    Earlier,
    Handle,
    Participant,
    handle_row,
    held_key,
    held_row,
)
from services.intake.linking import handle_for
from services.intake.people import Numbers, Vault, rehome
from shared.language.corrections import SUPERSEDED
from shared.language.decision import Change, Row, Subject, Work, subject_of
from shared.language.events import HandleId, ParticipantId
from shared.language.rows import every_row


def renew(work: Work, participant_id: ParticipantId, vault: Vault, numbers: Numbers) -> None:
    """Keep the person's number under every key of the ring, or make the next step out of the time before handles."""
    person: Participant | None = work.find(subject_of("participant", participant_id))
    if person is None:
        return
    if person.earlier is None:
        _renumber(work, person, vault, numbers)
    elif (held := work.row(HELD, held_key(participant_id, person.earlier.registered_by))) is None:
        _give_handles(work, person, person.earlier, vault)
    else:
        _find_again(work, person, HandleId(held["handle"]), vault, numbers)


def _renumber(work: Work, person: Participant, vault: Vault, numbers: Numbers) -> None:
    number = None
    for row in every_row(work, HANDLES, {"home": person.participant_id, "brought": True}, order="_id"):
        brought: Brought = work.get(subject_of("handle", row["_id"]))
        if brought.sealed is not None:
            number = vault.unseal(brought.handle, brought.sealed).personnummer or number
    gone = participant.unnumbered(participant.touched(person))
    anew = participant.numbered(gone.state, numbers.of(number))
    kept = {(row.collection, row.key) for row in anew.rows}
    removes = [place for place in gone.removes if place not in kept]
    work.save(subject_of("participant", person.participant_id), replace(anew, removes=removes))


def _give_handles(work: Work, person: Participant, earlier: Earlier, vault: Vault) -> None:
    """First step: a handle for whoever registered the person, and for whoever has a part in a journey of theirs."""
    home = person.participant_id
    handle = HandleId(work.new_id("h"))
    identity = None if earlier.sealed is None else vault.unseal(home, earlier.sealed)
    brought = Brought(
        handle=handle,
        participant_id=home,
        organisation=earlier.registered_by,
        brought_at=person.registered_at,
        sealed=None if identity is None else vault.seal(handle, replace(identity, protected_identity=False)),
        erased_at=person.erased_at,
        corrections=earlier.corrections,
    )
    held = Handle(
        handle=handle, organisation=earlier.registered_by, home=home, person=person.counts_as, brought=True
    )
    rows = [
        handle_row(held),
        held_row(home, earlier.registered_by, handle),
        *_corrections(work, home, handle),
    ]
    gone = [(SUPERSEDED, key) for key in _keys_of_corrections(work, home)]
    kept = replace(participant.touched(person), earlier=replace(earlier, sealed=None))
    work.save(subject_of("participant", home), Change(kept, rows=rows, removes=gone))
    work.save(subject_of("handle", handle), Change(brought))
    for row in list(every_row(work, "referrals", {"state.passage.participant_id": home}, order="_id")):
        _with_handles(work, work.get(Subject(row["_id"])))


def _corrections(work: Work, home: ParticipantId, handle: HandleId) -> Sequence[Row]:
    subject = subject_of("handle", handle)
    rows = every_row(work, SUPERSEDED, {"subject": subject_of("participant", home)}, order="_id")
    return [
        Row(
            SUPERSEDED,
            f"{subject}:{row['number']:06d}",
            {**{name: value for name, value in row.items() if name != "_id"}, "subject": subject},
        )
        for row in rows
    ]


def _keys_of_corrections(work: Work, home: ParticipantId) -> Sequence[str]:
    where = {"subject": subject_of("participant", home)}
    return [str(row["_id"]) for row in every_row(work, SUPERSEDED, where, order="_id")]


def _with_handles(work: Work, held: Referral) -> None:
    """The journey, with a handle for each organisation that has taken a part in it."""
    handles, rows = dict(held.handles), list[Row]()
    for organisation in (held.passage.referrer, *held.passage.took_on):
        if organisation not in handles:
            handles[organisation], new = handle_for(
                work, organisation, held.home, held.passage.participant_id
            )
            rows += new
    change = Change(replace(held, handles=handles), rows=rows)
    work.save(subject_of("journey", held.journey_id), change)


def _find_again(work: Work, person: Participant, handle: HandleId, vault: Vault, numbers: Numbers) -> None:
    """Second step: the number finds the person from now on, or the one who is the same person already."""
    home = person.participant_id
    brought: Brought = work.get(subject_of("handle", handle))
    plain = replace(participant.touched(person), earlier=None)
    work.save(subject_of("participant", home), Change(plain))
    if brought.sealed is None:
        return
    number = vault.unseal(handle, brought.sealed).personnummer
    if number is None:
        return
    moved = rehome(work, brought, numbers.of(number))
    if moved.participant_id == home:
        return
    row = same_number_row(home, moved.participant_id, at=work.at)
    work.save(subject_of("handle", handle), Change(moved, rows=[row]))
