"""A second open referral of one person to one programme: refused where the first may be read, else one person."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import correcting, handlers, participations
from services.intake.consumer import FOLDS
from services.intake.domain import corrections as c
from services.intake.domain import referral
from services.intake.domain.consent import RecordConsent
from services.intake.domain.journey import Referral
from services.intake.domain.participation import (
    KEPT,
    PARTICIPATIONS,
    RULE,
    Other,
    is_void,
    key_of_journey,
    settled,
    written,
)
from services.intake.repository import Referrals
from shared.language import events as e
from shared.language.decision import Change, subject_of
from shared.language.errors import Conflict
from shared.language.replies import RecordRejected
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    CLOSED_ON,
    COACTIVE,
    PROVIDER,
    READY_ON,
    TODAY,
    IntakeWork,
    asked,
    at_stage,
    caseworker,
    exit_fact,
    own,
    plain,
    register,
    said,
)
from tests.support.published import FakeProgrammes
from tests.unit.services.intake.test_inbound import answer, body, record

CLINIC = "psykiatrin-skelleftea"
"""Took the person on in another programme, and so may refer it too; the agency does not hear of that."""
BOTH = FakeProgrammes(COACTIVE, replace(COACTIVE, id="elsewhere"))
_references = count()


def known_to_both() -> tuple[IntakeWork, e.HandleId]:
    """A person whom the agency registered, and whom the clinic took on in another programme."""
    work = IntakeWork(programmes=BOTH)
    person = register(work)
    elsewhere = refer(work, AGENCY, person, programme="elsewhere", provider=CLINIC)
    accept = referral.Accept(occurred_on=ACCEPTED_ON)
    handlers.accept_referral(work, caseworker(CLINIC), elsewhere.journey_id, accept)
    return work, person


def refer(work: IntakeWork, by: str, person: e.HandleId, **what: object) -> Referral:
    """person: the handle of whoever registered the person; the referrer names its own."""
    command = asked(own(work, by, person), reference=f"R-{next(_references)}", **what)
    return handlers.refer(work, caseworker(by), command)


def now(work: IntakeWork, journey: Referral) -> Referral:
    found: Referral = work.get(subject_of("journey", journey.journey_id))
    return found


def withdraw(work: IntakeWork, journey: Referral) -> None:
    command = referral.Withdraw(reason="other_effort", occurred_on=TODAY)
    handlers.withdraw_referral(work, caseworker(journey.passage.referrer), journey.journey_id, command)


def decline(work: IntakeWork, journey: Referral) -> None:
    command = referral.Decline(reason="no_place", occurred_on=TODAY)
    handlers.decline_referral(work, caseworker(PROVIDER), journey.journey_id, command)


def mistaken(work: IntakeWork, journey: Referral) -> None:
    command = referral.RegisterMistake(reason="duplicate", occurred_on=TODAY)
    handlers.register_mistake(work, caseworker(journey.passage.referrer), journey.journey_id, command)


def apply_fact(work: IntakeWork, journey: Referral, *facts: e.Fact) -> None:
    for fact in facts:
        state = now(work, journey)
        change = FOLDS[type(fact)](state, said(fact), BOTH)
        work.save(subject_of("journey", journey.journey_id), change)


def exited(work: IntakeWork, journey: Referral) -> None:
    by, journey_id = caseworker(PROVIDER), journey.journey_id
    handlers.accept_referral(work, by, journey_id, referral.Accept(occurred_on=ACCEPTED_ON))
    handlers.record_consent(work, by, journey_id, RecordConsent(purpose="sharing", given=False))
    handlers.start_journey(work, by, journey_id, referral.Start(occurred_on=READY_ON))
    apply_fact(work, journey, exit_fact())


def closed(work: IntakeWork, journey: Referral) -> None:
    exited(work, journey)
    apply_fact(work, journey, e.JourneyClosed(occurred_on=CLOSED_ON, recorded_at=work.at))


def restored(work: IntakeWork, journey: Referral) -> None:
    """What made it void was said by a slip, and is taken back."""
    anew = c.CorrectReason(why="A slip.", void=True)
    by, passage = caseworker(journey.passage.referrer), now(work, journey).passage
    if passage.mistake:
        correcting.correct_mistake(work, by, journey.journey_id, anew)
    elif passage.withdrawn_on:
        correcting.correct_withdrawal(work, by, journey.journey_id, anew)
    else:
        correcting.correct_decline(work, caseworker(PROVIDER), journey.journey_id, anew)


# --- refused ---------------------------------------------------------------------------------------------------


def test_an_own_open_referral_is_named_with_where_it_stands_and_who_is_responsible() -> None:
    work = IntakeWork()
    person = register(work)
    first = refer(work, AGENCY, person)
    handlers.accept_referral(work, caseworker(PROVIDER), first.journey_id, referral.Accept())
    with pytest.raises(Conflict) as refused:
        refer(work, AGENCY, person)
    assert refused.value.code == "already-referred"
    assert refused.value.errors == {
        "journey_id": [first.journey_id],
        "stage": ["accepted"],
        "responsible": [PROVIDER],
    }
    for told in (first.journey_id, "accepted", PROVIDER):
        assert told in refused.value.detail
    assert len([one for one in work.documents if one.startswith("journey/")]) == 1


def test_so_is_one_that_the_referrer_may_read_by_another_part() -> None:
    work = IntakeWork()
    person = register(work)
    first = refer(work, AGENCY, person, provider=CLINIC)
    handlers.accept_referral(work, caseworker(CLINIC), first.journey_id, referral.Accept())
    with pytest.raises(Conflict) as refused:
        refer(work, CLINIC, person, provider=PROVIDER)
    assert refused.value.code == "already-referred"


@pytest.mark.parametrize("stage", ["received", "accepted", "started", "ready"])
def test_a_journey_is_open_until_it_ends(stage: str) -> None:
    work = IntakeWork()
    person = register(work)
    first = refer(work, AGENCY, person)
    stands = at_stage(stage)  # type: ignore[arg-type]
    passage = replace(stands.passage, participant_id=first.passage.participant_id)
    held = replace(first, passage=passage)
    work.documents[subject_of("journey", first.journey_id)] = Referrals().write(held)
    with pytest.raises(Conflict):
        refer(work, AGENCY, person)


@pytest.mark.parametrize("end", [withdraw, decline, mistaken, exited, closed])
def test_after_its_end_the_person_is_referred_again_as_before(
    end: Callable[[IntakeWork, Referral], None],
) -> None:
    work = IntakeWork()
    person = register(work)
    first = refer(work, AGENCY, person)
    end(work, first)
    again = refer(work, AGENCY, person, previous_journey=first.journey_id, occurred_on=READY_ON)
    assert again.passage.previous_journey == first.journey_id


def test_the_same_reference_still_answers_with_the_same_referral() -> None:
    work = IntakeWork()
    command = asked(register(work))
    first = handlers.refer(work, caseworker(AGENCY), command)
    assert handlers.refer(work, caseworker(AGENCY), command) == first


def test_over_kafka_the_rejection_says_the_same() -> None:
    work = IntakeWork()
    person = register(work)
    first = refer(work, AGENCY, person)
    rejected = answer(work, record(body(person, reference="FK-2")))
    assert (type(rejected.body), plain(rejected.body)["code"]) == (RecordRejected, "already-referred")
    assert plain(rejected.body)["errors"] == {
        "journey_id": [first.journey_id],
        "stage": ["received"],
        "responsible": [AGENCY],
    }


# --- received beside -------------------------------------------------------------------------------------------


def test_one_that_may_not_be_read_is_not_told_of_and_both_are_one_participation() -> None:
    work, person = known_to_both()
    first = refer(work, CLINIC, person)
    second = refer(work, AGENCY, person)
    both = now(work, first).participation
    assert both is not None
    assert (both.first, both.started) == (second.journey_id, ())
    assert now(work, second).participation is None, "it says all of the person"
    fact = e.ParticipationSettled(occurred_on=TODAY, recorded_at=work.at, participation=both)
    assert fact in work.events[-2:]


def test_who_is_responsible_is_told_since_when_and_what_else_only_by_a_part_in_it() -> None:
    work, person = known_to_both()
    first = refer(work, CLINIC, person, occurred_on=ACCEPTED_ON)
    second = refer(work, AGENCY, person, provider="kafe-solrosen", occurred_on=READY_ON)

    def told(organisation: str, journey: Referral) -> list[Other]:
        return list(participations.also_referred(work, caseworker(organisation), now(work, journey)))

    assert told(AGENCY, second) == told(CLINIC, first) == [Other(READY_ON)]
    assert told(PROVIDER, first) == [], "it is not responsible yet"
    handlers.accept_referral(work, caseworker(PROVIDER), first.journey_id, referral.Accept())
    assert told(CLINIC, first) == []
    assert told(PROVIDER, first) == [Other(READY_ON)]
    withdraw(work, second)
    assert told(PROVIDER, first) == told(AGENCY, second) == []


def test_a_provider_of_both_is_told_which() -> None:
    work, person = known_to_both()
    first = refer(work, CLINIC, person, occurred_on=ACCEPTED_ON)
    second = refer(work, AGENCY, person, occurred_on=READY_ON)
    handlers.accept_referral(work, caseworker(PROVIDER), first.journey_id, referral.Accept())
    (other,) = participations.also_referred(work, caseworker(PROVIDER), now(work, first))
    assert other == Other(READY_ON, second.journey_id, AGENCY)


# --- in any order ----------------------------------------------------------------------------------------------

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["refer", "refer", "withdraw", "decline", "mistake", "exit", "restore"]),
        st.integers(0, 5),
    ),
    max_size=14,
)


@given(DEEDS)
@settings(max_examples=100)
def test_every_journey_knows_what_the_person_s_journeys_say_together(deeds: list[tuple[str, int]]) -> None:
    work, person = known_to_both()
    made: list[Referral] = []
    ends = {"withdraw": withdraw, "decline": decline, "mistake": mistaken, "exit": exited}
    for deed, number in deeds:
        if deed == "refer":
            with suppress(Conflict):
                made.append(refer(work, (CLINIC, AGENCY)[number % 2], person))
        elif number < len(made) and deed == "restore":
            if is_void(now(work, made[number])):
                restored(work, made[number])
        elif number < len(made) and now(work, made[number]).passage.stage == "received":
            ends[deed](work, made[number])
    states = [now(work, one) for one in made]
    real = [one for one in states if not one.passage.mistake]
    begun = [one for one in real if one.passage.started_on]
    standing = [one for one in real if not is_void(one)] or real
    for one in states:
        whole = one.participation
        if one.passage.mistake or real == [one]:
            assert whole is None
        elif whole is not None:
            assert whole.started == tuple(each.journey_id for each in begun)
            assert whole.first == (begun[0] if begun else standing[-1]).journey_id
    assert sum(_says_entry(one) for one in real) == bool(real), "one person, counted once"
    assert settled(states, work.at) == []


def _says_entry(one: Referral) -> bool:
    return one.participation is None or one.participation.first == one.journey_id


def test_a_persons_whole_row_is_settled_at_any_time() -> None:
    """What an old release left unsaid, or a merge of two persons has put together."""
    work, person = known_to_both()
    first, second = refer(work, CLINIC, person), refer(work, AGENCY, person)
    unsaid = [replace(now(work, one), participation=None) for one in (first, second)]
    (change,) = settled(unsaid, work.at)
    assert change.state == now(work, first)
    assert len(change.events) == 1
    assert settled([change.state, unsaid[1]], work.at) == []


def test_what_an_older_release_left_is_settled_once() -> None:
    work, person = known_to_both()
    first, second = refer(work, CLINIC, person), refer(work, AGENCY, person)
    key = key_of_journey(first.passage)
    row = {name: one for name, one in work.table[PARTICIPATIONS, key].items() if name != "settled"}
    work.table[PARTICIPATIONS, key] = row
    said = now(work, first).participation
    work.save(subject_of("journey", first.journey_id), Change(replace(now(work, first), participation=None)))
    assert participations.settle_row(work, key)
    assert (now(work, first).participation, now(work, second).participation) == (said, None)
    assert work.table[PARTICIPATIONS, key]["settled"] == RULE
    before = len(work.events)
    assert not participations.settle_row(work, key)
    assert len(work.events) == before


def test_a_row_keeps_every_open_journey_and_only_so_many_others() -> None:
    usual, over = at_stage("received"), at_stage("withdrawn")
    journeys = [
        replace(usual if n % 7 == 0 else over, journey_id=e.JourneyId(f"j-{n:026d}")) for n in range(200)
    ]
    row = written("key", {"turn": 4}, journeys)
    kept = row.body["journeys"]
    assert kept[0] == journeys[0].journey_id
    assert {one.journey_id for one in journeys if one.passage.stage == "received"} <= set(kept)
    assert len(kept) == KEPT + sum(one.passage.stage == "received" for one in journeys)
    assert kept == sorted(kept)
    assert row.body["turn"] == 5


@pytest.mark.parametrize("deed", [withdraw, exited])
def test_each_decision_that_others_rest_on_writes_the_row(
    deed: Callable[[IntakeWork, Referral], None],
) -> None:
    work, person = known_to_both()
    first = refer(work, CLINIC, person)
    key = key_of_journey(first.passage)
    refer(work, AGENCY, person)
    before = work.table[PARTICIPATIONS, key]["turn"]
    deed(work, first)
    assert work.table[PARTICIPATIONS, key]["turn"] == before + 1, (
        "else two at one moment would both slip through"
    )
