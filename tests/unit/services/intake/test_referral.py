"""Every decision on a referral at every stage, repeated, and with everything that can be wrong about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, get_args

import pytest

from services.intake import handlers, people
from services.intake.domain import referral
from services.intake.domain.journey import Referral
from shared.language import events as e
from shared.language.decision import Change, subject_of
from shared.language.errors import Conflict, Forbidden, Invalid, Unknown
from shared.language.passage import Stage
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    AT,
    COACTIVE,
    CONSENT,
    EMPLOYER,
    NOBODY,
    OTHER_PROVIDER,
    PROVIDER,
    REFERRED_ON,
    STRANGER,
    TODAY,
    IntakeWork,
    accepted,
    asked,
    at_stage,
    caseworker,
    referred,
    register,
    without_consent,
)
from tests.support.published import FakeProgrammes

STAGES: tuple[Stage, ...] = get_args(Stage)

Decide = Callable[[Referral], Change[Referral]]

DECISIONS: dict[str, Decide] = {
    "accept": lambda held: referral.accept(held, referral.Accept(), by=PROVIDER, at=AT),
    "accept_elsewhere": lambda held: referral.accept(held, referral.Accept(), by=OTHER_PROVIDER, at=AT),
    "decline": lambda held: referral.decline(
        held, referral.Decline(reason="no_place"), by=PROVIDER, programme=COACTIVE, at=AT
    ),
    "withdraw": lambda held: referral.withdraw(
        held, referral.Withdraw(reason="other_effort"), programme=COACTIVE, at=AT
    ),
    "start": lambda held: referral.start(held, referral.Start(), programme=COACTIVE, at=AT),
    "mistake": lambda held: referral.register_mistake(
        held, referral.RegisterMistake(reason="duplicate"), programme=COACTIVE, at=AT
    ),
}

NO, SAME = "wrong-stage", "unchanged"
TABLE: dict[str, dict[str, str]] = {
    #                    received          accepted       declined  withdrawn started ready exited closed mistake
    "accept": dict(zip(STAGES, ["accepted", SAME, NO, NO, SAME, SAME, SAME, SAME, NO], strict=True)),
    "accept_elsewhere": dict(zip(STAGES, ["accepted", NO, NO, NO, NO, NO, NO, NO, NO], strict=True)),
    "decline": dict(zip(STAGES, ["declined", NO, SAME, NO, NO, NO, NO, NO, NO], strict=True)),
    "withdraw": dict(zip(STAGES, ["withdrawn", "withdrawn", NO, SAME, NO, NO, NO, NO, NO], strict=True)),
    "start": dict(zip(STAGES, [NO, "started", NO, NO, SAME, SAME, SAME, SAME, NO], strict=True)),
    "mistake": dict(zip(STAGES, ["mistake"] * 8 + [SAME], strict=True)),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("decision", DECISIONS)
def test_each_decision_at_each_stage(decision: str, stage: Stage) -> None:
    held = at_stage(stage)
    assert held.passage.stage == stage
    expected = TABLE[decision][stage]
    if expected == NO:
        with pytest.raises(Conflict) as refused:
            DECISIONS[decision](held)
        assert refused.value.code == NO
        return
    change = DECISIONS[decision](held)
    if expected == SAME:
        assert change == Change(held)
        return
    assert change.state.passage.stage == expected
    assert len(change.events) == 1
    again = DECISIONS[decision](change.state)
    assert again == Change(change.state)


def test_the_provider_that_accepts_becomes_responsible() -> None:
    assert referred().passage.responsible == AGENCY
    assert accepted().passage.responsible == PROVIDER


def test_accepting_again_on_another_day_is_another_decision() -> None:
    with pytest.raises(Conflict):
        referral.accept(accepted(), referral.Accept(occurred_on=TODAY), by=PROVIDER, at=AT)


def test_a_refusal_keeps_what_its_reason_meant() -> None:
    held = at_stage("declined")
    assert held.refusal is not None
    assert (held.refusal.refused_by, held.refusal.follows) == ("provider", "refer_again")


def test_declining_again_for_another_reason_is_another_decision() -> None:
    command = referral.Decline(reason="other_need")
    with pytest.raises(Conflict):
        referral.decline(at_stage("declined"), command, by=PROVIDER, programme=COACTIVE, at=AT)


def test_a_mistake_has_one_reason() -> None:
    command = referral.RegisterMistake(reason="wrong_person")
    with pytest.raises(Conflict):
        referral.register_mistake(at_stage("mistake"), command, programme=COACTIVE, at=AT)


def test_nobody_starts_who_was_not_asked_about_sharing() -> None:
    with pytest.raises(Conflict) as refused:
        DECISIONS["start"](without_consent(accepted()))
    assert refused.value.code == "consent-not-asked"


@pytest.mark.parametrize(
    ("decide", "wrong"),
    [
        (
            lambda on, code: referral.accept(referred(), referral.Accept(occurred_on=on), by=PROVIDER, at=AT),
            False,
        ),
        (
            lambda on, code: referral.decline(
                referred(),
                referral.Decline(reason=code, occurred_on=on),
                by=PROVIDER,
                programme=COACTIVE,
                at=AT,
            ),
            True,
        ),
        (
            lambda on, code: referral.withdraw(
                referred(), referral.Withdraw(reason=code, occurred_on=on), programme=COACTIVE, at=AT
            ),
            True,
        ),
        (
            lambda on, code: referral.register_mistake(
                referred(), referral.RegisterMistake(reason=code, occurred_on=on), programme=COACTIVE, at=AT
            ),
            True,
        ),
        (
            lambda on, code: referral.start(
                accepted(), referral.Start(occurred_on=on), programme=COACTIVE, at=AT
            ),
            False,
        ),
    ],
)
@pytest.mark.parametrize("on", [date(2016, 2, 29), date(2017, 5, 3)])
def test_days_before_the_referral_or_after_today_and_unknown_codes_are_all_named(
    decide: Callable[[date, str], Any], wrong: bool, on: date
) -> None:
    with pytest.raises(Invalid) as refused:
        decide(on, "no-such-code")
    assert refused.value.errors is not None
    assert set(refused.value.errors) == ({"occurred_on", "reason"} if wrong else {"occurred_on"})


def test_a_start_lies_not_before_the_acceptance() -> None:
    with pytest.raises(Invalid) as refused:
        referral.start(accepted(), referral.Start(occurred_on=REFERRED_ON), programme=COACTIVE, at=AT)
    assert refused.value.errors == {"occurred_on": ["Lies before the acceptance (2016-03-08)."]}


# --- referring ------------------------------------------------------------------------------------------------


def test_the_same_reference_asking_for_the_same_is_the_same_referral() -> None:
    work = IntakeWork()
    command = asked(register(work))
    first = handlers.refer(work, caseworker(AGENCY), command)
    said = len(work.events)
    again = handlers.refer(work, caseworker(AGENCY), command)
    undated = handlers.refer(work, caseworker(AGENCY), asked(command.participant_id, occurred_on=None))
    assert first == again == undated
    assert len(work.events) == said == 1


def test_the_same_reference_asking_for_something_else_is_refused() -> None:
    work = IntakeWork()
    person = register(work)
    handlers.refer(work, caseworker(AGENCY), asked(person))
    with pytest.raises(Conflict) as refused:
        handlers.refer(work, caseworker(AGENCY), asked(person, municipality="2417"))
    assert refused.value.code == "reference-taken"


def test_references_are_each_organisations_own() -> None:
    work = IntakeWork()
    one = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    theirs = register(work, by="forsakringskassan")
    other = handlers.refer(work, caseworker("forsakringskassan"), asked(theirs))
    assert one.journey_id != other.journey_id


def test_everything_wrong_with_a_referral_is_said_at_once() -> None:
    work = IntakeWork()
    person = register(work)
    command = asked(
        person,
        municipality="0180",
        provider=EMPLOYER,
        previous_journey="j-" + "9" * 26,
        occurred_on=date(2016, 1, 31),
    )
    with pytest.raises(Invalid) as refused:
        handlers.refer(work, caseworker(AGENCY), command)
    assert refused.value.errors is not None
    assert set(refused.value.errors) == {"municipality", "provider", "previous_journey", "occurred_on"}
    with pytest.raises(Invalid) as refused:
        handlers.refer(work, caseworker(AGENCY), asked(NOBODY, programme="nowhere"))
    assert refused.value.errors is not None
    assert set(refused.value.errors) == {"participant_id", "programme"}


def test_a_referral_lies_within_the_programme_and_not_in_the_future() -> None:
    work = IntakeWork()
    work.at = AT.replace(year=2019)
    person = register(work)
    for on in (date(2019, 1, 1), date(2019, 5, 3)):
        with pytest.raises(Invalid) as refused:
            handlers.refer(work, caseworker(AGENCY), asked(person, occurred_on=on))
        assert refused.value.errors is not None
        assert set(refused.value.errors) == {"occurred_on"}


def test_a_re_referral_names_an_earlier_journey_of_the_same_person() -> None:
    work = IntakeWork()
    person, stranger = register(work), register(work, identity=STRANGER)
    first = handlers.refer(work, caseworker(AGENCY), asked(person))
    taken_back = referral.Withdraw(reason="other_effort", occurred_on=ACCEPTED_ON)
    handlers.withdraw_referral(work, caseworker(AGENCY), first.journey_id, taken_back)
    again = asked(person, reference="AF-2", previous_journey=first.journey_id, occurred_on=ACCEPTED_ON)
    assert handlers.refer(work, caseworker(AGENCY), again).passage.previous_journey == first.journey_id
    wrong = asked(stranger, reference="AF-3", previous_journey=first.journey_id)
    with pytest.raises(Invalid) as refused:
        handlers.refer(work, caseworker(AGENCY), wrong)
    assert refused.value.errors == {
        "previous_journey": ["Takes the id of an earlier journey of the same participant in the programme."]
    }


def test_an_erased_participant_cannot_be_referred() -> None:
    work = IntakeWork()
    person = register(work)
    people.erase_participant(work, caseworker(AGENCY), person)
    with pytest.raises(Conflict) as refused:
        handlers.refer(work, caseworker(AGENCY), asked(person))
    assert refused.value.code == "participant-erased"


def test_who_refers_is_decided_by_the_role_map_also_for_a_programme_that_is_not_there() -> None:
    work = IntakeWork()
    person = register(work)
    for programme in ("coactive", "nowhere"):
        with pytest.raises(Forbidden):
            handlers.refer(work, caseworker(EMPLOYER), asked(person, programme=programme))
    assert work.events == []


def test_a_referral_is_bound_to_the_newest_version_there_is() -> None:
    work = IntakeWork(programmes=FakeProgrammes(COACTIVE, _next_version()))
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    assert held.passage.programme_version == 2


def _next_version() -> Any:
    return replace(COACTIVE, version=2)


def test_only_a_provider_that_the_referral_names_may_answer_it() -> None:
    work = IntakeWork()
    named = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    with pytest.raises(Unknown):
        handlers.accept_referral(work, caseworker(OTHER_PROVIDER), named.journey_id, referral.Accept())
    open_to_all = handlers.refer(
        work,
        caseworker(AGENCY),
        asked(register(work, identity=STRANGER), reference="AF-2", provider=None),
    )
    taken = handlers.accept_referral(
        work, caseworker(OTHER_PROVIDER), open_to_all.journey_id, referral.Accept()
    )
    assert taken.passage.responsible == OTHER_PROVIDER
    with pytest.raises(Conflict) as late:
        handlers.accept_referral(work, caseworker(PROVIDER), open_to_all.journey_id, referral.Accept())
    assert late.value.code == "already-taken"


def test_a_whole_way_in_says_each_fact_once() -> None:
    work = IntakeWork()
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work)))
    journey = held.journey_id
    provider = caseworker(PROVIDER)
    handlers.accept_referral(work, provider, journey, referral.Accept())
    handlers.record_consent(work, provider, journey, CONSENT)
    handlers.start_journey(work, provider, journey, referral.Start())
    handlers.register_mistake(work, provider, journey, referral.RegisterMistake(reason="duplicate"))
    assert [type(one) for one in work.events] == [
        e.ReferralReceived,
        e.ReferralAccepted,
        e.ConsentGiven,
        e.JourneyStarted,
        e.JourneyRegisteredByMistake,
    ]
    assert work.get(subject_of("journey", journey)).passage.stage == "mistake"
