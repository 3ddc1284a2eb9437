"""What moves when a journey's bounds or hands do: which sessions count, and until when plans hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.activity_tracking.domain.counted import moved_since, recounts
from services.activity_tracking.domain.journey import Journey, Minutes, SessionCounts, added, apply_fact
from services.activity_tracking.domain.months import keep_month
from services.activity_tracking.domain.plan import PlannedActivity, plan_row
from services.activity_tracking.domain.written import keep_due
from shared.language.decision import Change, Received
from shared.language.events import ActivityMinutes, Fact, SessionsOfDay, SessionsRecounted
from shared.language.passage import Passage
from shared.language.programmes import Programmes

MOST_DAYS = 31
"""Days that one event recounts at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the folds below get beside an event: the counts of the journey's days, and its plans that have hours."""

    days: Mapping[date, SessionCounts] = field(default_factory=dict)
    plans: Sequence[PlannedActivity] = ()


def change_hands(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in what moves the last day on which somebody's plans hold, and what is owed. received.extra: a Beside."""
    after = apply_fact(state, received, programmes).state
    assert state is not None
    rows = tuple(
        row
        for one in received.extra.plans
        if (row := plan_row(one, after.passage)) != plan_row(one, state.passage)
    )
    units = {one.unit for one in received.extra.plans if one.unit is not None}
    since = moved_since(state.passage, after.passage) if units else None
    again = () if since is None else recounts(units, since, None, received.body.recorded_at)
    moved = Change(after, rows=rows, timers=again)
    return keep_due(moved, state.passage, received.body.recorded_at, programmes)


def set_bounds(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in what decides which sessions count: the first and the last day of participation, and whether it is real.

    received.extra: a Beside. The counts are kept, and count again where the day is corrected once more. In another
    municipality none counts at first, and then all of them do, so that whoever counts by municipality counts them
    there. The timer of the next monthly report moves too.
    """
    moved = change_hands(state, received, programmes)
    after = moved.state
    assert state is not None
    anew = state.passage.municipality != after.passage.municipality
    events: list[SessionsRecounted] = []
    counts = state.sessions
    for counted, by, other in ((False, state.passage, after.passage), (True, after.passage, state.passage)):
        days = [
            (on, held)
            for on, held in sorted(received.extra.days.items())
            if held.logged and _count_on(by, on) and (anew or not _count_on(other, on))
        ]
        for at in range(0, len(days), MOST_DAYS):
            chunk = days[at : at + MOST_DAYS]
            for _, held in chunk:
                counts = added(counts, held, 1 if counted else -1)
            events.append(_recounted(counts, chunk, received.body, counted=counted))
    if events:
        moved = replace(moved, state=replace(after, sessions=counts), events=tuple(events))
    return keep_month(moved, programmes)


def _count_on(passage: Passage, on: date) -> bool:
    return passage.takes_part_on(on) and not passage.mistake


def _recounted(
    counts: SessionCounts, days: Sequence[tuple[date, SessionCounts]], cause: Fact, *, counted: bool
) -> SessionsRecounted:
    return SessionsRecounted(
        occurred_on=cause.occurred_on,
        recorded_at=cause.recorded_at,
        logged=counts.logged,
        attended=counts.attended,
        late=counts.late,
        missed=counts.missed,
        minutes=counts.minutes,
        planned_minutes=counts.planned_minutes,
        marked_minutes=counts.marked_minutes,
        days=tuple(
            SessionsOfDay(
                on=on,
                counted=counted,
                logged=held.logged,
                attended=held.attended,
                late=held.late,
                missed=held.missed,
                minutes=held.minutes,
                planned_minutes=held.planned_minutes,
                marked_minutes=held.marked_minutes,
                activities=tuple(
                    ActivityMinutes(
                        activity=code,
                        minutes=one.minutes,
                        planned_minutes=one.planned,
                        marked_minutes=one.marked,
                    )
                    for code, one in sorted(held.activities.items())
                    if one != Minutes()
                ),
            )
            for on, held in days
        ),
    )
