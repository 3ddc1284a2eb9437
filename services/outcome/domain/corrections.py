"""What was said of the end and after it, said anew or taken back: the exit, and the answers of follow-ups.

A follow-up asks about a day that is counted from the exit. So where the exit's day is corrected, what was asked about
another day falls: an answer is about its own day only.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.outcome.domain.follow_up import check as check_answer
from services.outcome.domain.journey import (
    FollowUp,
    Outcome,
    due_timer,
    follow_up_row,
    missed_timer,
    timer_keys,
    unasked,
)
from services.outcome.domain.leaving import RecordExit, check, closed, plan
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.days import day_of, days_after
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Conflict, Unknown
from shared.language.events import (
    Code,
    ExitWay,
    Fact,
    FollowUpAnswered,
    FollowUpMissed,
    JourneyClosed,
    JourneyExited,
    Situation,
)
from shared.language.journeys import moved
from shared.language.programmes import Programme


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectExit(Correcting):
    """Command: say the exit anew, or, `void`, that participation goes on. occurred_on: None is the day it has."""

    way: ExitWay | None = None
    reason: Code | None = None
    situation: Situation | None = None
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectAnswer(Correcting):
    """Command: say the answer anew, or, `void`, that nobody answered. occurred_on: None is the day it has."""

    situation: Situation | None = None
    occurred_on: date | None = None


def correct_exit(
    state: Outcome, command: CorrectExit, *, programme: Programme, by: Actor, at: datetime
) -> Change[Outcome]:
    """Say the exit anew, or take it back; the same exit changes nothing.

    Raises Invalid; Conflict `wrong-stage` where there is no exit, or after a mistake.
    """
    passage = state.passage
    if passage.exited_on is None or passage.mistake:
        raise Conflict("wrong-stage", f"The journey is {passage.stage}; there is no exit to correct.")
    was = (passage.exit_way, passage.exited_on, state.exit_reason, state.exit_situation)
    if command.void:
        event = _exited(state, at, way=passage.exit_way, on=passage.exited_on, void=True)
        return _corrected(state, command, event, {}, by=by, at=at)
    said = _said(command, passage.exited_on)
    on = said.occurred_on or passage.exited_on
    check(state, said, on, programme, at)
    if was == (said.way, on, said.reason, said.situation):
        return Change(state)
    anew = replace(state, exit_reason=said.reason, exit_situation=said.situation)
    event = _exited(anew, at, way=said.way, on=on, void=False)
    kinds = programme.follow_ups if said.way != "deceased" else ()
    planned = {kind.code: plan(state, kind, event) for kind in kinds}
    return _corrected(state, command, event, planned, by=by, at=at)


def _said(command: CorrectExit, on: date) -> RecordExit:
    if command.way is None:
        found = Findings()
        found.add("way", "Missing: a correction says everything anew, unless it is void.")
        found.raise_any()
    assert command.way is not None
    return RecordExit(
        way=command.way,
        reason=command.reason,
        situation=command.situation,
        occurred_on=command.occurred_on or on,
    )


def _exited(state: Outcome, at: datetime, *, way: ExitWay | None, on: date, void: bool) -> JourneyExited:
    assert way is not None, "an exit has a way"
    return JourneyExited(
        occurred_on=on,
        recorded_at=at,
        way=way,
        organisation=state.passage.responsible,
        reason=state.exit_reason,
        situation=state.exit_situation,
        correction="voids" if void else "replaces",
    )


def _corrected(
    state: Outcome,
    command: CorrectExit,
    event: JourneyExited,
    planned: dict[str, FollowUp],
    *,
    by: Actor,
    at: datetime,
) -> Change[Outcome]:
    """The change that another exit comes to. planned: the follow-ups it asks for, as if nothing had been asked yet."""
    kept = {
        kind: one
        for kind, one in state.follow_ups.items()
        if kind in planned and one.due_on == planned[kind].due_on and one.status != "cancelled"
    }
    fallen = {kind: one for kind, one in state.follow_ups.items() if kind not in kept}
    fresh = {kind: one for kind, one in planned.items() if kind not in kept}
    taken_back = [unasked(one, at) for one in fallen.values() if one.asked]
    events: list[Fact] = [event, *taken_back]
    if event.correction != "voids" and not fresh and all(_over(one) for one in kept.values()):
        events.append(closed((kept and state.passage.closed_on) or event.occurred_on, at))
    over = {kind: _cancelled(one) for kind, one in fallen.items()}
    after = replace(
        moved(state, *events),
        follow_ups={**over, **kept, **fresh},
        exit_reason=None if command.void else event.reason,
        exit_situation=None if command.void else event.situation,
    )
    fallen_keys = [key for one in fallen.values() for key in timer_keys(one.follow_up_id)]
    timers = tuple(due_timer(one) for one in fresh.values())
    rows = [follow_up_row(after, one) for one in (*over.values(), *kept.values(), *fresh.values())]
    after, history = _kept(state, after, command, by=by, at=at, answers=fallen)
    return Change(
        after,
        events=tuple(events),
        rows=(*{row.key: row for row in rows}.values(), *history),
        timers=timers,
        cancels=tuple(set(fallen_keys) - {one.key for one in timers}),
    )


def _over(follow_up: FollowUp) -> bool:
    return follow_up.status in ("answered", "missed")


def _cancelled(follow_up: FollowUp) -> FollowUp:
    return replace(
        follow_up, status="cancelled", asked=False, situation=None, answered_on=None, answered_by=None
    )


def _kept(
    state: Outcome,
    after: Outcome,
    command: CorrectExit,
    *,
    by: Actor,
    at: datetime,
    answers: dict[str, FollowUp],
) -> tuple[Outcome, list[Row]]:
    """What the exit said, and the answers that fall with it."""
    passage = state.passage
    exit_said = {
        "on": passage.exited_on,
        "way": passage.exit_way,
        "reason": state.exit_reason,
        "situation": state.exit_situation,
    }
    number = state.corrections + 1
    subject = subject_of("journey", state.journey_id)
    rows = [
        superseded(
            subject,
            number,
            "exit",
            exit_said,
            recorded_by=passage.responsible,
            by=by,
            at=at,
            why=command.why,
            void=command.void,
        )
    ]
    for one in answers.values():
        if one.status == "answered":
            number += 1
            rows.append(_answer_kept(state, number, one, command, by=by, at=at, void=True))
    return replace(after, corrections=number), rows


def _answer_kept(
    state: Outcome,
    number: int,
    follow_up: FollowUp,
    command: Correcting,
    *,
    by: Actor,
    at: datetime,
    void: bool,
) -> Row:
    said = {
        "due_on": follow_up.due_on,
        "situation": follow_up.situation,
        "answered_on": follow_up.answered_on,
    }
    return superseded(
        subject_of("journey", state.journey_id),
        number,
        f"follow-up/{follow_up.kind}",
        said,
        recorded_by=follow_up.answered_by,
        by=by,
        at=at,
        why=command.why,
        void=void,
    )


def correct_answer(
    state: Outcome, kind: str, command: CorrectAnswer, *, by: Actor, at: datetime
) -> Change[Outcome]:
    """Say the answer anew, or take it back: then it is asked again while there is time, and missing after that.

    Of the deceased nothing is asked again. Raises Unknown for a kind that the journey has not; Invalid; Conflict
    `wrong-stage` where nobody has answered.
    """
    follow_up = state.follow_ups.get(kind)
    if follow_up is None:
        raise Unknown("follow-up", within=True)
    if follow_up.status != "answered" or state.passage.mistake:
        raise Conflict("wrong-stage", f"The follow-up is {follow_up.status}; there is no answer to correct.")
    assert follow_up.answered_on is not None and follow_up.situation is not None
    today = day_of(at)
    if command.void:
        return _unanswered(state, follow_up, command, by=by, at=at)
    if command.situation is None:
        found = Findings()
        found.add("situation", "Missing: a correction says everything anew, unless it is void.")
        found.raise_any()
    assert command.situation is not None
    on = command.occurred_on or follow_up.answered_on
    check_answer(follow_up, command.situation, on, today)
    if (command.situation, on) == (follow_up.situation, follow_up.answered_on):
        return Change(state)
    answered = replace(follow_up, situation=command.situation, answered_on=on, answered_by=by.organisation)
    event = FollowUpAnswered(
        occurred_on=on,
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=kind,
        situation=command.situation,
        correction="replaces",
    )
    return _answer_changed(state, follow_up, answered, command, (event,), by=by, at=at)


def _unanswered(
    state: Outcome, follow_up: FollowUp, command: CorrectAnswer, *, by: Actor, at: datetime
) -> Change[Outcome]:
    assert follow_up.answered_on is not None and follow_up.situation is not None
    taken_back = FollowUpAnswered(
        occurred_on=follow_up.answered_on,
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=follow_up.kind,
        situation=follow_up.situation,
        correction="voids",
    )
    again = replace(follow_up, status="due", situation=None, answered_on=None, answered_by=None)
    if state.passage.exit_way == "deceased":
        return _answer_changed(
            state, follow_up, replace(again, status="cancelled"), command, (taken_back,), by=by, at=at
        )
    if day_of(at) > follow_up.answer_by:
        missed = FollowUpMissed(
            occurred_on=days_after(follow_up.answer_by, 1),
            recorded_at=at,
            follow_up=follow_up.follow_up_id,
            kind=follow_up.kind,
        )
        events: tuple[Fact, ...] = (taken_back, missed)
        return _answer_changed(
            state, follow_up, replace(again, status="missed"), command, events, by=by, at=at
        )
    events = (taken_back,)
    if state.passage.closed_on is not None:
        opened = JourneyClosed(occurred_on=state.passage.closed_on, recorded_at=at, correction="voids")
        events = (taken_back, opened)
    change = _answer_changed(state, follow_up, again, command, events, by=by, at=at)
    return replace(change, timers=(missed_timer(again),))


def _answer_changed(
    state: Outcome,
    before: FollowUp,
    after: FollowUp,
    command: CorrectAnswer,
    events: tuple[Fact, ...],
    *,
    by: Actor,
    at: datetime,
) -> Change[Outcome]:
    number = state.corrections + 1
    held = replace(
        moved(state, *events),
        follow_ups={**state.follow_ups, after.kind: after},
        corrections=number,
    )
    kept = _answer_kept(state, number, before, command, by=by, at=at, void=command.void)
    return Change(held, events=events, rows=(follow_up_row(held, after), kept))
