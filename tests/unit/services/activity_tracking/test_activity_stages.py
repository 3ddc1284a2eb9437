"""Every command at every stage: what is decided, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from services.activity_tracking.domain import plan, progress, sessions
from services.activity_tracking.domain.journey import Journey, SessionCounts, apply_fact, receive
from shared.language.decision import Received
from shared.language.errors import Conflict, Unready
from shared.language.events import SessionId
from shared.language.passage import Stage
from tests.support.fakes import noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import (
    ACCEPTED_ON,
    JOURNEY,
    PROVIDER,
    SMALL_PROGRAMME,
    STARTED_ON,
    SUBJECT,
    TODAY,
    WAYS,
    referral,
    start,
)

AT = noon(TODAY)
ENTRY = sessions.Session(
    session_id=SessionId("s-1"),
    journey_id=JOURNEY,
    number=1,
    organisation=PROVIDER,
    recorded_by=PROVIDER,
    activity="work_training",
    occurred_on=STARTED_ON,
    attendance="yes",
    minutes=60,
    recorded_at=AT,
)
GOAL = plan.Goal(
    goal="g1",
    journey_id=JOURNEY,
    number=1,
    organisation=PROVIDER,
    text="Ett eget kafé",
    set_on=ACCEPTED_ON,
)


def _plan(journey: Journey) -> Any:
    command = plan.PlanActivity(activity="work_training", first_on=STARTED_ON, occurred_on=STARTED_ON)
    return plan.plan(journey, command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT)


def _set_goal(journey: Journey) -> Any:
    return plan.set_goal(
        journey, plan.SetGoal(text="Ett eget kafé", occurred_on=STARTED_ON), by=PROVIDER, at=AT
    )


def _reach_goal(journey: Journey) -> Any:
    return plan.reach_goal(journey, GOAL, plan.ReachGoal(occurred_on=STARTED_ON), at=AT)


def _declare_ready(journey: Journey) -> Any:
    return plan.declare_ready(journey, plan.DeclareReady(occurred_on=STARTED_ON), by=PROVIDER, at=AT), None


def _log(journey: Journey) -> Any:
    command = sessions.LogSession(
        activity="work_training", occurred_on=STARTED_ON, attendance="yes", minutes=60
    )
    return sessions.log(
        journey,
        command,
        programme=SMALL_PROGRAMME,
        by=PROVIDER,
        at=AT,
        session=SessionId("s-2"),
        earlier=None,
        that_day=SessionCounts(),
    )


def _correct(journey: Journey) -> Any:
    command = sessions.CorrectSession(
        activity="work_training", occurred_on=STARTED_ON, attendance="late", minutes=30
    )
    return sessions.correct(
        journey,
        ENTRY,
        command,
        programme=SMALL_PROGRAMME,
        by=PROVIDER,
        at=AT,
        session=SessionId("s-2"),
        days={STARTED_ON: SessionCounts(logged=1, attended=1, minutes=60)},
    )


def _measure(journey: Journey) -> Any:
    command = progress.MeasureProgress(round=1, answers={"network": 3}, occurred_on=STARTED_ON)
    return progress.measure(journey, command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, earlier=None)


def _validate(journey: Journey) -> Any:
    command = progress.ValidateCompetence(competence="woodwork", level=2, occurred_on=STARTED_ON)
    return progress.validate(journey, command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, earlier=None)


LATE_TOO: tuple[Stage, ...] = ("started", "ready", "exited", "closed")
ALLOWED: dict[Callable[[Journey], Any], tuple[Stage, ...]] = {
    _plan: ("accepted", *LATE_TOO),
    _set_goal: ("accepted", *LATE_TOO),
    _declare_ready: ("started", "exited", "closed"),
    _reach_goal: LATE_TOO,
    _log: LATE_TOO,
    _correct: LATE_TOO,
    _measure: LATE_TOO,
    _validate: LATE_TOO,
}


@pytest.mark.parametrize("stage", list(WAYS))
@pytest.mark.parametrize("decide", list(ALLOWED), ids=lambda one: one.__name__)
def test_a_command_is_decided_at_its_stages_and_refused_at_all_others(
    decide: Callable[[Journey], Any], stage: Stage, at_stage: Callable[[Stage], Journey]
) -> None:
    journey = at_stage(stage)
    assert journey.passage.stage == stage
    if stage in ALLOWED[decide]:
        change, _ = decide(journey)
        assert len(change.events) == 1
        assert change.state != journey or change.rows
        assert change.events[0].recorded_at == AT
    else:
        with pytest.raises(Conflict) as refused:
            decide(journey)
        assert refused.value.code == "wrong-stage"


def test_a_referral_waits_for_its_programme() -> None:
    received = Received(SUBJECT, "intake", 1, "", referral(), {})
    with pytest.raises(Unready) as unready:
        receive(None, received, FakeProgrammes())
    assert unready.value.needs == "small@1"


def test_nothing_but_a_referral_opens_a_journey() -> None:
    with pytest.raises(ValueError, match="JourneyStarted opens no journey"):
        receive(None, Received(SUBJECT, "intake", 2, "", start(), {}), FakeProgrammes(SMALL_PROGRAMME))
    with pytest.raises(ValueError, match="before the referral"):
        apply_fact(
            None, Received(SUBJECT, "intake", 2, "started", start(), {}), FakeProgrammes(SMALL_PROGRAMME)
        )


def test_what_does_not_move_the_passage_leaves_the_very_same_state(
    at_stage: Callable[[Stage], Journey],
) -> None:
    journey = at_stage("started")
    assert (
        apply_fact(
            journey, Received(SUBJECT, "intake", 5, "", start(), {}), FakeProgrammes(SMALL_PROGRAMME)
        ).state
        is journey
    )
