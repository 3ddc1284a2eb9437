"""Persons come under the newest key, and those of the time before handles to handles and to one person a number."""

from dataclasses import replace
from typing import Any

import pytest

from services.intake import handlers, people, renewing
from services.intake.domain import referral
from services.intake.domain.participant import Brought, Identity, Participant
from services.intake.numbers import Numbers
from services.intake.repository import Referrals
from shared.language import events as e
from shared.language.decision import subject_of
from shared.language.errors import Unknown
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    AT,
    NUMBERS,
    PERSON,
    PROVIDER,
    STRANGER,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    register,
)

FK = "forsakringskassan"
OLD, NEW = bytes(range(64, 96)), bytes(range(96, 128))


def keys(work: IntakeWork) -> dict[str, list[str]]:
    """{key id: the persons who are found under it}, of those rows that are their person's newest."""
    found: dict[str, list[str]] = {}
    for (name, _), row in work.table.items():
        if name == "numbers" and row["last"]:
            found.setdefault(row["key"], []).append(row["participant_id"])
    return found


def test_a_person_of_an_older_key_comes_under_the_newest_and_stays_findable_throughout() -> None:
    work = IntakeWork()
    old, both, new = Numbers([OLD]), Numbers([NEW, OLD]), Numbers([NEW])
    handle = people.register_participant(work, caseworker(AGENCY), PERSON, VAULT, old)
    home = work.get(subject_of("handle", handle)).participant_id
    assert list(keys(work)) == [old.newest]
    renewing.renew(work, home, VAULT, both)
    assert keys(work) == {both.newest: [home]}
    for ring in (old, both, new):
        assert people.register_participant(work, caseworker(AGENCY), PERSON, VAULT, ring) == handle
    renewing.renew(work, home, VAULT, new)
    assert [row["key"] for (name, _), row in work.table.items() if name == "numbers"] == [new.newest]


def test_a_person_whose_every_identity_was_erased_is_left_as_they_are() -> None:
    work = IntakeWork()
    handle = register(work)
    home = work.get(subject_of("handle", handle)).participant_id
    people.erase_participant(work, caseworker(AGENCY), handle)
    renewing.renew(work, home, VAULT, NUMBERS)
    assert keys(work) == {}
    renewing.renew(work, e.ParticipantId("p-" + "9" * 26), VAULT, NUMBERS)


# --- the time before handles -----------------------------------------------------------------------------------


def before_handles(
    work: IntakeWork, number: int, identity: Identity | None, by: str = AGENCY
) -> e.ParticipantId:
    """A person as they were stored before organisations had handles: sealed under their own id."""
    person = e.ParticipantId(f"p-{900 + number:026d}")
    sealed = None if identity is None else VAULT.seal(e.HandleId(person), identity)
    document: dict[str, Any] = {
        "participant_id": person,
        "registered_by": by,
        "registered_at": AT.replace(hour=number),
        "sealed": None
        if sealed is None
        else {
            "key_id": sealed.key_id,
            "wrapped_key": sealed.wrapped_key,
            "ciphertext": sealed.ciphertext,
        },
        "erased_at": AT if identity is None else None,
        "corrections": 0,
        "schema_version": 1,
    }
    work.documents[subject_of("participant", person)] = document
    return person


def a_journey_of(work: IntakeWork, person: e.ParticipantId) -> e.JourneyId:
    """A journey as it was stored then: referred and taken on, without anybody's handle."""
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work, identity=STRANGER)))
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    held = handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, accept)
    subject = subject_of("journey", held.journey_id)
    then = replace(held, passage=replace(held.passage, participant_id=person))
    document = Referrals().write(then)
    del document["home"], document["handles"]
    work.documents[subject] = {**document, "schema_version": 1}
    place = ("parts", held.journey_id)
    work.table[place] = {**work.table[place], "participant_id": person}
    return held.journey_id


def renewed(work: IntakeWork, *persons: e.ParticipantId) -> None:
    for _ in range(3):
        for one in persons:
            renewing.renew(work, one, VAULT, NUMBERS)


def test_whoever_registered_and_took_on_a_person_then_gets_a_handle() -> None:
    work = IntakeWork()
    person = before_handles(work, 1, PERSON)
    journey = work.get(subject_of("journey", a_journey_of(work, person)))
    assert (journey.home, journey.handles) == (person, {})
    renewed(work, person)
    journey = work.get(subject_of("journey", journey.journey_id))
    assert set(journey.handles) == {AGENCY, PROVIDER}
    for organisation, handle in journey.handles.items():
        found = people.read_participant(work, caseworker(organisation), handle, VAULT)
        assert (found[1], found[2].name) == (AGENCY, PERSON.name)
    assert register(work) == journey.handles[AGENCY], "and the number finds the person"
    held: Participant = work.get(subject_of("participant", person))
    assert (held.identities, held.earlier) == (1, None)


@pytest.mark.parametrize("second", [AGENCY, FK])
def test_a_number_that_was_registered_twice_then_is_one_person_by_the_platform_s_word(second: str) -> None:
    work = IntakeWork()
    first = before_handles(work, 1, PERSON)
    other = before_handles(work, 2, replace(PERSON, name="Ada Andra"), by=second)
    journey = a_journey_of(work, other) if second == AGENCY else None
    renewed(work, first, other)
    handles = [row for (name, _), row in work.table.items() if name == "handles" and row["brought"]]
    twice = [row for row in handles if row["home"] == first]
    assert sorted(row["organisation"] for row in twice) == sorted([AGENCY, second])
    (said,) = [row for (name, _), row in work.table.items() if name == "merges"]
    assert (said["participants"], said["did"], said["organisation"]) == ([other, first], "same_number", None)
    assert work.get(subject_of("participant", first)).identities == 2
    if journey is not None:
        assert work.get(subject_of("journey", journey)).passage.participant_id == first
        assert isinstance(work.events[-1], e.JourneyPersonChanged)
    before = len(work.events)
    renewed(work, first, other)
    assert len(work.events) == before


def test_who_was_erased_then_stays_erased() -> None:
    work = IntakeWork()
    person = before_handles(work, 1, None)
    renewed(work, person)
    (handle,) = [key for (name, key) in work.table if name == "handles"]
    brought: Brought = work.get(subject_of("handle", handle))
    assert (brought.sealed, brought.erased_at) == (None, AT)
    with pytest.raises(Unknown):
        people.read_participant(work, caseworker(FK), e.HandleId(handle), VAULT)
