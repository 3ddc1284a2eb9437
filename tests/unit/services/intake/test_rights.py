"""Who may know a person: never because of what it said itself, and not for ever."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.intake import handlers, inbound, people
from services.intake.consumer import FOLDS
from services.intake.domain import referral
from services.intake.domain.journey import Referral
from services.intake.domain.referral import UNKNOWN_PARTICIPANT
from shared.language import events as e
from shared.language.decision import subject_of
from shared.language.errors import Conflict, Forbidden, Invalid, Refused, Unknown
from shared.runtime.arrived import Arrived
from tests.support.fakes import noon
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    COACTIVE,
    EMPLOYER,
    NOBODY,
    PERSON,
    PROVIDER,
    STARTED_ON,
    TODAY,
    VAULT,
    IntakeWork,
    asked,
    caseworker,
    own,
    plain,
    register,
    said,
)
from tests.support.published import FakeProgrammes
from tests.support.takers import takers_of

OTHER_AGENCY = "forsakringskassan"
ELSEWHERE = replace(COACTIVE, id="elsewhere")
"""Where a person who stands in one programme may be referred on to."""
BOTH = FakeProgrammes(COACTIVE, ELSEWHERE)
CLINIC = "psykiatrin-skelleftea"
"""Refers, and takes people on."""
UNKNOWN_PERSON = {"participant_id": [UNKNOWN_PARTICIPANT]}


def may_read(work: IntakeWork, organisation: str, person: e.HandleId) -> bool:
    """person: the handle of whoever registered the person; the organisation asks with its own."""
    try:
        found = people.read_participant(
            work, caseworker(organisation), own(work, organisation, person), VAULT
        )
    except Unknown:
        return False
    return found[2].name == PERSON.name


def may_refer(work: IntakeWork, organisation: str, person: e.HandleId, reference: str = "R-1") -> bool:
    try:
        command = asked(own(work, organisation, person), reference=reference, programme="elsewhere")
        handlers.refer(work, caseworker(organisation), command)
    except Invalid as refused:
        assert refused.errors == UNKNOWN_PERSON
        return False
    return True


def begun(work: IntakeWork, provider: str = CLINIC, by: str = AGENCY, reference: str = "AF-1") -> Referral:
    """A referral that the provider has taken on."""
    person = register(work, by=by)
    command = asked(person, provider=provider, reference=reference)
    held = handlers.refer(work, caseworker(by), command)
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    return handlers.accept_referral(work, caseworker(provider), held.journey_id, accept)


def person_of(held: Referral) -> e.HandleId:
    return held.handles[held.passage.referrer]


def tell(work: IntakeWork, held: Referral, fact: e.Fact) -> None:
    """Fold another service's fact into intake."""
    subject = subject_of("journey", held.journey_id)
    extra = takers_of(work, subject)
    work.save(subject, FOLDS[type(fact)](work.get(subject), said(fact, extra=extra), work.programmes))


def handed_over(held: Referral, to: str, kind: e.HandoverKind = "provider_to_employer") -> e.HandoverAccepted:
    return e.HandoverAccepted(
        occurred_on=date(2016, 9, 1),
        recorded_at=noon(date(2016, 9, 1)),
        handover=e.HandoverId(f"{held.journey_id}.h1"),
        kind=kind,
        from_organisation=held.passage.responsible,
        to_organisation=to,
        offered_on=date(2016, 8, 25),
    )


# --- a right never rests on what the caller said itself ---------------------------------------------------------


def test_who_knows_a_handle_can_neither_refer_read_nor_erase() -> None:
    work = IntakeWork(programmes=BOTH)
    person = register(work)
    handlers.refer(work, caseworker(AGENCY), asked(person, provider=None))
    for stranger in (OTHER_AGENCY, CLINIC):
        with pytest.raises(Invalid):
            handlers.refer(work, caseworker(stranger), asked(person, programme="elsewhere"))
        with pytest.raises(Unknown):
            people.read_participant(work, caseworker(stranger), person, VAULT)
        with pytest.raises(Unknown):
            people.erase_participant(work, caseworker(stranger), person)
    assert len(work.events) == 1


def outcome(act: Callable[[], Any]) -> tuple[str, str, Any]:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code, refused.value.detail, refused.value.errors


