"""The loop back: the referrer sees, and is told, what everybody's events make of its referral."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import handlers
from services.intake.consumer import FOLDS
from services.intake.domain import referral
from services.intake.domain.journey import Referral, apply_fact, standing
from services.intake.repository import Referrals
from shared.language import events as e
from shared.language.decision import Change, subject_of
from shared.language.events import Fact
from shared.language.passage import Stage
from shared.language.replies import JourneyMoved, ReferralStatusChanged
from tests.support.intake_work import (
    AGENCY,
    AT,
    CLOSED_ON,
    EMPLOYER,
    EXITED_ON,
    PROGRAMMES,
    PROVIDER,
    READY_ON,
    TODAY,
    IntakeWork,
    asked,
    at_stage,
    caseworker,
    exit_fact,
    plain,
    register,
    said,
)

WHEN: dict[str, Any] = {"occurred_on": TODAY, "recorded_at": AT}
HANDOVER = e.HandoverId("j-0.h1")


def offered() -> Fact:
    return e.HandoverOffered(
        **WHEN,
        handover=HANDOVER,
        kind="provider_to_employer",
        from_organisation=PROVIDER,
        to_organisation=EMPLOYER,
        deadline_on=date(2017, 6, 1),
    )


def handed_over() -> Fact:
    return e.HandoverAccepted(
        **WHEN,
        handover=HANDOVER,
        kind="provider_to_employer",
        from_organisation=PROVIDER,
        to_organisation=EMPLOYER,
        offered_on=READY_ON,
    )


def due(kind: str) -> Fact:
    return e.FollowUpDue(**WHEN, follow_up=e.FollowUpId(f"j-0.{kind}"), kind=kind, answer_by=TODAY)


def answered(kind: str, situation: e.Situation) -> Fact:
    return e.FollowUpAnswered(**WHEN, follow_up=e.FollowUpId(f"j-0.{kind}"), kind=kind, situation=situation)


def missed(kind: str) -> Fact:
    return e.FollowUpMissed(**WHEN, follow_up=e.FollowUpId(f"j-0.{kind}"), kind=kind)


def after(state: Referral, *facts: Fact) -> Referral:
    for fact in facts:
        state = apply_fact(state, said(fact), PROGRAMMES).state
    return state


HANDOVERS = [offered(), handed_over()]
OUTCOMES = [
    exit_fact(),
    due("28d"),
    answered("28d", "employed"),
    due("6m"),
    missed("6m"),
    e.JourneyClosed(occurred_on=CLOSED_ON, recorded_at=AT),
]
ACTIVITIES = [e.ParticipantReady(occurred_on=READY_ON, recorded_at=AT)]


@given(st.permutations([0] * len(HANDOVERS) + [1] * len(OUTCOMES) + [2] * len(ACTIVITIES)))
@settings(max_examples=200)
def test_however_the_sources_overtake_one_another_the_referrer_sees_the_same(order: list[int]) -> None:
    sources = [iter(HANDOVERS), iter(OUTCOMES), iter(ACTIVITIES)]
    state = after(at_stage("started"), *(next(sources[source]) for source in order))
    assert state == after(at_stage("started"), *ACTIVITIES, *HANDOVERS, *OUTCOMES)


def test_the_end_of_the_whole_way_as_the_referrer_reads_it() -> None:
    seen = plain(standing(after(at_stage("started"), *ACTIVITIES, *HANDOVERS, *OUTCOMES)))
    assert seen["stage"] == "closed"
    assert seen["responsible"] == PROVIDER
    assert seen["exit"] == {"on": EXITED_ON.isoformat(), "way": "by_plan", "situation": "employed"}
    assert seen["follow_ups"] == [
        {"kind": "28d", "status": "answered", "situation": "employed"},
        {"kind": "6m", "status": "missed", "situation": None},
    ]


def test_a_handover_moves_the_responsibility_unless_the_exit_came_first() -> None:
    assert after(at_stage("ready"), *HANDOVERS).passage.responsible == EMPLOYER
    late = after(at_stage("exited"), *HANDOVERS)
    assert (late.passage.responsible, late.passage.offer) == (PROVIDER, None)


def test_a_death_outranks_an_exit_that_crosses_it() -> None:
    dead = after(at_stage("exited"), exit_fact("deceased"))
    assert (dead.passage.exit_way, after(dead, exit_fact()).passage.exit_way) == ("deceased", "deceased")


@pytest.mark.parametrize("stage", ["declined", "withdrawn", "mistake", "closed"])
@pytest.mark.parametrize("fact", [*ACTIVITIES, *HANDOVERS, *OUTCOMES], ids=lambda one: type(one).__name__)
def test_what_has_happened_elsewhere_is_never_refused(stage: Stage, fact: Fact) -> None:
    assert apply_fact(at_stage(stage), said(fact), PROGRAMMES).events == ()


def test_a_mistake_outranks_everything() -> None:
    assert after(at_stage("mistake"), *ACTIVITIES, *HANDOVERS, *OUTCOMES).passage.stage == "mistake"


def test_a_fact_about_a_journey_that_was_never_received_is_a_fault() -> None:
    with pytest.raises(ValueError, match="never received"):
        apply_fact(None, said(ACTIVITIES[0]), PROGRAMMES)


def test_a_fact_that_is_known_already_changes_nothing() -> None:
    held = after(at_stage("exited"), due("28d"))
    assert apply_fact(held, said(due("28d")), PROGRAMMES) == Change(held)


# --- being told -----------------------------------------------------------------------------------------------


def test_the_referrer_is_told_of_each_change_it_can_see_and_of_no_other() -> None:
    state: Any = at_stage("started")
    told = []
    for fact in [*ACTIVITIES, *HANDOVERS, *OUTCOMES]:
        change = FOLDS[type(fact)](state, said(fact), PROGRAMMES)
        state = change.state
        told.append([plain(one.body)["stage"] for one in change.replies if one.organisation == AGENCY])
    assert told == [
        ["ready"],
        [],
        ["ready"],
        ["exited"],
        ["exited"],
        ["exited"],
        ["exited"],
        ["exited"],
        ["closed"],
    ]


def test_a_reply_says_what_a_reading_would_say() -> None:
    change = FOLDS[e.JourneyExited](at_stage("ready"), said(exit_fact()), PROGRAMMES)
    (reply,) = (one for one in change.replies if one.organisation == AGENCY)
    assert (reply.organisation, type(reply.body)) == (AGENCY, ReferralStatusChanged)
    assert plain(reply.body) == {
        **plain(standing(change.state)),
        "occurred_on": EXITED_ON.isoformat(),
        "recorded_at": AT.isoformat().replace("+00:00", "Z"),
    }


def test_intakes_own_decisions_are_told_too() -> None:
    work = IntakeWork()
    held = handlers.refer(work, caseworker(AGENCY), asked(register(work)))

    accept = referral.Accept()
    handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, accept)
    handlers.accept_referral(work, caseworker(PROVIDER), held.journey_id, accept)
    assert [(one.organisation, type(one.body), plain(one.body)["stage"]) for one in work.replies] == [
        (AGENCY, ReferralStatusChanged, "received"),
        (PROVIDER, JourneyMoved, "received"),
        (AGENCY, ReferralStatusChanged, "accepted"),
        (PROVIDER, JourneyMoved, "accepted"),
    ]


def test_who_has_a_part_is_told_that_the_journey_moved_and_nothing_of_the_person() -> None:
    held = at_stage("ready")
    told = FOLDS[e.HandoverOffered](held, said(HANDOVERS[0]), PROGRAMMES).replies
    assert [one.organisation for one in told] == [EMPLOYER, PROVIDER]
    assert set(plain(told[0].body)) == {
        *("journey_id", "programme", "programme_version", "stage", "occurred_on", "recorded_at")
    }


def test_a_referral_that_is_open_to_all_tells_nobody_but_its_referrer() -> None:
    work = IntakeWork()
    handlers.refer(work, caseworker(AGENCY), asked(register(work), provider=None))
    assert [one.organisation for one in work.replies] == [AGENCY]


def test_whoever_becomes_responsible_may_read_the_person() -> None:
    held = at_stage("ready")
    rows = FOLDS[e.HandoverAccepted](held, said(handed_over()), PROGRAMMES).rows
    assert [(row.collection, row.key) for row in rows] == [("parts", held.journey_id)]
    assert rows[0].body["participant_id"] == held.passage.participant_id
    assert rows[0].body["organisations"] == sorted([EMPLOYER, PROVIDER])


@pytest.mark.parametrize("stage", ["received", "accepted", "declined", "withdrawn", "closed", "mistake"])
def test_a_referral_reads_back_as_it_was_written(stage: Stage) -> None:
    held = after(at_stage(stage), *OUTCOMES[:3])
    document = Referrals().write(held)
    assert document["stage"] == held.passage.stage
    assert Referrals().read(subject_of("journey", held.journey_id), document) == held


def test_every_fact_that_moves_a_journey_from_outside_is_taken_in() -> None:
    said_here = {type(one) for one in [*ACTIVITIES, *HANDOVERS, *OUTCOMES]}
    ends = {e.HandoverDeclined, e.HandoverExpired, e.HandoverRecalled}
    assert set(FOLDS) == said_here | ends | {e.ReportMade}
