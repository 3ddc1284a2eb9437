"""Who may know a person: never because of what it said itself, and not for ever."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.intake import handlers, inbound
from services.intake.consumer import folds_telling
from services.intake.domain import referral
from services.intake.domain.journey import Referral
from services.intake.domain.referral import UNKNOWN_PARTICIPANT
from shared.language import events as e
from shared.language.decision import subject_of
from shared.language.errors import Conflict, Forbidden, Invalid, Refused, Unknown
from shared.runtime.arrived import Arrived
from tests.unit.services.intake.desk import (
    ACCEPTED_ON,
    AGENCY,
    COACTIVE,
    EMPLOYER,
    PERSON,
    PROVIDER,
    STARTED_ON,
    TODAY,
    VAULT,
    Desk,
    Shelf,
    asked,
    caseworker,
    noon,
    plain,
    register,
    said,
)

OTHER_AGENCY = "forsakringskassan"
ELSEWHERE = replace(COACTIVE, id="elsewhere")
"""Where a person who stands in one programme may be referred on to."""
BOTH = Shelf(COACTIVE, ELSEWHERE)
CLINIC = "psykiatrin-skelleftea"
"""Refers, and takes people on."""
NOBODY = e.ParticipantId("p-" + "9" * 26)
UNKNOWN_PERSON = {"participant_id": [UNKNOWN_PARTICIPANT]}


def may_read(desk: Desk, organisation: str, person: e.ParticipantId) -> bool:
    try:
        found = handlers.read_participant(desk, caseworker(organisation), person, VAULT)
    except Unknown:
        return False
    return found[1] == PERSON


def may_refer(desk: Desk, organisation: str, person: e.ParticipantId, reference: str = "R-1") -> bool:
    try:
        command = asked(person, reference=reference, programme="elsewhere")
        handlers.refer(desk, caseworker(organisation), command, ())
    except Invalid as refused:
        assert refused.errors == UNKNOWN_PERSON
        return False
    return True


def begun(desk: Desk, provider: str = CLINIC, by: str = AGENCY, reference: str = "AF-1") -> Referral:
    """A referral that the provider has taken on."""
    person = register(desk, by=by)
    command = asked(person, provider=provider, reference=reference)
    held = handlers.refer(desk, caseworker(by), command, ())
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    return handlers.accept_referral(desk, caseworker(provider), held.journey_id, accept, ())


def person_of(held: Referral) -> e.ParticipantId:
    return held.passage.participant_id


def tell(desk: Desk, held: Referral, fact: e.Fact) -> None:
    """Fold another service's fact into intake."""
    subject = subject_of("journey", held.journey_id)
    desk.save(subject, folds_telling(())[type(fact)](desk.get(subject), said(fact), desk.programmes))


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
    desk = Desk(programmes=BOTH)
    person = register(desk)
    handlers.refer(desk, caseworker(AGENCY), asked(person, provider=None), ())
    for stranger in (OTHER_AGENCY, CLINIC):
        assert not may_refer(desk, stranger, person)
        assert not may_read(desk, stranger, person)
        with pytest.raises(Unknown):
            handlers.erase_participant(desk, caseworker(stranger), person)
    assert len(desk.events) == 1


def outcome(act: Callable[[], Any]) -> tuple[str, str, Any]:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code, refused.value.detail, refused.value.errors


@pytest.mark.parametrize("organisation", [OTHER_AGENCY, CLINIC])
def test_a_person_of_others_and_none_at_all_are_refused_alike(organisation: str) -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk, provider=PROVIDER)
    who = caseworker(organisation)

    def refused(person: e.ParticipantId) -> list[tuple[str, str, Any]]:
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
        answer = plain(inbound.receive(desk, record, ()).body)
        return [
            outcome(lambda: handlers.refer(desk, who, asked(person, reference="R-1"), ())),
            outcome(lambda: handlers.refer(desk, who, again, ())),
            outcome(lambda: handlers.read_participant(desk, who, person, VAULT)),
            outcome(lambda: handlers.erase_participant(desk, who, person)),
            (answer["code"], answer["detail"], answer["errors"]),
        ]

    assert refused(person_of(held)) == refused(NOBODY)


