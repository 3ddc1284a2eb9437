"""What is meant to happen: planned activities, the participant's own goals, being ready to go on."""

from collections.abc import Iterable, Mapping, Sequence
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
from shared.language.checks import Findings
from shared.language.days import day_of
from shared.language.decision import Change, Row
from shared.language.errors import Conflict
from shared.language.events import (
    ActivityPlanned,
    Code,
    GoalReached,
    GoalSet,
    GroupId,
    JourneyId,
    Organisation,
    ParticipantReady,
)
from shared.language.journeys import moved
from shared.language.passage import Passage, Stage
from shared.language.programmes import Programme
from shared.language.rows import as_row

OPEN_GOALS = 20
"""How many goals may be open at once; more would swell the state, and want a talk first."""

GOAL_LENGTH = 500
"""Characters of a goal's text at most."""

EXCEPTIONS = 60
"""Days that one planned period excepts at most; a pattern of them is a matter of its hours, longer ones of a pause."""

PLANNABLE: tuple[Stage, ...] = ("accepted", *BEGUN)
"""The plan is made between acceptance and the end; what was planned by then may be recorded later."""

ENDED: tuple[Stage, ...] = ("withdrawn", "declined")
"""The stages of a referral that came to nothing."""
CORRIGIBLE: tuple[Stage, ...] = (*PLANNABLE, "withdrawn")
"""What was planned before a withdrawal stays readable, and so can be mended."""
ANEW = "Missing: a correction says everything anew, unless it is void."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanActivity:
    """Command: enter a period of one activity in the plan. `last_on` absent: until further notice.

    hours: of each week of the period; empty: on no register, because no time was agreed. except_on: days on which the
    person is not expected at this activity. on_holidays: whether they are expected on holidays. group: the group of the
    unit whose hours these are; then there are no others.
    """

    activity: str
    first_on: date
    last_on: date | None = None
    occurred_on: date | None = None
    hours: Sequence[Hours] = ()
    except_on: Sequence[date] = ()
    on_holidays: bool = False
    group: GroupId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGoal:
    """Command: note a goal in the participant's own words."""

    text: str
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachGoal:
    """Command: say that a goal was reached."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareReady:
    """Command: judge the participant ready for the next step."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedActivity:
    """A row: one period of one activity in the plan. void: it was taken back.

    organisation: whose content it is, the last that corrected it. unit: where its hours are held, whoever corrects it.
    except_on: in order, at most EXCEPTIONS. group: the person takes part in it; then its hours are theirs.
    """

    plan: str
    journey_id: JourneyId
    number: int
    organisation: Organisation
    activity: Code
    first_on: date
    last_on: date | None
    planned_on: date
    recorded_at: datetime
    hours: tuple[Hours, ...] = ()
    except_on: tuple[date, ...] = ()
    on_holidays: bool = False
    unit: Organisation | None = None
    group: GroupId | None = None
    void: bool = False

    @property
    def has_hours(self) -> bool:
        """Whether it can put the person on a register."""
        return bool(self.hours) or self.group is not None

    def holds_on(self, day: date) -> bool:
        """Whether the day lies in the period, and is none of those that are excepted."""
        within = self.first_on <= day and (self.last_on is None or day <= self.last_on)
        return within and not self.void and day not in self.except_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A row: one goal of the participant's own. Its text never leaves this service. void: it was taken back."""

    goal: Code
    journey_id: JourneyId
    number: int
    organisation: Organisation
    text: str
    set_on: date
    reached_on: date | None = None
    void: bool = False


def content_of(entry: PlannedActivity) -> Mapping[str, Any]:
    """What a planned period said, as its correction keeps it."""
    return {
        "activity": entry.activity,
        "first_on": entry.first_on,
        "last_on": entry.last_on,
        "hours": entry.hours,
        "except_on": [one.isoformat() for one in entry.except_on],
        "on_holidays": entry.on_holidays,
    }


PLANNED = "activities_planned"
"""Rows: what was planned. Those with hours have `until`, unique, by which a unit's are in order of their last day."""
OPEN_END = date(9999, 12, 31)
"""The last day of a period that ends at further notice."""


def plan_row(entry: PlannedActivity, passage: Passage) -> Row:
    """The row of a planned period, as the passage stands: it ends with the participation, and with the unit's part."""
    row = as_row(PLANNED, plan_key(entry.journey_id, entry.plan), entry)
    if not entry.has_hours or entry.unit is None or entry.void or passage.mistake or passage.stage in ENDED:
        return row
    held = passage.holds_until(entry.unit) if passage.was_responsible(entry.unit) else None
    last = min(one or OPEN_END for one in (entry.last_on, passage.exited_on, held))
    return replace(row, body={**row.body, "until": f"{last.isoformat()}:{row.key}"})


def plan_key(journey_id: JourneyId, plan: str) -> str:
    """The key of the row of that period: they are numbered within their journey."""
    return f"{journey_id}.{plan}"


def goal_key(journey_id: JourneyId, goal: str) -> str:
    """The key of the goal's row: goals are numbered within their journey."""
    return f"{journey_id}.{goal}"


