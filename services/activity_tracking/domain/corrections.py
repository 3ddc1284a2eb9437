"""What was planned, aimed at, measured, validated or judged wrongly, said anew or taken back.

Sessions have chains of their own, and are corrected in `sessions`. Each function returns the change, and with it the
row that keeps what was said before. An entry belongs to the organisation whose content stands in it now. The
organisation that recorded it first does not see later content of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.activity_tracking.domain.hours import Hours, check_hours
from services.activity_tracking.domain.journey import (
    BEGUN,
    Journey,
    check_day,
    public_activity,
    require_stage,
)
from services.activity_tracking.domain.plan import (
    ANEW,
    CORRIGIBLE,
    GOAL_LENGTH,
    OPEN_GOALS,
    Goal,
    PlannedActivity,
    check_member,
    check_period,
    content_of,
    goal_key,
    in_order,
    plan_row,
)
from services.activity_tracking.domain.progress import (
    Competence,
    ProgressRound,
    check_answers,
    competence_key,
    round_key,
)
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Conflict, Invalid, Unknown
from shared.language.events import (
    ActivityPlanned,
    CompetenceValidated,
    Correction,
    Fact,
    GoalReached,
    GoalSet,
    Organisation,
    ParticipantReady,
    ProgressMeasured,
)
from shared.language.journeys import moved
from shared.language.programmes import Programme
from shared.language.rows import as_row


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectPlan(Correcting):
    """Command: say the period anew, or, `void`, that nothing was planned.

    hours, except_on, on_holidays: None keeps what was said.
    """

    activity: str | None = None
    first_on: date | None = None
    last_on: date | None = None
    hours: Sequence[Hours] | None = None
    except_on: Sequence[date] | None = None
    on_holidays: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectGoal(Correcting):
    """Command: say the goal in other words, or, `void`, that it never was one."""

    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectDay(Correcting):
    """Command: say on which day it was: that the goal was reached, the person ready, the competence validated.

    Or, `void`, that it was not.
    """

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectProgress(Correcting):
    """Command: say the answers of a round anew, or, `void`, that it was not asked. occurred_on: None keeps its day."""

    answers: Mapping[str, int] | None = None
    occurred_on: date | None = None


def _how(command: Correcting) -> Correction:
    return "voids" if command.void else "replaces"


def _changed(
    before: Journey,
    after: Journey,
    event: Fact,
    row: Row | None,
    command: Correcting,
    what: str,
    said: Mapping[str, Any],
    *,
    recorded_by: Organisation | None,
    by: Actor,
    at: datetime,
) -> Change[Journey]:
    number = before.corrections + 1
    subject = subject_of("journey", before.journey_id)
    kept = superseded(
        subject, number, what, said, recorded_by=recorded_by, by=by, at=at, why=command.why, void=command.void
    )
    rows = (kept,) if row is None else (row, kept)
    return Change(replace(after, corrections=number), events=(event,), rows=rows)


def correct_plan(
    journey: Journey,
    entry: PlannedActivity,
    command: CorrectPlan,
    *,
    programme: Programme,
    by: Actor,
    at: datetime,
) -> tuple[Change[Journey], PlannedActivity]:
    """Say a planned period anew, or take it back. Raises Invalid, Conflict `wrong-stage`, Unknown once taken back."""
    if entry.void:
        raise Unknown("planned activity", within=True)
    anew = replace(entry, void=True)
    if not command.void:
        found = Findings()
        check_member(found, entry, command)
        activity = command.activity or (entry.activity if entry.group else None)
        found.known("activity", activity, (kind.code for kind in programme.activities))
        if activity is None:
            found.add("activity", ANEW)
        if command.first_on is None:
            found.add("first_on", ANEW)
        else:
            check_period(found, command.first_on, command.last_on, journey)
        check_hours(found, "hours", command.hours or ())
        found.raise_any()
        assert activity is not None and command.first_on is not None
        anew = replace(
            entry,
            activity=activity,
            first_on=command.first_on,
            last_on=command.last_on,
            hours=entry.hours if command.hours is None else tuple(command.hours),
            except_on=entry.except_on if command.except_on is None else in_order(command.except_on),
            on_holidays=entry.on_holidays if command.on_holidays is None else command.on_holidays,
        )
    require_stage(journey, CORRIGIBLE)
    if anew == entry:
        return Change(journey), entry
    anew = replace(anew, organisation=by.organisation)
    event = ActivityPlanned(
        occurred_on=entry.planned_on,
        recorded_at=at,
        organisation=anew.organisation,
        activity=public_activity(programme, anew.activity),
        first_on=anew.first_on,
        last_on=anew.last_on,
        plan=entry.plan,
        correction=_how(command),
    )
    change = _changed(
        journey,
        journey,
        event,
        plan_row(anew, journey.passage),
        command,
        f"activity/{entry.plan}",
        content_of(entry),
        recorded_by=entry.organisation,
        by=by,
        at=at,
    )
    return change, anew


def correct_goal(
    journey: Journey, goal: Goal, command: CorrectGoal, *, by: Actor, at: datetime
) -> tuple[Change[Journey], Goal]:
    """Say a goal in other words, or take it back. Raises Invalid, Conflict `wrong-stage`, Unknown once taken back."""
    if goal.void:
        raise Unknown("goal", within=True)
    anew = replace(goal, void=True)
    if not command.void:
        text = (command.text or "").strip()
        if not 1 <= len(text) <= GOAL_LENGTH:
            raise Invalid({"text": [f"Takes 1 to {GOAL_LENGTH} characters."]})
        anew = replace(goal, text=text)
    require_stage(journey, CORRIGIBLE)
    if anew == goal:
        return Change(journey), goal
    anew = replace(anew, organisation=by.organisation)
    event = GoalSet(occurred_on=goal.set_on, recorded_at=at, goal=goal.goal, correction=_how(command))
    after = journey
    if command.void:
        after = replace(journey, open_goals=tuple(one for one in journey.open_goals if one != goal.goal))
    row = as_row("goals", goal_key(journey.journey_id, goal.goal), anew)
    said = {"text": goal.text, "set_on": goal.set_on, "reached_on": goal.reached_on}
    change = _changed(
        journey,
        after,
        event,
        row,
        command,
        f"goal/{goal.goal}",
        said,
        recorded_by=goal.organisation,
        by=by,
        at=at,
    )
    return change, anew


def correct_reached(
    journey: Journey, goal: Goal, command: CorrectDay, *, by: Actor, at: datetime
) -> tuple[Change[Journey], Goal]:
    """Say on which day the goal was reached, or that it was not.

    Raises Invalid, Conflict `wrong-stage` where nobody said so, Conflict `goals-full`.
    """
    if goal.reached_on is None or goal.void:
        raise Conflict("wrong-stage", "The goal is not said to be reached.")
    on = None if command.void else _day(command, goal.reached_on, journey, at, goal.set_on)
    require_stage(journey, BEGUN)
    if on == goal.reached_on:
        return Change(journey), goal
    open_goals = journey.open_goals
    if command.void:
        if len(open_goals) >= OPEN_GOALS:
            raise Conflict("goals-full", f"{OPEN_GOALS} goals are open; one must be reached first.")
        open_goals = (*open_goals, goal.goal)
    anew = replace(goal, reached_on=on)
    event = GoalReached(
        occurred_on=on or goal.reached_on, recorded_at=at, goal=goal.goal, correction=_how(command)
    )
    change = _changed(
        journey,
        replace(journey, open_goals=open_goals),
        event,
        as_row("goals", goal_key(journey.journey_id, goal.goal), anew),
        command,
        f"goal/{goal.goal}/reached",
        {"reached_on": goal.reached_on},
        recorded_by=goal.organisation,
        by=by,
        at=at,
    )
    return change, anew


def correct_ready(journey: Journey, command: CorrectDay, *, by: Actor, at: datetime) -> Change[Journey]:
    """Say on which day the participant was ready, or that they are not.

    Raises Invalid, Conflict `wrong-stage` where nobody judged so.
    """
    ready_on = journey.passage.ready_on
    if ready_on is None:
        raise Conflict("wrong-stage", "Nobody has judged the participant ready.")
    on = ready_on if command.void else _day(command, ready_on, journey, at, None)
    require_stage(journey, BEGUN)
    if not command.void and on == ready_on:
        return Change(journey)
    event = ParticipantReady(occurred_on=on, recorded_at=at, correction=_how(command))
    return _changed(
        journey,
        replace(moved(journey, event), ready_said_by=by.organisation),
        event,
        None,
        command,
        "readiness",
        {"ready_on": ready_on},
        recorded_by=journey.ready_said_by,
        by=by,
        at=at,
    )


def correct_competence(
    journey: Journey, entry: Competence, command: CorrectDay, *, by: Actor, at: datetime
) -> tuple[Change[Journey], Competence]:
    """Say on which day the competence was validated, or that it was not.

    Raises Invalid, Conflict `wrong-stage`, Unknown once taken back.
    """
    if entry.void:
        raise Unknown("competence", within=True)
    on = entry.validated_on if command.void else _day(command, entry.validated_on, journey, at, None)
    require_stage(journey, BEGUN)
    anew = replace(entry, validated_on=on, void=command.void)
    if anew == entry:
        return Change(journey), entry
    event = CompetenceValidated(
        occurred_on=on,
        recorded_at=at,
        competence=entry.competence,
        level=entry.level,
        validated_by=entry.validated_by,
        correction=_how(command),
    )
    change = _changed(
        journey,
        replace(journey, competences=journey.competences - command.void),
        event,
        as_row("competences", competence_key(journey.journey_id, entry.competence, entry.level), anew),
        command,
        f"competence/{entry.competence}/{entry.level}",
        {"validated_on": entry.validated_on},
        recorded_by=entry.validated_by,
        by=by,
        at=at,
    )
    return change, anew


def correct_progress(
    journey: Journey,
    rounds: Sequence[ProgressRound],
    number: int,
    command: CorrectProgress,
    *,
    programme: Programme,
    by: Actor,
    at: datetime,
) -> tuple[Change[Journey], ProgressRound]:
    """Say the answers of a round anew, or take the round back; then it can be asked again.

    rounds: all of the journey, few. Raises Unknown for a round that was not recorded, Invalid, Conflict `wrong-stage`.
    """
    entry = next((one for one in rounds if one.round == number and not one.void), None)
    if entry is None:
        raise Unknown("round", within=True)
    anew = replace(entry, void=True)
    if not command.void:
        on = command.occurred_on or entry.measured_on
        found = Findings()
        check_answers(found, command.answers or {}, programme.progress)
        check_day(found, "occurred_on", on, journey, at)
        found.raise_any()
        anew = replace(entry, answers=dict(command.answers or {}), measured_on=on)
    require_stage(journey, BEGUN)
    if anew == entry:
        return Change(journey), entry
    anew = replace(anew, organisation=by.organisation)
    standing = [one for one in rounds if one.round != number and not one.void]
    standing += [] if anew.void else [anew]
    after = replace(
        journey,
        last_round=max((one.round for one in standing), default=0),
        last_measured_on=max((one.measured_on for one in standing), default=None),
    )
    event = ProgressMeasured(
        occurred_on=anew.measured_on,
        recorded_at=at,
        round=number,
        answered=len(anew.answers),
        correction=_how(command),
    )
    change = _changed(
        journey,
        after,
        event,
        as_row("progress", round_key(journey.journey_id, number), anew),
        command,
        f"progress/{number}",
        {"answers": dict(entry.answers), "measured_on": entry.measured_on},
        recorded_by=entry.organisation,
        by=by,
        at=at,
    )
    return change, anew


def _day(command: CorrectDay, held: date, journey: Journey, at: datetime, earliest: date | None) -> date:
    """The day that a correction names. Raises Invalid where it names none, or none that can be."""
    found = Findings()
    on = command.occurred_on
    if on is None:
        found.add("occurred_on", ANEW)
    else:
        check_day(found, "occurred_on", on, journey, at)
        found.not_before("occurred_on", on, earliest, "the goal was set")
    found.raise_any()
    return on or held
