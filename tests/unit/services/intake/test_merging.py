"""Two handles that are one person: said by a human, taken back, refused where it cannot be, in any order."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import candidates, handlers, merging, people
from services.intake.domain import referral
from services.intake.domain.merge import Merge
from services.intake.domain.participant import Contact, Identity
from services.intake.repository import Referrals
from shared.language import events as e
from shared.language.decision import subject_of
from shared.language.errors import Conflict, Forbidden, Invalid, Refused, Unknown
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    COACTIVE,
    NOBODY,
    PERSON,
    PROVIDER,
    STRANGER,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    register,
)
from tests.support.published import FakeProgrammes

FK = "forsakringskassan"
BOTH = FakeProgrammes(COACTIVE, replace(COACTIVE, id="elsewhere"))
WHY = "The same person, by a letter of theirs."


def merge(work: IntakeWork, one: e.HandleId, other: e.HandleId, by: str = AGENCY) -> None:
    merging.merge_participants(work, caseworker(by), one, Merge(participant_id=other, why=WHY))


def part(work: IntakeWork, one: e.HandleId, other: e.HandleId, by: str = AGENCY) -> None:
    merging.part_participants(work, caseworker(by), one, Merge(participant_id=other, why="Two, after all."))


def person(work: IntakeWork, handle: e.HandleId) -> str:
    row = work.row("handles", handle)
    assert row is not None
    return str(row["person"])


def refer(work: IntakeWork, handle: e.HandleId, by: str = AGENCY, **what: Any) -> Any:
    command = asked(handle, reference=f"R-{len(work.documents)}-{len(work.events)}", **what)
    return handlers.refer(work, caseworker(by), command)


def now(work: IntakeWork, held: Any) -> Any:
    return work.get(subject_of("journey", held.journey_id))


def code(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


# --- merged and parted ------------------------------------------------------------------------------------------


def test_two_handles_become_one_person_and_both_stay_valid() -> None:
    work = IntakeWork(programmes=BOTH)
    one, other = register(work, identity=STRANGER), register(work)
    held = refer(work, other, programme="elsewhere")
    first = person(work, one)
    merge(work, other, one)
    assert person(work, one) == person(work, other) == first, "the one registered first"
    assert now(work, held).passage.participant_id == first
    assert work.events[-1] == e.JourneyPersonChanged(
        occurred_on=work.at.date(), recorded_at=work.at, participant_id=e.ParticipantId(first)
    )
    for handle, known in ((one, STRANGER), (other, PERSON)):
        assert people.read_participant(work, caseworker(AGENCY), handle, VAULT)[2].name == known.name
    assert refer(work, one).passage.participant_id == first


def test_it_is_taken_back_as_if_it_had_not_been() -> None:
    work = IntakeWork(programmes=BOTH)
    one, other = register(work, identity=STRANGER), register(work)
    held, kept = refer(work, other, programme="elsewhere"), refer(work, one)
    before = person(work, one), person(work, other)
    merge(work, one, other)
    part(work, other, one)
    assert (person(work, one), person(work, other)) == before
    assert now(work, held).passage.participant_id == before[1]
    assert now(work, kept).passage.participant_id == before[0]
    merge(work, one, other)
    acts = merging.list_merges(work, caseworker(AGENCY), one, after=None, limit=9)
    assert [(act.did, act.number, act.person) for act in acts] == [
        ("merged", 1, "somebody"),
        ("parted", 2, "somebody"),
        ("merged", 3, "somebody"),
    ]
    assert acts[0].why == WHY


def test_the_journeys_of_both_are_one_participation_while_they_are_one() -> None:
    """The agency may not read the insurance's journey, so that nothing is refused; the person counts once."""
    work = IntakeWork(programmes=BOTH)
    one, other = register(work, identity=STRANGER), register(work)
    theirs = register(work, by=FK)
    first, second = refer(work, theirs, by=FK), refer(work, one)
    alone = now(work, first).participation, now(work, second).participation
    assert alone == (None, None)
    merge(work, one, other)
    assert now(work, second).passage.participant_id == now(work, first).passage.participant_id
    (told,) = {now(work, first).participation, now(work, second).participation} - {None}
    assert told.first in (first.journey_id, second.journey_id), (
        "one says all of the person, the other who it is"
    )
    part(work, one, other)
    assert (now(work, first).participation, now(work, second).participation) == alone