def plan(
    journey: Journey, command: PlanActivity, *, programme: Programme, by: Organisation, at: datetime
) -> tuple[Change[Journey], PlannedActivity]:
    """Enter an activity in the plan, from acceptance on; the period itself may lie ahead.

    at: UTC. Returns the change and the row it makes. Raises Invalid, Conflict `wrong-stage`.
    """
    today = day_of(at)
    on = command.occurred_on or today
    found = Findings()
    found.known("activity", command.activity, (kind.code for kind in programme.activities))
    found.not_future("occurred_on", on, today)
    found.not_before("occurred_on", on, journey.passage.accepted_on, "the acceptance")
    found.not_after("occurred_on", on, journey.passage.exited_on, "the exit")
    check_period(found, command.first_on, command.last_on, journey)
    check_hours(found, "hours", command.hours)
    found.raise_any()
    require_stage(journey, PLANNABLE)
    number = journey.planned + 1
    entry = PlannedActivity(
        plan=f"a{number}",
        journey_id=journey.journey_id,
        number=number,
        organisation=by,
        activity=command.activity,
        first_on=command.first_on,
        last_on=command.last_on,
        planned_on=on,
        recorded_at=at,
        hours=tuple(command.hours),
        except_on=in_order(command.except_on),
        on_holidays=command.on_holidays,
        unit=by,
        group=command.group,
    )
    event = ActivityPlanned(
        occurred_on=on,
        recorded_at=at,
        organisation=by,
        activity=public_activity(programme, command.activity),
        first_on=command.first_on,
        last_on=command.last_on,
        plan=entry.plan,
    )
    return Change(
        replace(journey, planned=number), events=(event,), rows=(plan_row(entry, journey.passage),)
    ), entry


def in_order(days: Iterable[date]) -> tuple[date, ...]:
    """The days in their order, each once."""
    return tuple(sorted(set(days)))


def check_period(found: Findings, first_on: date, last_on: date | None, journey: Journey) -> None:
    """A planned period begins from the acceptance on, not after the exit, and ends no sooner than it begins."""
    found.not_before("first_on", first_on, journey.passage.accepted_on, "the acceptance")
    found.not_after("first_on", first_on, journey.passage.exited_on, "the exit")
    found.not_before("last_on", last_on, first_on, "the first day")


def check_member(found: Findings, entry: PlannedActivity, said: Any) -> None:
    """Of who takes part in a group, the group says the activity, the hours and the holidays. said: a correction."""
    for name in ("activity", "hours", "on_holidays"):
        anew = getattr(said, name)
        if entry.group is not None and anew and anew != getattr(entry, name):
            found.add(name, "Is the group's to say; correct the group.")


def set_goal(
    journey: Journey, command: SetGoal, *, by: Organisation, at: datetime
) -> tuple[Change[Journey], Goal]:
    """Note a goal of the participant's own.

    Raises Invalid, Conflict `wrong-stage`, Conflict `goals-full` when OPEN_GOALS are open already.
    """
    today = day_of(at)
    on = command.occurred_on or today
    text = command.text.strip()
    found = Findings()
    if not 1 <= len(text) <= GOAL_LENGTH:
        found.add("text", f"Takes 1 to {GOAL_LENGTH} characters.")
    found.not_future("occurred_on", on, today)
    found.not_before("occurred_on", on, journey.passage.accepted_on, "the acceptance")
    found.not_after("occurred_on", on, journey.passage.exited_on, "the exit")
    found.raise_any()
    require_stage(journey, PLANNABLE)
    if len(journey.open_goals) >= OPEN_GOALS:
        raise Conflict(
            "goals-full", f"{OPEN_GOALS} goals are open; one must be reached before the next is set."
        )
    number = journey.goals_set + 1
    goal = Goal(
        goal=f"g{number}",
        journey_id=journey.journey_id,
        number=number,
        organisation=by,
        text=text,
        set_on=on,
    )
    after = replace(journey, goals_set=number, open_goals=(*journey.open_goals, goal.goal))
    event = GoalSet(occurred_on=on, recorded_at=at, goal=goal.goal)
    row = as_row("goals", goal_key(journey.journey_id, goal.goal), goal)
    return Change(after, events=(event,), rows=(row,)), goal


def reach_goal(
    journey: Journey, goal: Goal, command: ReachGoal, *, at: datetime
) -> tuple[Change[Journey], Goal]:
    """Say that the goal was reached, also late; saying it again, of the same day or none, changes nothing.

    Raises Invalid, Conflict `wrong-stage`, Conflict `goal-reached` when it was reached on another day.
    """
    if goal.reached_on is not None:
        if command.occurred_on in (None, goal.reached_on):
            return Change(journey), goal
        raise Conflict("goal-reached", f"The goal was reached on {goal.reached_on.isoformat()}.")
    on = command.occurred_on or day_of(at)
    found = Findings()
    check_day(found, "occurred_on", on, journey, at)
    found.not_before("occurred_on", on, goal.set_on, "the goal was set")
    found.raise_any()
    require_stage(journey, BEGUN)
    reached = replace(goal, reached_on=on)
    after = replace(journey, open_goals=tuple(code for code in journey.open_goals if code != goal.goal))
    event = GoalReached(occurred_on=on, recorded_at=at, goal=goal.goal)
    row = as_row("goals", goal_key(journey.journey_id, goal.goal), reached)
    return Change(after, events=(event,), rows=(row,)), reached


def declare_ready(
    journey: Journey, command: DeclareReady, *, by: Organisation, at: datetime
) -> Change[Journey]:
    """Judge the participant ready; judging so again, of the same day or none, changes nothing.

    Sessions go on as before. May be recorded after the exit, for a day before it. Raises Invalid, Conflict
    `wrong-stage`.
    """
    ready_on = journey.passage.ready_on
    if ready_on is not None and not journey.passage.mistake and command.occurred_on in (None, ready_on):
        return Change(journey)
    on = command.occurred_on or day_of(at)
    found = Findings()
    check_day(found, "occurred_on", on, journey, at)
    found.raise_any()
    require_stage(journey, BEGUN)
    if ready_on is not None:
        raise Conflict("wrong-stage", f"The participant is said to be ready since {ready_on.isoformat()}.")
    event = ParticipantReady(occurred_on=on, recorded_at=at)
    return Change(replace(moved(journey, event), ready_said_by=by), events=(event,))