@pytest.mark.parametrize("organisation", [OTHER_AGENCY, CLINIC])
def test_a_person_of_others_and_none_at_all_are_refused_alike(organisation: str) -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work, provider=PROVIDER)
    who = caseworker(organisation)

    def refused(person: e.HandleId) -> list[tuple[str, str, Any]]:
        again = asked(
            person, reference="R-2", previous_journey=held.journey_id, occurred_on=date(2016, 2, 20)
        )
        record = Arrived(
            f"inbound.{organisation}.referrals.v1",
            0,
            1,
            [],
            json.dumps(
                {
                    "reference": "R-3",
                    "participant_id": person,
                    "programme": "coactive",
                    "municipality": "2482",
                    "previous_journey": held.journey_id,
                }
            ).encode(),
        )
        answer = plain(inbound.receive(work, record).body)
        return [
            outcome(lambda: handlers.refer(work, who, asked(person, reference="R-1"))),
            outcome(lambda: handlers.refer(work, who, again)),
            outcome(lambda: people.read_participant(work, who, person, VAULT)),
            outcome(lambda: people.erase_participant(work, who, person)),
            (answer["code"], answer["detail"], answer["errors"]),
        ]

    assert refused(person_of(held)) == refused(NOBODY)


def test_an_erased_person_of_others_is_none_at_all() -> None:
    work = IntakeWork(programmes=BOTH)
    person = register(work)
    people.erase_participant(work, caseworker(AGENCY), person)
    assert not may_refer(work, OTHER_AGENCY, person)
    assert not may_read(work, OTHER_AGENCY, person)


def test_a_referral_makes_its_referrer_no_party_to_the_person() -> None:
    work = IntakeWork(programmes=BOTH)
    person = person_of(begun(work, provider=CLINIC))
    assert may_refer(work, CLINIC, person, "C-1")
    rows = [row for (name, _), row in work.table.items() if name == "parts"]
    assert [row["organisations"] for row in rows] == [[CLINIC]]


def test_a_provider_that_took_a_person_on_refers_onwards_and_reads_but_does_not_erase() -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work, provider=CLINIC)
    person = person_of(held)
    assert may_read(work, CLINIC, person)
    theirs = own(work, CLINIC, person)
    assert theirs not in (person, NOBODY)
    onwards = asked(theirs, reference="C-1", programme="elsewhere", occurred_on=STARTED_ON)
    handlers.refer(work, caseworker(CLINIC), onwards)
    with pytest.raises(Forbidden) as refused:
        people.erase_participant(work, caseworker(CLINIC), theirs)
    assert refused.value.code == "not-your-journey"
    assert work.get(subject_of("handle", person)).sealed is not None


def test_a_receiver_that_accepted_a_handover_reads_the_person() -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work)
    assert not may_read(work, EMPLOYER, person_of(held))
    tell(work, held, handed_over(held, EMPLOYER))
    assert may_read(work, EMPLOYER, person_of(held))
    assert may_read(work, CLINIC, person_of(held)), "the provider is still asked at the follow-ups"


def test_no_provider_prolongs_its_part_by_accepting_its_own_referral() -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work, provider=CLINIC)
    theirs = own(work, CLINIC, person_of(held))
    onwards = asked(theirs, reference="C-1", provider=CLINIC, programme="elsewhere")
    sent = handlers.refer(work, caseworker(CLINIC), onwards)
    handlers.accept_referral(
        work, caseworker(CLINIC), sent.journey_id, referral.Accept(occurred_on=ACCEPTED_ON)
    )
    mistake = referral.RegisterMistake(reason="wrong_person")
    handlers.register_mistake(work, caseworker(AGENCY), held.journey_id, mistake)
    assert not may_read(work, CLINIC, person_of(held))


def test_a_previous_journey_is_one_of_the_same_person() -> None:
    work = IntakeWork(programmes=BOTH)
    others = begun(work, provider=PROVIDER)
    theirs = register(work, by=OTHER_AGENCY)
    command = asked(
        theirs, reference="R-1", previous_journey=others.journey_id, occurred_on=date(2016, 2, 20)
    )
    with pytest.raises(Invalid) as refused:
        handlers.refer(work, caseworker(OTHER_AGENCY), command)
    assert refused.value.errors == {
        "previous_journey": ["Takes the id of an earlier journey of the same participant in the programme."]
    }


def test_a_part_in_one_programme_is_none_where_the_organisation_takes_part_no_more() -> None:
    without = tuple(one for one in COACTIVE.organisations if one.id != CLINIC)
    elsewhere = replace(COACTIVE, id="elsewhere")
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, elsewhere))
    person = person_of(begun(work, provider=CLINIC))
    assert may_read(work, CLINIC, person)
    work.programmes = FakeProgrammes(COACTIVE, replace(COACTIVE, version=2, organisations=without), elsewhere)
    assert not may_read(work, CLINIC, person)
    assert not may_refer_elsewhere(work, person)


def may_refer_elsewhere(work: IntakeWork, person: e.HandleId) -> bool:
    command = asked(own(work, CLINIC, person), programme="elsewhere", reference="E-1", provider=None)
    try:
        handlers.refer(work, caseworker(CLINIC), command)
    except Invalid as refused:
        assert refused.errors == UNKNOWN_PERSON
        return False
    return True