def test_what_others_have_merged_stays_when_one_takes_its_own_back() -> None:
    work = IntakeWork()
    one, other = register(work, identity=STRANGER), register(work)
    third = register(work, by=FK)
    fourth = register(work, by=FK, identity=STRANGER)
    merge(work, one, other)
    merge(work, third, fourth, by=FK)
    assert len({person(work, each) for each in (one, other, third, fourth)}) == 1
    part(work, one, other)
    assert person(work, other) == person(work, third) == person(work, fourth) != person(work, one)


def test_whoever_took_the_person_on_keeps_its_handle_and_reads_the_same() -> None:
    work = IntakeWork(programmes=BOTH)
    one, other = register(work, identity=STRANGER), register(work)
    held = refer(work, other, programme="elsewhere", provider=PROVIDER)
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    taken = handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, accept)
    merge(work, one, other)
    theirs = now(work, taken).handles[PROVIDER]
    assert theirs == taken.handles[PROVIDER]
    assert people.read_participant(work, caseworker(PROVIDER), theirs, VAULT)[2].name == PERSON.name


# --- refused ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_merged_is_refused_each_by_its_own_words() -> None:
    work = IntakeWork(programmes=BOTH)
    one, other, third = (register(work, identity=each) for each in (STRANGER, PERSON, STRANGER))
    theirs = register(work, by=FK)
    assert code(lambda: merge(work, one, one)) == "invalid-fields"
    assert code(lambda: part(work, one, other)) == "not-merged"
    for strange in (theirs, NOBODY):
        with pytest.raises(Invalid) as refused:
            merge(work, one, strange)
        assert refused.value.errors is not None
        assert "registered" in str(refused.value.errors["participant_id"])
        with pytest.raises(Unknown):
            merge(work, strange, one)
    first, second = refer(work, one), refer(work, other)
    with pytest.raises(Conflict) as open_both:
        merge(work, one, other)
    assert open_both.value.code == "both-open"
    assert open_both.value.errors == {"journey_id": [first.journey_id, second.journey_id]}
    merge(work, other, third)
    assert code(lambda: merge(work, third, other)) == "already-merged"
    part(work, other, third)
    assert code(lambda: part(work, other, third)) == "not-merged"
    people.erase_participant(work, caseworker(AGENCY), third)
    assert code(lambda: merge(work, other, third)) == "participant-erased"
    assert not [row for (name, _), row in work.table.items() if name == "links" and row["standing"]]


# --- in any order -----------------------------------------------------------------------------------------------

PEOPLE = (PERSON, replace(PERSON, personnummer="198507099805"), STRANGER)
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["register", "merge", "part", "refer"]),
        st.sampled_from([AGENCY, FK]),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=16,
)


def groups(pairs: set[frozenset[str]], everyone: set[str]) -> set[frozenset[str]]:
    found = {one: {one} for one in everyone}
    for pair in pairs:
        joined = set().union(*(found[one] for one in pair))
        for one in joined:
            found[one] = joined
    return {frozenset(one) for one in found.values()}