def test_an_erased_person_of_others_is_none_at_all() -> None:
    desk = Desk(programmes=BOTH)
    person = register(desk)
    handlers.erase_participant(desk, caseworker(AGENCY), person)
    assert not may_refer(desk, OTHER_AGENCY, person)
    assert not may_read(desk, OTHER_AGENCY, person)


def test_a_referral_makes_its_referrer_no_party_to_the_person() -> None:
    desk = Desk(programmes=BOTH)
    person = person_of(begun(desk, provider=CLINIC))
    assert may_refer(desk, CLINIC, person, "C-1")
    rows = [row for (name, _), row in desk.table.items() if name == "parts"]
    assert [row["organisations"] for row in rows] == [[CLINIC]]


def test_a_provider_that_took_a_person_on_refers_onwards_and_reads_but_does_not_erase() -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk, provider=CLINIC)
    person = person_of(held)
    assert may_read(desk, CLINIC, person)
    onwards = asked(
        person,
        reference="C-1",
        programme="elsewhere",
        previous_journey=held.journey_id,
        occurred_on=STARTED_ON,
    )
    handlers.refer(desk, caseworker(CLINIC), onwards, ())
    with pytest.raises(Forbidden) as refused:
        handlers.erase_participant(desk, caseworker(CLINIC), person)
    assert refused.value.code == "not-your-journey"
    assert desk.get(subject_of("participant", person)).sealed is not None


def test_a_receiver_that_accepted_a_handover_reads_the_person() -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk)
    assert not may_read(desk, EMPLOYER, person_of(held))
    tell(desk, held, handed_over(held, EMPLOYER))
    assert may_read(desk, EMPLOYER, person_of(held))
    assert may_read(desk, CLINIC, person_of(held)), "the provider is still asked at the follow-ups"


def test_no_provider_prolongs_its_part_by_accepting_its_own_referral() -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk, provider=CLINIC)
    onwards = asked(person_of(held), reference="C-1", provider=CLINIC, programme="elsewhere")
    own = handlers.refer(desk, caseworker(CLINIC), onwards, ())
    handlers.accept_referral(
        desk, caseworker(CLINIC), own.journey_id, referral.Accept(occurred_on=ACCEPTED_ON), ()
    )
    mistake = referral.RegisterMistake(reason="wrong_person")
    handlers.register_mistake(desk, caseworker(AGENCY), held.journey_id, mistake, ())
    assert not may_read(desk, CLINIC, person_of(held))


def test_a_previous_journey_is_one_of_the_same_person() -> None:
    desk = Desk(programmes=BOTH)
    others = begun(desk, provider=PROVIDER)
    own = register(desk, by=OTHER_AGENCY)
    command = asked(own, reference="R-1", previous_journey=others.journey_id, occurred_on=date(2016, 2, 20))
    with pytest.raises(Invalid) as refused:
        handlers.refer(desk, caseworker(OTHER_AGENCY), command, ())
    assert refused.value.errors == {
        "previous_journey": ["Takes the id of an earlier journey of the same participant."]
    }


def test_a_part_in_one_programme_is_none_where_the_organisation_takes_part_no_more() -> None:
    without = tuple(one for one in COACTIVE.organisations if one.id != CLINIC)
    elsewhere = replace(COACTIVE, id="elsewhere")
    desk = Desk(programmes=Shelf(COACTIVE, elsewhere))
    person = person_of(begun(desk, provider=CLINIC))
    assert may_read(desk, CLINIC, person)
    desk.programmes = Shelf(COACTIVE, replace(COACTIVE, version=2, organisations=without), elsewhere)
    assert not may_read(desk, CLINIC, person)
    assert not may_refer_elsewhere(desk, person)


def may_refer_elsewhere(desk: Desk, person: e.ParticipantId) -> bool:
    command = asked(person, programme="elsewhere", reference="E-1", provider=None)
    try:
        handlers.refer(desk, caseworker(CLINIC), command, ())
    except Invalid as refused:
        assert refused.errors == UNKNOWN_PERSON
        return False
    return True


# --- a part ends ------------------------------------------------------------------------------------------------


def _withdrawn(desk: Desk, held: Referral) -> None:
    handlers.withdraw_referral(
        desk, caseworker(AGENCY), held.journey_id, referral.Withdraw(reason="other_effort"), ()
    )


