"""A person once, whoever registers them; each organisation by a handle of its own, and by what it brought itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.intake import handlers, people
from services.intake.domain import referral
from services.intake.domain.journey import apply_fact
from services.intake.domain.participant import Brought, Contact, Identity, Participant
from services.intake.numbers import Numbers
from shared.language import events as e
from shared.language.decision import Subject, subject_of
from shared.language.errors import Conflict, Unknown
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    COACTIVE,
    NOBODY,
    NUMBERS,
    PERSON,
    PROVIDER,
    STRANGER,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    exit_fact,
    own,
    register,
    said,
)
from tests.support.published import FakeProgrammes

FK, CLINIC = "forsakringskassan", "psykiatrin-skelleftea"
ELSEWHERE = replace(COACTIVE, id="elsewhere")
OTHER_NUMBER = "198507099805"
THEIRS = Identity(
    name="Ada Provsson", personnummer=PERSON.personnummer, contact=Contact(phone="0910-2", email=None)
)


def home_of(work: IntakeWork, handle: e.HandleId) -> e.ParticipantId:
    row = work.row("handles", handle)
    assert row is not None
    return e.ParticipantId(row["person"])


def person_of(work: IntakeWork, handle: e.HandleId) -> Participant:
    found: Participant = work.get(subject_of("participant", home_of(work, handle)))
    return found


def read(work: IntakeWork, organisation: str, handle: e.HandleId) -> Identity:
    return people.read_participant(work, caseworker(organisation), handle, VAULT)[2]


def taken_on(work: IntakeWork, by: str, handle: e.HandleId, provider: str = PROVIDER, **what: Any) -> Any:
    """A referral of the person that the provider has taken on."""
    command = asked(handle, provider=provider, reference=f"{by}-{len(work.documents)}", **what)
    held = handlers.refer(work, caseworker(by), command)
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    return handlers.accept_referral(work, caseworker(provider), held.journey_id, accept)


def correct(work: IntakeWork, by: str, handle: e.HandleId, identity: Identity) -> None:
    people.correct_participant(work, caseworker(by), handle, (identity, "A slip."), VAULT, NUMBERS)


# --- one person, a handle each ----------------------------------------------------------------------------------


def test_the_same_number_is_the_same_person_under_a_handle_of_each() -> None:
    work = IntakeWork()
    ours, theirs = register(work), register(work, by=FK, identity=THEIRS)
    assert ours != theirs
    assert home_of(work, ours) == home_of(work, theirs)
    assert (read(work, AGENCY, ours).name, read(work, FK, theirs).name) == (PERSON.name, THEIRS.name)
    for organisation, other in ((AGENCY, theirs), (FK, ours)):
        with pytest.raises(Unknown):
            read(work, organisation, other)


def test_who_registers_again_keeps_the_handle_and_what_is_said_now_stands() -> None:
    work = IntakeWork()
    first = register(work)
    assert register(work, identity=replace(PERSON, name="Ada Anders")) == first
    assert read(work, AGENCY, first).name == "Ada Anders"
    (kept,) = people.list_participant_corrections(work, caseworker(AGENCY), first, after=None, limit=9)
    assert (dict(kept.said), kept.why) == ({"parts": ["name"]}, None)
    assert person_of(work, first).identities == 1


def test_without_a_number_nobody_is_found_again() -> None:
    work = IntakeWork()
    assert register(work, identity=STRANGER) != register(work, identity=STRANGER)


def test_a_coordination_number_is_another_number() -> None:
    work = IntakeWork()
    coordination = replace(PERSON, personnummer="199001619802")
    assert home_of(work, register(work)) != home_of(work, register(work, identity=coordination))


@dataclass
class Counted(IntakeWork):
    """A store that counts what it is asked and what is written to it. minted: ids for which a store asks nothing."""

    count: Counter[str] = field(default_factory=Counter)
    minted: set[str] = field(default_factory=set)

    def find(self, subject: Subject) -> Any | None:
        if not any(key in subject for key in self.minted):
            self.count["state"] += 1
        return super().find(subject)

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        self.count["row"] += 1
        return super().row(collection, key)

    def save(self, subject: Subject, change: Any) -> Any:
        self.count["saved"] += 1
        self.count["rows"] += len(change.rows)
        return super().save(subject, change)

    def new_id(self, prefix: str) -> str:
        minted = super().new_id(prefix)
        self.minted.add(minted)
        return minted


@pytest.mark.parametrize("known", [False, True])
def test_a_known_and_an_unknown_number_cost_the_same(known: bool) -> None:
    """Each state and each row is one question to the database; every row and state saved is one write."""
    work = Counted()
    if known:
        register(work, by=FK, identity=THEIRS)
    work.count.clear()
    work.minted.clear()
    register(work)
    assert work.count["state"] + work.count["row"] == 3
    assert (work.count["saved"], work.count["rows"]) == (2, 3)


# --- what each may read -----------------------------------------------------------------------------------------


def test_another_s_identity_is_read_once_the_person_was_taken_on() -> None:
    work = IntakeWork()
    ours = register(work, identity=replace(PERSON, contact=Contact(phone="0910-1", email=None)))
    register(work, by=FK, identity=THEIRS)
    held = taken_on(work, AGENCY, ours)
    handle, brought_by, identity = people.read_participant(
        work, caseworker(PROVIDER), held.handles[PROVIDER], VAULT
    )
    assert (handle, brought_by) == (held.handles[PROVIDER], AGENCY)
    assert (identity.name, identity.contact) == (PERSON.name, Contact(phone="0910-1", email=None))


def test_it_is_what_the_referrer_of_the_newest_journey_brought_that_can_still_be_read() -> None:
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, ELSEWHERE))
    ours, theirs = register(work), register(work, by=FK, identity=THEIRS)
    first = taken_on(work, AGENCY, ours)
    work.at = work.at.replace(hour=20)
    second = taken_on(work, FK, theirs, programme="elsewhere")
    handle = first.handles[PROVIDER]
    assert second.handles[PROVIDER] == handle, "one organisation, one person, one handle"
    assert read(work, PROVIDER, handle).name == THEIRS.name
    people.erase_participant(work, caseworker(FK), theirs)
    assert read(work, PROVIDER, handle).name == PERSON.name
    people.erase_participant(work, caseworker(AGENCY), ours)
    with pytest.raises(Conflict):
        read(work, PROVIDER, handle)


@pytest.mark.parametrize("by_correction", [False, True])
def test_a_mark_of_protection_by_anyone_binds_all_and_is_shown_to_who_set_it_alone(
    by_correction: bool,
) -> None:
    work = IntakeWork()
    contact = Contact(phone="0910-1", email=None)
    ours = register(work, identity=replace(PERSON, contact=contact))
    held = taken_on(work, AGENCY, ours)
    marked = replace(THEIRS, protected_identity=True)
    theirs = register(work, by=FK, identity=THEIRS if by_correction else marked)
    if by_correction:
        assert read(work, PROVIDER, held.handles[PROVIDER]).contact == contact
        correct(work, FK, theirs, marked)
    seen = read(work, PROVIDER, held.handles[PROVIDER])
    assert (seen.name, seen.contact, seen.protected_identity) == (PERSON.name, None, None)
    mine = read(work, AGENCY, ours)
    assert (mine.contact, mine.protected_identity) == (contact, False), "and nobody learns of another's mark"
    assert read(work, FK, theirs).protected_identity is True
    people.erase_participant(work, caseworker(FK), theirs)
    assert read(work, PROVIDER, held.handles[PROVIDER]).contact is None, "the mark outlives who set it"


def test_a_mark_is_kept_until_it_is_taken_back_in_so_many_words() -> None:
    work = IntakeWork()
    ours = register(work, identity=replace(PERSON, protected_identity=True))
    register(work)
    assert read(work, AGENCY, ours).protected_identity is True
    register(work, identity=replace(PERSON, protected_identity=False))
    assert read(work, AGENCY, ours).protected_identity is False


# --- erasing ----------------------------------------------------------------------------------------------------


def test_each_erases_what_it_brought_and_with_the_last_the_person_is_erased() -> None:
    work = IntakeWork()
    ours, theirs = register(work), register(work, by=FK, identity=THEIRS)
    people.erase_participant(work, caseworker(AGENCY), ours)
    assert (work.events, person_of(work, ours).erased_at) == ([], None)
    assert read(work, FK, theirs).name == THEIRS.name
    people.erase_participant(work, caseworker(FK), theirs)
    assert [type(one) for one in work.events] == [e.ParticipantErased]
    assert person_of(work, theirs).erased_at is not None
    again = register(work)
    assert home_of(work, again) != home_of(work, ours), "nothing is left by which the two could be one"


def test_who_brings_an_erased_person_again_gets_another_handle() -> None:
    work = IntakeWork()
    ours = register(work)
    register(work, by=FK, identity=THEIRS)
    people.erase_participant(work, caseworker(AGENCY), ours)
    again = register(work)
    assert again != ours
    assert home_of(work, again) == home_of(work, ours)
    with pytest.raises(Conflict):
        read(work, AGENCY, ours)
    assert register(work) == again


# --- another number ---------------------------------------------------------------------------------------------


def test_a_number_that_was_wrong_finds_nobody_any_more() -> None:
    work = IntakeWork()
    ours = register(work)
    home = home_of(work, ours)
    correct(work, AGENCY, ours, replace(PERSON, personnummer=OTHER_NUMBER))
    assert home_of(work, ours) == home
    assert home_of(work, register(work, by=FK, identity=THEIRS)) != home
    theirs = register(work, by=FK, identity=replace(THEIRS, personnummer=OTHER_NUMBER))
    assert home_of(work, theirs) == home


def test_a_corrected_number_that_others_know_makes_one_person_of_two_with_all_journeys() -> None:
    work = IntakeWork()
    theirs = register(work, by=FK, identity=THEIRS)
    ours = register(work, identity=STRANGER)
    held = taken_on(work, AGENCY, ours)
    correct(work, AGENCY, ours, PERSON)
    assert home_of(work, ours) == home_of(work, theirs)
    moved = work.get(subject_of("journey", held.journey_id))
    assert moved.passage.participant_id == moved.home == home_of(work, theirs)
    assert isinstance(work.events[-1], e.JourneyPersonChanged)
    assert work.events[-1].participant_id == home_of(work, theirs)
    assert read(work, PROVIDER, held.handles[PROVIDER]).name == PERSON.name
    assert register(work) == ours


def test_who_named_another_s_number_takes_its_own_journeys_along_and_nobody_else_s() -> None:
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, ELSEWHERE))
    theirs = register(work, by=FK, identity=THEIRS)
    ours = register(work)
    stays, goes = taken_on(work, FK, theirs), taken_on(work, AGENCY, ours, programme="elsewhere")
    before = home_of(work, theirs)
    correct(work, AGENCY, ours, replace(PERSON, personnummer=OTHER_NUMBER))
    assert home_of(work, theirs) == before != home_of(work, ours)
    left, gone = (work.get(subject_of("journey", one.journey_id)) for one in (stays, goes))
    assert left.passage.participant_id == before
    assert gone.passage.participant_id == home_of(work, ours)
    assert left.handles[PROVIDER] == stays.handles[PROVIDER] != gone.handles[PROVIDER]
    assert read(work, PROVIDER, gone.handles[PROVIDER]).personnummer == OTHER_NUMBER
    assert read(work, PROVIDER, left.handles[PROVIDER]).name == THEIRS.name
    assert register(work) not in (ours, theirs), "the number is another person's"
    again = work.get(subject_of("handle", ours))
    assert isinstance(again, Brought)
    assert again.participant_id == home_of(work, ours)


# --- keys -------------------------------------------------------------------------------------------------------


def test_a_person_is_found_under_any_key_and_kept_under_all() -> None:
    old, new = bytes(range(32)), bytes(range(32, 64))
    work = IntakeWork()
    before = people.register_participant(work, caseworker(AGENCY), PERSON, VAULT, Numbers([old]))
    both = people.register_participant(work, caseworker(FK), THEIRS, VAULT, Numbers([new, old]))
    after = people.register_participant(work, caseworker(CLINIC), THEIRS, VAULT, Numbers([new]))
    assert home_of(work, before) == home_of(work, both) == home_of(work, after)
    # While processes with the old key alone still run, they find whom the new ones have registered.
    other = replace(PERSON, personnummer=OTHER_NUMBER)
    made = people.register_participant(work, caseworker(AGENCY), other, VAULT, Numbers([new, old]))
    found = people.register_participant(work, caseworker(FK), other, VAULT, Numbers([old]))
    assert home_of(work, made) == home_of(work, found)


def test_no_number_stands_in_what_is_stored() -> None:
    work = IntakeWork()
    register(work)
    stored = str(work.documents) + str(work.table)
    assert str(PERSON.personnummer) not in stored
    assert str(PERSON.personnummer)[2:] not in stored


# --- referring --------------------------------------------------------------------------------------------------


def test_a_referral_links_with_the_last_journey_that_ended_where_the_referrer_may_know_it() -> None:
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, ELSEWHERE))
    ours, theirs = register(work), register(work, by=FK, identity=THEIRS)
    first = taken_on(work, AGENCY, ours)
    _leave(work, first.journey_id)
    unknown = handlers.refer(work, caseworker(FK), asked(theirs, reference="FK-1", occurred_on=None))
    assert unknown.passage.previous_journey is None
    taken_back = referral.Withdraw(reason="other_effort")
    handlers.withdraw_referral(work, caseworker(FK), unknown.journey_id, taken_back)
    elsewhere = asked(ours, reference="AF-3", programme="elsewhere", occurred_on=None)
    assert handlers.refer(work, caseworker(AGENCY), elsewhere).passage.previous_journey is None
    command = asked(ours, reference="AF-2", occurred_on=None)
    again = handlers.refer(work, caseworker(AGENCY), command)
    assert again.passage.previous_journey == first.journey_id
    assert handlers.refer(work, caseworker(AGENCY), command) == again


def _leave(work: IntakeWork, journey_id: e.JourneyId) -> None:
    subject = subject_of("journey", journey_id)
    for fact in (e.JourneyStarted(occurred_on=ACCEPTED_ON, recorded_at=work.at), exit_fact()):
        work.save(subject, apply_fact(work.get(subject), said(fact), work.programmes))


def test_two_organisations_cannot_join_their_lists() -> None:
    """No value of one's answers is a value of the other's, but what the programme and the person are."""
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, ELSEWHERE))
    ours, theirs = register(work), register(work, by=FK, identity=THEIRS)
    for by, handle, programme in ((AGENCY, ours, "coactive"), (FK, theirs, "elsewhere")):
        held = taken_on(work, by, handle, programme=programme)
        shown = held.handles
        assert set(shown) == {by, PROVIDER}
        assert shown[by] == handle
        assert home_of(work, handle) not in shown.values()
    assert own(work, AGENCY, theirs) == ours
    assert own(work, "kafe-solrosen", theirs) == NOBODY
