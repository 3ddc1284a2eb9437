"""Plan, goals, readiness, measures, competences and outputs: what each takes and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.activity_tracking.domain import outputs, plan, progress
from services.activity_tracking.domain.journey import Journey
from shared.language.access import Actor
from shared.language.decision import Change
from shared.language.errors import Conflict, Forbidden, Invalid
from shared.language.events import OutputId
from shared.language.passage import Stage
from tests.support.fakes import noon
from tests.support.small_programme import (
    ACCEPTED_ON,
    OWNER,
    PROVIDER,
    READY_ON,
    SMALL_PROGRAMME,
    STARTED_ON,
    TODAY,
)

AT = noon(TODAY)
WHO = Actor("kim", PROVIDER, "supervisor")
At = Callable[[Stage], Journey]


def refused_fields(decide: Callable[[], Any]) -> set[str]:
    with pytest.raises(Invalid) as refused:
        decide()
    assert refused.value.errors is not None
    return set(refused.value.errors)


def only(change: Change[Any]) -> Any:
    """The one event that a change causes."""
    (event,) = change.events
    return event


# --- plan -------------------------------------------------------------------------------------------------


def test_a_planned_period_may_lie_ahead_and_hides_what_would_reveal_health(at_stage: At) -> None:
    command = plan.PlanActivity(activity="health_effort", first_on=TODAY, last_on=TODAY + timedelta(days=90))
    change, entry = plan.plan(at_stage("started"), command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT)
    assert only(change).activity is None
    assert (only(change).first_on, only(change).occurred_on) == (TODAY, TODAY)
    assert (entry.activity, entry.plan) == ("health_effort", "a1")
    again, second = plan.plan(change.state, command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT)
    assert (second.plan, again.state.planned) == ("a2", 2)


def test_a_period_that_ends_before_it_begins_is_refused_with_all_else_that_is_wrong(at_stage: At) -> None:
    before = ACCEPTED_ON - timedelta(days=1)
    command = plan.PlanActivity(
        activity="sleeping", first_on=before, last_on=before - timedelta(days=1), occurred_on=before
    )
    wrong = refused_fields(
        lambda: plan.plan(at_stage("accepted"), command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT)
    )
    assert wrong == {"activity", "first_on", "last_on", "occurred_on"}


# --- goals ------------------------------------------------------------------------------------------------


def test_at_most_twenty_goals_are_open_and_a_reached_one_makes_room(at_stage: At) -> None:
    journey = at_stage("started")
    goals: list[plan.Goal] = []
    for number in range(plan.OPEN_GOALS):
        change, goal = plan.set_goal(journey, plan.SetGoal(text=f"goal {number}"), by=PROVIDER, at=AT)
        journey, goals = change.state, [*goals, goal]
    with pytest.raises(Conflict) as refused:
        plan.set_goal(journey, plan.SetGoal(text="one too many"), by=PROVIDER, at=AT)
    assert refused.value.code == "goals-full"
    change, reached = plan.reach_goal(journey, goals[3], plan.ReachGoal(), at=AT)
    assert (reached.reached_on, only(change).goal) == (TODAY, "g4")
    change, goal = plan.set_goal(change.state, plan.SetGoal(text="room again"), by=PROVIDER, at=AT)
    assert goal.goal == "g21"
    assert len(change.state.open_goals) == plan.OPEN_GOALS


def test_a_goal_s_words_stay_out_of_its_event_and_of_the_state(at_stage: At) -> None:
    change, goal = plan.set_goal(
        at_stage("accepted"), plan.SetGoal(text="  Bli snickare "), by=PROVIDER, at=AT
    )
    assert goal.text == "Bli snickare"
    assert "snickare" not in repr(change.events) + repr(change.state)
    assert change.rows[0].body["text"] == "Bli snickare"


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_a_goal_without_words_or_with_too_many_is_refused(at_stage: At, text: str) -> None:
    assert refused_fields(
        lambda: plan.set_goal(at_stage("started"), plan.SetGoal(text=text), by=PROVIDER, at=AT)
    ) == {"text"}


def test_reaching_a_goal_again_changes_nothing_unless_another_day_is_said(at_stage: At) -> None:
    change, goal = plan.set_goal(
        at_stage("started"), plan.SetGoal(text="x", occurred_on=STARTED_ON), by=PROVIDER, at=AT
    )
    change, reached = plan.reach_goal(change.state, goal, plan.ReachGoal(occurred_on=READY_ON), at=AT)
    for again in (None, READY_ON):
        repeated, _ = plan.reach_goal(change.state, reached, plan.ReachGoal(occurred_on=again), at=AT)
        assert repeated.state is change.state
        assert not repeated.events
    with pytest.raises(Conflict) as refused:
        plan.reach_goal(change.state, reached, plan.ReachGoal(occurred_on=TODAY), at=AT)
    assert refused.value.code == "goal-reached"


def test_a_goal_is_not_reached_before_it_was_set(at_stage: At) -> None:
    change, goal = plan.set_goal(
        at_stage("started"), plan.SetGoal(text="x", occurred_on=READY_ON), by=PROVIDER, at=AT
    )
    early = plan.ReachGoal(occurred_on=STARTED_ON)
    assert refused_fields(lambda: plan.reach_goal(change.state, goal, early, at=AT)) == {"occurred_on"}


# --- readiness --------------------------------------------------------------------------------------------


def test_readiness_is_declared_once(at_stage: At) -> None:
    change = plan.declare_ready(
        at_stage("started"), plan.DeclareReady(occurred_on=READY_ON), by=PROVIDER, at=AT
    )
    assert change.state.passage.stage == "ready"
    assert only(change).occurred_on == READY_ON
    for again in (None, READY_ON):
        repeated = plan.declare_ready(change.state, plan.DeclareReady(occurred_on=again), by=PROVIDER, at=AT)
        assert repeated.state is change.state
        assert not repeated.events
    with pytest.raises(Conflict) as refused:
        plan.declare_ready(change.state, plan.DeclareReady(occurred_on=TODAY), by=PROVIDER, at=AT)
    assert refused.value.code == "wrong-stage"


# --- progress ---------------------------------------------------------------------------------------------


def measure(journey: Journey, command: progress.MeasureProgress, earlier: Any = None) -> Any:
    return progress.measure(journey, command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, earlier=earlier)


def test_a_round_tells_how_many_answered_and_keeps_what_they_said(at_stage: At) -> None:
    command = progress.MeasureProgress(round=2, answers={"network": 1, "goal": 5}, occurred_on=READY_ON)
    change, entry = measure(at_stage("started"), command)
    assert (only(change).round, only(change).answered) == (2, 2)
    assert "network" not in repr(change.events)
    assert change.rows[0].body["answers"] == {"network": 1, "goal": 5}
    assert (change.state.last_round, change.state.last_measured_on) == (2, READY_ON)
    late, _ = measure(change.state, replace(command, round=1, occurred_on=STARTED_ON))
    assert (late.state.last_round, late.state.last_measured_on) == (2, READY_ON)
    again, _ = measure(change.state, command, earlier=entry)
    assert again.state is change.state
    with pytest.raises(Conflict) as refused:
        measure(change.state, replace(command, answers={"network": 2}), earlier=entry)
    assert refused.value.code == "already-measured"


@pytest.mark.parametrize(
    ("number", "answers", "wrong"),
    [
        (0, {"network": 3}, {"round"}),
        (201, {"network": 3}, {"round"}),
        (1, {}, {"answers"}),
        (1, {"network": 0}, {"answers"}),
        (1, {"network": 6}, {"answers"}),
        (1, {"mood": 3}, {"answers"}),
    ],
)
def test_a_round_takes_known_indicators_on_the_scale(
    at_stage: At, number: int, answers: dict[str, int], wrong: set[str]
) -> None:
    command = progress.MeasureProgress(round=number, answers=answers)
    assert refused_fields(lambda: measure(at_stage("started"), command)) == wrong


def test_a_competence_at_a_level_counts_once(at_stage: At) -> None:
    command = progress.ValidateCompetence(competence="woodwork", level=3)
    change, entry = progress.validate(
        at_stage("ready"), command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, earlier=None
    )
    event = only(change)
    assert (event.competence, event.level, event.validated_by) == ("woodwork", 3, PROVIDER)
    again, same = progress.validate(
        change.state, command, programme=SMALL_PROGRAMME, by=OWNER, at=AT, earlier=entry
    )
    assert again.state is change.state
    assert same == entry
    wrong = replace(command, competence="flying", level=5)
    assert refused_fields(
        lambda: progress.validate(
            change.state, wrong, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, earlier=None
        )
    ) == {"competence", "level"}


# --- outputs ----------------------------------------------------------------------------------------------

CARVED = outputs.LogOutput(output="workplace_carved", quantity=2, municipality="2482", occurred_on=READY_ON)


def logged(command: outputs.LogOutput = CARVED) -> Any:
    return outputs.log(command, programme=SMALL_PROGRAMME, by=PROVIDER, at=AT, output=OutputId("o-1"))


def test_an_output_is_logged_and_corrected_saying_what_was_there_before() -> None:
    change = logged()
    event = only(change)
    assert (event.output, event.quantity, event.municipality, event.organisation) == (
        "workplace_carved",
        2,
        "2482",
        PROVIDER,
    )
    corrected = outputs.correct(change.state, outputs.CorrectOutput(quantity=0), by=WHO, at=AT)
    assert (only(corrected).replaced_quantity, only(corrected).quantity) == (2, 0)
    assert corrected.rows[0].body["quantity"] == 0
    again = outputs.correct(corrected.state, outputs.CorrectOutput(quantity=0), by=WHO, at=AT)
    assert again.state is corrected.state
    assert not again.events
    restored = outputs.correct(corrected.state, outputs.CorrectOutput(quantity=3), by=WHO, at=AT)
    assert (only(restored).replaced_quantity, only(restored).quantity) == (0, 3)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"output": "poems"}, {"output"}),
        ({"municipality": "0180"}, {"municipality"}),
        ({"quantity": 0}, {"quantity"}),
        ({"quantity": 1001}, {"quantity"}),
        ({"occurred_on": TODAY + timedelta(days=1)}, {"occurred_on"}),
        ({"occurred_on": SMALL_PROGRAMME.starts_on - timedelta(days=1)}, {"occurred_on"}),
    ],
)
def test_an_output_that_the_programme_does_not_know_is_refused(changed: Any, wrong: set[str]) -> None:
    assert refused_fields(lambda: logged(replace(CARVED, **changed))) == wrong


def test_nothing_is_brought_about_after_the_programme_s_end() -> None:
    late = noon(SMALL_PROGRAMME.ends_on + timedelta(days=2))
    command = replace(CARVED, occurred_on=SMALL_PROGRAMME.ends_on + timedelta(days=1))
    wrong = refused_fields(
        lambda: outputs.log(command, programme=SMALL_PROGRAMME, by=PROVIDER, at=late, output=OutputId("o-1"))
    )
    assert wrong == {"occurred_on"}


def test_only_who_logged_an_output_corrects_it_and_not_before_it_was_logged() -> None:
    entry = logged().state
    with pytest.raises(Forbidden) as refused:
        outputs.correct(entry, outputs.CorrectOutput(quantity=1), by=Actor("alex", OWNER, "owner"), at=AT)
    assert refused.value.code == "not-allowed"
    early = outputs.CorrectOutput(quantity=-1, occurred_on=STARTED_ON)
    assert refused_fields(lambda: outputs.correct(entry, early, by=WHO, at=AT)) == {
        "quantity",
        "occurred_on",
    }