@given(DEEDS)
@settings(max_examples=120)
def test_whatever_the_order_the_persons_are_those_that_numbers_and_standing_merges_make(
    deeds: list[tuple[str, str, int, int]],
) -> None:
    work = IntakeWork()
    held: dict[str, list[e.HandleId]] = {AGENCY: [], FK: []}
    numbers: dict[e.HandleId, str | None] = {}
    merged: set[frozenset[str]] = set()
    for deed, by, first, second in deeds:
        mine = held[by]
        if deed == "register":
            known = PEOPLE[first % 3]
            handle = register(work, by=by, identity=known)
            if handle not in mine:
                mine.append(handle)
            numbers[handle] = known.personnummer
        elif first < len(mine) and second < len(mine):
            pair = mine[first], mine[second]
            try:
                if deed == "merge":
                    merge(work, *pair, by=by)
                    merged.add(frozenset(pair))
                elif deed == "part":
                    part(work, *pair, by=by)
                    merged.discard(frozenset(pair))
                else:
                    refer(work, pair[0], by=by, provider=None)
            except (Conflict, Invalid):
                continue
    everyone = {str(one) for one in numbers}
    same = {
        frozenset((one, other))
        for one, number in numbers.items()
        for other, another in numbers.items()
        if number is not None and number == another
    }
    found: dict[str, set[str]] = {}
    for one in everyone:
        found.setdefault(person(work, e.HandleId(one)), set()).add(one)
    assert {frozenset(one) for one in found.values()} == groups(merged | same, everyone)
    for subject in list(work.documents):
        if subject.startswith("journey/"):
            journey = work.get(subject)
            whose = person(work, journey.handles[journey.passage.referrer])
            assert journey.passage.participant_id == whose
            row = work.row("participations", f"{whose}:coactive")
            assert row is not None
            assert journey.journey_id in row["journeys"]


# --- who may be the same ----------------------------------------------------------------------------------------


class Identities(IntakeWork):
    """A store that gives pages of what an organisation brought."""

    def brought_by(self, work: Any, organisation: str, *, after: str | None, limit: int) -> Any:
        found = [
            self.get(subject)
            for subject in sorted(self.documents)
            if subject.startswith("handle/") and (after is None or subject > after)
        ]
        mine = [one for one in found if one.organisation == organisation and one.erased_at is None]
        return mine[:limit]


def looked_for(work: Identities, handle: e.HandleId, by: str = AGENCY) -> list[tuple[str, list[str]]]:
    found, complete = candidates.find_candidates(work, caseworker(by), handle, VAULT, work)
    assert complete
    return [(one.handle, [why.code for why in one.reasons]) for one in found]


def test_candidates_come_with_reasons_the_likeliest_first_and_of_the_organisation_alone() -> None:
    work = Identities()
    contact = Contact(phone="070-174 06 05", email="bo@example.se")
    own = register(work, identity=replace(STRANGER, name="Bo Åkerman", contact=contact))
    same = Contact(phone="+46 70 174 06 05", email="BO@example.se")
    likely = register(work, identity=Identity(name="ÅKERMAN, Bo", personnummer=None, contact=same))
    close = register(work, identity=Identity(name="Bo Åkermann"))
    register(work, identity=Identity(name="Eva Lind"))
    register(work, by=FK, identity=Identity(name="Bo Åkerman", contact=contact))
    assert looked_for(work, own) == [
        (likely, ["same_name", "same_telephone", "same_email"]),
        (close, ["similar_name"]),
    ]
    people.erase_participant(work, caseworker(AGENCY), likely)
    assert looked_for(work, own) == [(close, ["similar_name"])]


def test_only_for_whom_the_organisation_brought_without_a_number() -> None:
    work = Identities()
    assert code(lambda: looked_for(work, register(work))) == "has-a-number"
    with pytest.raises(Unknown):
        looked_for(work, register(work, identity=STRANGER), by=FK)
    held = refer(work, register(work, identity=STRANGER), provider="psykiatrin-skelleftea")
    by = caseworker("psykiatrin-skelleftea")
    taken = handlers.accept_referral(work, by, held.journey_id, referral.Accept())
    with pytest.raises(Forbidden):
        looked_for(work, taken.handles["psykiatrin-skelleftea"], by="psykiatrin-skelleftea")
    assert Referrals().collection == "referrals"
