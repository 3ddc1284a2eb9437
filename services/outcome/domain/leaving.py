"""How participation ends, and what is asked afterwards.

Source: docs/field.md, Exit; docs/field.md, Results; the order of facts: docs/field.md, The journey.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import get_args

from services.outcome.domain.journey import FollowUp, Outcome, cancel_open, due_timer, follow_up_row, unasked
from shared.language.checks import Findings
from shared.language.days import day_of, days_after, months_after
from shared.language.decision import Change
from shared.language.errors import Conflict
from shared.language.events import Code, ExitWay, Fact, FollowUpId, JourneyClosed, JourneyExited, Situation
from shared.language.journeys import moved
from shared.language.programmes import FollowUp as PlannedFollowUp
from shared.language.programmes import Programme


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExit:
    """Command: participation ended on that day (None: today). situation: on leaving; the deceased have none."""

    way: ExitWay
    reason: Code | None = None
    situation: Situation | None = None
    occurred_on: date | None = None


def record_exit(
    state: Outcome, command: RecordExit, *, programme: Programme, at: datetime
) -> Change[Outcome]:
    """End participation and plan the follow-ups; the same exit again changes nothing.

    The deceased are not followed up: for them the journey closes at once, also where another exit came before.
    Raises Invalid; Conflict before the start and after a mistake or another exit. Source: docs/field.md, Exit.
    """
    passage = state.passage
    on = command.occurred_on or day_of(at)
    check(state, command, on, programme, at)
    said = (command.way, on, command.reason, command.situation)
    holds = (passage.exit_way, passage.exited_on, state.exit_reason, state.exit_situation)
    if said == holds and not passage.mistake:
        return Change(state)
    outranks = command.way == "deceased" and passage.exit_way not in (None, "deceased")
    stage = passage.stage
    if stage not in ("started", "ready") and not (outranks and stage in ("exited", "closed")):
        raise Conflict("wrong-stage", f"The journey is {stage}; participation cannot end now.")
    exited = JourneyExited(
        occurred_on=on,
        recorded_at=at,
        way=command.way,
        organisation=passage.responsible,
        reason=command.reason,
        situation=command.situation,
    )
    state = replace(state, exit_reason=command.reason, exit_situation=command.situation)
    return _after_death(state, exited) if command.way == "deceased" else _after_exit(state, exited, programme)


def _after_death(state: Outcome, exited: JourneyExited) -> Change[Outcome]:
    events: list[Fact] = [exited]
    if state.passage.closed_on is None:
        events.append(closed(exited.occurred_on, exited.recorded_at))
    change = cancel_open(moved(state, *events), exited.occurred_on)
    fallen = [
        unasked(one, exited.recorded_at)
        for kind, one in state.follow_ups.items()
        if one.asked and not change.state.follow_ups[kind].asked
    ]
    return replace(change, events=(exited, *fallen, *events[1:]))


def _after_exit(state: Outcome, exited: JourneyExited, programme: Programme) -> Change[Outcome]:
    planned = [plan(state, one, exited) for one in programme.follow_ups]
    events: tuple[Fact, ...] = (exited,)
    if not planned:
        events = (exited, closed(exited.occurred_on, exited.recorded_at))
    after = replace(moved(state, *events), follow_ups={one.kind: one for one in planned})
    return Change(
        after,
        events=events,
        rows=tuple(follow_up_row(after, one) for one in planned),
        timers=tuple(due_timer(one) for one in planned),
    )


def plan(state: Outcome, kind: PlannedFollowUp, exited: JourneyExited) -> FollowUp:
    """The follow-up of that kind: so many calendar days, or months, after the exit day.

    Its answer is waited for so many days after the day that it asks about. If the exit was recorded after that day,
    the days count from there, so that a late entry takes nobody's time to answer.
    """
    left_on = exited.occurred_on
    due_on = days_after(left_on, kind.days) if kind.days else months_after(left_on, kind.months or 0)
    return FollowUp(
        follow_up_id=FollowUpId(f"{state.journey_id}.{kind.code}"),
        kind=kind.code,
        status="planned",
        due_on=due_on,
        answer_by=days_after(max(due_on, day_of(exited.recorded_at)), kind.answer_within_days),
    )


def closed(on: date, at: datetime) -> JourneyClosed:
    """The event that ends a journey's way."""
    return JourneyClosed(occurred_on=on, recorded_at=at)


def check(state: Outcome, command: RecordExit, on: date, programme: Programme, at: datetime) -> None:
    """Raise Invalid with everything that is wrong with the exit."""
    found = Findings()
    found.known("way", command.way, get_args(ExitWay))
    found.known("situation", command.situation, get_args(Situation))
    found.not_future("occurred_on", on, day_of(at))
    found.not_before("occurred_on", on, state.passage.started_on, "the start")
    if command.way == "deceased" and command.situation is not None:
        found.add("situation", "The deceased have none.")
    explaining = (one.code for one in programme.reasons.exit if command.way in one.ways)
    found.known("reason", command.reason, explaining)
    found.raise_any()