# --- a part ends ------------------------------------------------------------------------------------------------


def _withdrawn(work: IntakeWork, held: Referral) -> None:
    handlers.withdraw_referral(
        work, caseworker(AGENCY), held.journey_id, referral.Withdraw(reason="other_effort")
    )


def _mistaken(work: IntakeWork, held: Referral) -> None:
    handlers.register_mistake(
        work, caseworker(AGENCY), held.journey_id, referral.RegisterMistake(reason="wrong_person")
    )


@pytest.mark.parametrize("end", [_withdrawn, _mistaken])
def test_a_part_ends_with_the_referral(end: Callable[[IntakeWork, Referral], None]) -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work)
    end(work, held)
    assert not may_read(work, CLINIC, person_of(held))
    assert not may_refer(work, CLINIC, person_of(held))
    end(work, held)
    assert may_read(work, AGENCY, person_of(held)), "who registered the person keeps it"


def test_a_declined_referral_gives_nobody_a_part() -> None:
    work = IntakeWork(programmes=BOTH)
    person = register(work)
    held = handlers.refer(work, caseworker(AGENCY), asked(person, provider=CLINIC))
    no = referral.Decline(reason="no_place")
    handlers.decline_referral(work, caseworker(CLINIC), held.journey_id, no)
    assert not may_read(work, CLINIC, person)
    handlers.decline_referral(work, caseworker(CLINIC), held.journey_id, no)


CLOSED_ON = date(2017, 3, 31)


def _closed(held: Referral) -> e.JourneyClosed:
    return e.JourneyClosed(occurred_on=CLOSED_ON, recorded_at=noon(CLOSED_ON))


@pytest.mark.parametrize(
    ("months", "last_day"), [(3, date(2017, 6, 29)), (0, date(2017, 3, 30)), (1, date(2017, 4, 29))]
)
def test_a_part_ends_so_many_months_after_the_closing_as_the_programme_says(
    months: int, last_day: date
) -> None:
    work = IntakeWork(programmes=FakeProgrammes(replace(COACTIVE, parts_end_after_months=months), ELSEWHERE))
    held = begun(work)
    tell(work, held, handed_over(held, EMPLOYER))
    tell(work, held, _closed(held))
    for organisation in (CLINIC, EMPLOYER):
        work.at = noon(last_day)
        assert may_read(work, organisation, person_of(held))
        work.at = noon(date.fromordinal(last_day.toordinal() + 1))
        assert not may_read(work, organisation, person_of(held))
    assert not may_refer(work, CLINIC, person_of(held))


def test_three_months_are_what_a_programme_that_says_nothing_gives() -> None:
    assert COACTIVE.parts_end_after_months == 3


def test_the_end_of_one_journey_leaves_the_part_in_another() -> None:
    work = IntakeWork(programmes=BOTH)
    first = begun(work)
    again = asked(person_of(first), provider=CLINIC, reference="AF-2", programme="elsewhere")
    second = handlers.refer(work, caseworker(AGENCY), replace(again, occurred_on=STARTED_ON))
    handlers.accept_referral(work, caseworker(CLINIC), second.journey_id, referral.Accept())
    _mistaken(work, second)
    assert may_read(work, CLINIC, person_of(first))
    _withdrawn(work, first)
    assert not may_read(work, CLINIC, person_of(first))


@pytest.mark.parametrize("exited_first", [False, True])
def test_a_closing_that_crosses_a_handover_ends_the_part_of_both(exited_first: bool) -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work)
    facts: list[e.Fact] = [handed_over(held, EMPLOYER), _closed(held)]
    for fact in reversed(facts) if exited_first else facts:
        tell(work, held, fact)
    work.at = noon(date(2017, 6, 29))
    assert may_read(work, EMPLOYER, person_of(held))
    work.at = noon(date(2017, 6, 30))
    assert not may_read(work, EMPLOYER, person_of(held))


def test_a_referral_sent_again_after_the_part_has_ended_is_still_the_same_referral() -> None:
    work = IntakeWork(programmes=BOTH)
    held = begun(work)
    theirs = own(work, CLINIC, person_of(held))
    onwards = asked(theirs, reference="C-1", occurred_on=TODAY, programme="elsewhere")
    first = handlers.refer(work, caseworker(CLINIC), onwards)
    _mistaken(work, held)
    assert handlers.refer(work, caseworker(CLINIC), onwards).journey_id == first.journey_id
    with pytest.raises(Conflict):
        handlers.refer(work, caseworker(CLINIC), replace(onwards, municipality="2417"))
    assert not may_refer(work, CLINIC, person_of(held), "C-2")
