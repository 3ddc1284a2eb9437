"""What a participant's answer on consent does, and what it may not be."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, get_args

import pytest

from services.intake.domain import consent
from services.intake.domain.journey import Referral
from shared.language import events as e
from shared.language.decision import Change
from shared.language.errors import Conflict, Invalid, Unknown
from shared.language.passage import Consent, OpenOffer, Stage
from tests.support.intake_work import (
    ACCEPTED_ON,
    AGENCY,
    AT,
    COACTIVE,
    CONSENT,
    EMPLOYER,
    OTHER_PROVIDER,
    PROVIDER,
    REFERRED_ON,
    STARTED_ON,
    TODAY,
    accepted,
    at_stage,
    referred,
    without_consent,
)
from tests.support.published import roles_of

STAGES: tuple[Stage, ...] = get_args(Stage)
ROLES = roles_of(COACTIVE, TODAY)
NO = consent.RecordConsent(purpose="sharing", given=False)


@pytest.mark.parametrize("stage", STAGES)
def test_an_answer_is_taken_until_the_journey_has_ended(stage: Stage) -> None:
    held = without_consent(at_stage(stage))
    if stage in ("declined", "withdrawn", "closed", "mistake"):
        with pytest.raises(Conflict) as refused:
            consent.record(held, NO, by=PROVIDER, roles=ROLES, at=AT)
        assert refused.value.code == "wrong-stage"
    else:
        change = consent.record(held, NO, by=PROVIDER, roles=ROLES, at=AT)
        assert [type(one) for one in change.events] == [e.ConsentRefused]
        assert consent.record(change.state, NO, by=PROVIDER, roles=ROLES, at=AT) == Change(change.state)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("on", [date(1, 1, 1), REFERRED_ON - timedelta(days=1)])
def test_an_answer_is_not_before_the_referral(on: date, given: bool) -> None:
    said = replace(CONSENT if given else NO, occurred_on=on)
    with pytest.raises(Invalid) as refused:
        consent.record(without_consent(accepted()), said, by=PROVIDER, roles=ROLES, at=AT)
    assert refused.value.errors == {"occurred_on": [f"Lies before the referral ({REFERRED_ON.isoformat()})."]}
    at_the_day = replace(said, occurred_on=REFERRED_ON)
    assert consent.record(without_consent(accepted()), at_the_day, by=PROVIDER, roles=ROLES, at=AT).events


@pytest.mark.parametrize("stage", ["accepted", "started", "ready", "exited", "closed"])
def test_a_consent_can_be_taken_back_until_the_end_and_after(stage: Stage) -> None:
    command = consent.WithdrawConsent(purpose="sharing")
    change = consent.withdraw(at_stage(stage), command, at=AT)
    assert [type(one) for one in change.events] == [e.ConsentWithdrawn]
    assert change.state.passage.consents["sharing"] == Consent(given=False, said_on=TODAY)
    assert consent.withdraw(change.state, command, at=AT) == Change(change.state)


def test_nothing_rests_on_a_consent_once_the_journey_is_a_mistake() -> None:
    with pytest.raises(Conflict):
        consent.withdraw(at_stage("mistake"), consent.WithdrawConsent(purpose="sharing"), at=AT)


def test_what_was_never_asked_cannot_be_taken_back() -> None:
    with pytest.raises(Unknown):
        consent.withdraw(accepted(), consent.WithdrawConsent(purpose="sus"), at=AT)


def test_a_consent_is_not_taken_back_before_it_was_given() -> None:
    command = consent.WithdrawConsent(purpose="sharing", occurred_on=REFERRED_ON)
    with pytest.raises(Invalid) as refused:
        consent.withdraw(accepted(), command, at=AT)
    assert refused.value.errors == {"occurred_on": ["Lies before the consent (2016-03-08)."]}


def test_the_same_answer_again_announces_nothing_whatever_the_order_of_its_organisations() -> None:
    turned = replace(CONSENT, organisations=CONSENT.organisations[::-1])
    held = accepted()
    assert consent.record(held, turned, by=PROVIDER, roles=ROLES, at=AT) == Change(held)
    assert consent.record(held, replace(turned, occurred_on=None), by=PROVIDER, roles=ROLES, at=AT) == Change(
        held
    )


def test_a_no_where_a_yes_stood_takes_the_consent_back() -> None:
    change = consent.record(accepted(), NO, by=PROVIDER, roles=ROLES, at=AT)
    assert [type(one) for one in change.events] == [e.ConsentWithdrawn]


def test_purposes_are_answered_one_by_one() -> None:
    other = replace(CONSENT, purpose="sus", occurred_on=STARTED_ON)
    change = consent.record(accepted(), other, by=PROVIDER, roles=ROLES, at=AT)
    assert set(change.state.passage.consents) == {"sharing", "sus"}
    assert [type(one) for one in change.events] == [e.ConsentGiven]


@pytest.mark.parametrize(
    ("covers", "events"),
    [
        ((OTHER_PROVIDER,), [e.ConsentWithdrawn, e.ConsentGiven]),
        ((EMPLOYER,), [e.ConsentGiven]),
    ],
)
def test_a_narrower_consent_lets_the_open_offer_it_no_longer_covers_fall(
    covers: tuple[str, ...], events: list[type[e.Fact]]
) -> None:
    held = at_stage("ready")
    offer = OpenOffer(handover=e.HandoverId("j-0.h1"), kind="provider_to_employer", to_organisation=EMPLOYER)
    held = replace(held, passage=replace(held.passage, offer=offer))
    narrower = replace(CONSENT, organisations=covers, occurred_on=TODAY)
    change = consent.record(held, narrower, by=PROVIDER, roles=ROLES, at=AT)
    assert [type(one) for one in change.events] == events
    assert change.state.passage.consents["sharing"].organisations == covers


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"organisations": ()}, {"organisations"}),
        ({"organisations": ("nobody-here",)}, {"organisations"}),
        ({"last_day": None}, {"last_day"}),
        ({"last_day": date(2016, 3, 7)}, {"last_day"}),
        ({"occurred_on": date(2017, 5, 3)}, {"occurred_on"}),
        ({"given": False}, {"organisations", "last_day"}),
        (
            {"organisations": (), "last_day": None, "occurred_on": date(2017, 5, 3)},
            {"organisations", "last_day", "occurred_on"},
        ),
    ],
)
def test_everything_wrong_with_an_answer_is_said_at_once(wrong: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        consent.record(referred(), replace(CONSENT, **wrong), by=PROVIDER, roles=ROLES, at=AT)
    assert refused.value.errors is not None
    assert set(refused.value.errors) == fields


@pytest.mark.parametrize(
    ("by", "held"),
    [(AGENCY, referred()), (AGENCY, accepted()), (PROVIDER, referred())],
    ids=["the referrer before", "the referrer after", "a provider that has not answered"],
)
def test_nobody_takes_down_a_consent_that_opens_something_to_itself(
    by: e.Organisation, held: Referral
) -> None:
    covers = replace(CONSENT, organisations=(EMPLOYER, by), occurred_on=None)
    with pytest.raises(Invalid) as refused:
        consent.record(held, covers, by=by, roles=ROLES, at=AT)
    assert refused.value.errors is not None
    assert set(refused.value.errors) == {"organisations"}


def test_who_took_the_person_on_may_be_covered_for_when_it_hands_over() -> None:
    covers = replace(CONSENT, organisations=(EMPLOYER, PROVIDER), occurred_on=None)
    change = consent.record(accepted(), covers, by=PROVIDER, roles=ROLES, at=AT)
    assert change.state.passage.consents["sharing"].organisations == tuple(sorted((EMPLOYER, PROVIDER)))


def test_a_consent_holds_on_its_last_day_and_not_after() -> None:
    held = accepted().passage.consents["sharing"]
    assert held.covers(EMPLOYER, date(2018, 12, 31))
    assert not held.covers(EMPLOYER, date(2019, 1, 1))
    assert not held.covers("urkraft", ACCEPTED_ON)
