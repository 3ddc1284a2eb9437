"""The life of a follow-up: planned, due, then answered or missed; when all have ended, the journey is closed.

Missing is not "no", and an earlier answer is not about the day that is asked about. Source: docs/field.md, Results.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import get_args

from services.outcome.domain.journey import OPEN, FollowUp, Outcome, follow_up_row, missed_timer, timer_keys
from services.outcome.domain.leaving import closed
from shared.language.checks import Findings
from shared.language.days import day_of, days_after
from shared.language.decision import Change, Timer
from shared.language.errors import Conflict, Unknown
from shared.language.events import (
    Fact,
    FollowUpAnswered,
    FollowUpDue,
    FollowUpMissed,
    Organisation,
    Situation,
)
from shared.language.journeys import moved
from shared.language.programmes import Programmes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFollowUp:
    """Command: the situation on the follow-up's day. occurred_on: when it became known; None is today."""

    situation: Situation
    occurred_on: date | None = None


def make_due(state: Outcome, timer: Timer, at: datetime, programmes: Programmes) -> Change[Outcome]:
    """The day has come: ask. Nothing when it is not planned, or its day is another by now."""
    follow_up = state.follow_ups.get(timer.body["kind"])
    if follow_up is None or follow_up.status != "planned" or day_of(at) < follow_up.due_on:
        return Change(state)
    due = replace(follow_up, status="due", asked=True)
    event = FollowUpDue(
        occurred_on=follow_up.due_on,
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=follow_up.kind,
        answer_by=follow_up.answer_by,
    )
    change = _changed(state, due, event)
    return replace(change, timers=(missed_timer(due),))


def miss(state: Outcome, timer: Timer, at: datetime, programmes: Programmes) -> Change[Outcome]:
    """Nobody answered in time: the answer is missing. Nothing when it is not due."""
    follow_up = state.follow_ups.get(timer.body["kind"])
    if follow_up is None or follow_up.status != "due":
        return Change(state)
    event = FollowUpMissed(
        occurred_on=days_after(follow_up.answer_by, 1),
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=follow_up.kind,
    )
    return _changed(state, replace(follow_up, status="missed"), event)


def answer(
    state: Outcome, kind: str, command: AnswerFollowUp, *, by: Organisation, at: datetime
) -> Change[Outcome]:
    """Take the answer while the follow-up is due; the same answer of the same organisation again changes nothing.

    Raises Unknown for a kind that the journey has not; Invalid; Conflict `follow-up-not-due` before its day,
    `follow-up-closed` once it is answered otherwise, missed or cancelled.
    """
    follow_up = state.follow_ups.get(kind)
    if follow_up is None:
        raise Unknown("follow-up", within=True)
    today = day_of(at)
    on = command.occurred_on or today
    check(follow_up, command.situation, on, today)
    if follow_up.status == "planned":
        asks = f"It asks about {follow_up.due_on.isoformat()}."
        opens = " That day has come; it opens in a moment." if today >= follow_up.due_on else ""
        raise Conflict("follow-up-not-due", asks + opens)
    said = ("answered", by, command.situation, command.occurred_on or follow_up.answered_on)
    if said == (follow_up.status, follow_up.answered_by, follow_up.situation, follow_up.answered_on):
        return Change(state)
    if follow_up.status != "due" or today > follow_up.answer_by:
        over = f"It could be answered until {follow_up.answer_by.isoformat()}."
        standing = over if follow_up.status == "due" else f"The follow-up is {follow_up.status}."
        raise Conflict("follow-up-closed", standing)
    answered = replace(
        follow_up, status="answered", situation=command.situation, answered_on=on, answered_by=by
    )
    event = FollowUpAnswered(
        occurred_on=on,
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=follow_up.kind,
        situation=command.situation,
    )
    change = _changed(state, answered, event)
    return replace(change, cancels=(timer_keys(follow_up.follow_up_id)[1],))


def check(follow_up: FollowUp, situation: str, on: date, today: date) -> None:
    """Raise Invalid with everything that is wrong with an answer that became known on that day."""
    found = Findings()
    found.known("situation", situation, get_args(Situation))
    found.not_future("occurred_on", on, today)
    if follow_up.status != "planned":
        found.not_before("occurred_on", on, follow_up.due_on, "the day that is asked about")
    found.raise_any()


def _changed(state: Outcome, follow_up: FollowUp, event: Fact) -> Change[Outcome]:
    """The state with the follow-up as it is now; closed when none is open any more."""
    after = replace(state, follow_ups={**state.follow_ups, follow_up.kind: follow_up})
    events: tuple[Fact, ...] = (event,)
    if all(one.status not in OPEN for one in after.follow_ups.values()):
        events = (event, closed(event.occurred_on, event.recorded_at))
    return Change(moved(after, *events), events=events, rows=(follow_up_row(after, follow_up),))