def _mistaken(desk: Desk, held: Referral) -> None:
    handlers.register_mistake(
        desk, caseworker(AGENCY), held.journey_id, referral.RegisterMistake(reason="wrong_person"), ()
    )


@pytest.mark.parametrize("end", [_withdrawn, _mistaken])
def test_a_part_ends_with_the_referral(end: Callable[[Desk, Referral], None]) -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk)
    end(desk, held)
    assert not may_read(desk, CLINIC, person_of(held))
    assert not may_refer(desk, CLINIC, person_of(held))
    end(desk, held)
    assert may_read(desk, AGENCY, person_of(held)), "who registered the person keeps it"


def test_a_declined_referral_gives_nobody_a_part() -> None:
    desk = Desk(programmes=BOTH)
    person = register(desk)
    held = handlers.refer(desk, caseworker(AGENCY), asked(person, provider=CLINIC), ())
    no = referral.Decline(reason="no_place")
    handlers.decline_referral(desk, caseworker(CLINIC), held.journey_id, no, ())
    assert not may_read(desk, CLINIC, person)
    handlers.decline_referral(desk, caseworker(CLINIC), held.journey_id, no, ())


CLOSED_ON = date(2017, 3, 31)


def _closed(held: Referral) -> e.JourneyClosed:
    return e.JourneyClosed(occurred_on=CLOSED_ON, recorded_at=noon(CLOSED_ON))


@pytest.mark.parametrize(
    ("months", "last_day"), [(3, date(2017, 6, 29)), (0, date(2017, 3, 30)), (1, date(2017, 4, 29))]
)
def test_a_part_ends_so_many_months_after_the_closing_as_the_programme_says(
    months: int, last_day: date
) -> None:
    desk = Desk(programmes=Shelf(replace(COACTIVE, parts_end_after_months=months), ELSEWHERE))
    held = begun(desk)
    tell(desk, held, handed_over(held, EMPLOYER))
    tell(desk, held, _closed(held))
    for organisation in (CLINIC, EMPLOYER):
        desk.at = noon(last_day)
        assert may_read(desk, organisation, person_of(held))
        desk.at = noon(date.fromordinal(last_day.toordinal() + 1))
        assert not may_read(desk, organisation, person_of(held))
    assert not may_refer(desk, CLINIC, person_of(held))


def test_three_months_are_what_a_programme_that_says_nothing_gives() -> None:
    assert COACTIVE.parts_end_after_months == 3


def test_the_end_of_one_journey_leaves_the_part_in_another() -> None:
    desk = Desk(programmes=BOTH)
    first = begun(desk)
    again = asked(person_of(first), provider=CLINIC, reference="AF-2", programme="elsewhere")
    second = handlers.refer(desk, caseworker(AGENCY), replace(again, occurred_on=STARTED_ON), ())
    handlers.accept_referral(desk, caseworker(CLINIC), second.journey_id, referral.Accept(), ())
    _mistaken(desk, second)
    assert may_read(desk, CLINIC, person_of(first))
    _withdrawn(desk, first)
    assert not may_read(desk, CLINIC, person_of(first))


@pytest.mark.parametrize("exited_first", [False, True])
def test_a_closing_that_crosses_a_handover_ends_the_part_of_both(exited_first: bool) -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk)
    facts: list[e.Fact] = [handed_over(held, EMPLOYER), _closed(held)]
    for fact in reversed(facts) if exited_first else facts:
        tell(desk, held, fact)
    desk.at = noon(date(2017, 6, 29))
    assert may_read(desk, EMPLOYER, person_of(held))
    desk.at = noon(date(2017, 6, 30))
    assert not may_read(desk, EMPLOYER, person_of(held))


def test_a_referral_sent_again_after_the_part_has_ended_is_still_the_same_referral() -> None:
    desk = Desk(programmes=BOTH)
    held = begun(desk)
    onwards = asked(person_of(held), reference="C-1", occurred_on=TODAY, programme="elsewhere")
    first = handlers.refer(desk, caseworker(CLINIC), onwards, ())
    _mistaken(desk, held)
    assert handlers.refer(desk, caseworker(CLINIC), onwards, ()).journey_id == first.journey_id
    with pytest.raises(Conflict):
        handlers.refer(desk, caseworker(CLINIC), replace(onwards, municipality="2417"), ())
    assert not may_refer(desk, CLINIC, person_of(held), "C-2")
