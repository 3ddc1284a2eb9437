"""Sessions: attendance and hours, logged late as often as not, and corrected without overwriting anything.

A correction is a new entry that supersedes the head of a chain. Its event carries the content of the head, so that
every figure can follow without looking back. Reasons of absence stay here: many touch on health. Source:
docs/field.md, Absence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.absence import check_reason, judged
from services.activity_tracking.domain.held import MARKS, Held, mark_key, stretch_of
from services.activity_tracking.domain.journey import (
    BEGUN,
    Journey,
    Minutes,
    SessionCounts,
    added,
    check_day,
    public_activity,
    require_stage,
)
from services.activity_tracking.domain.session_days import day_row
from shared.language.checks import Findings
from shared.language.decision import Change, Row
from shared.language.errors import Conflict
from shared.language.events import (
    Attendance,
    Code,
    JourneyId,
    Organisation,
    ReportId,
    SessionAsLogged,
    SessionCorrected,
    SessionId,
    SessionLogged,
)
from shared.language.programmes import Programme
from shared.language.rows import as_row

DAY_MINUTES = 1440
"""No session is longer than a day, nor are all of one person's on one day together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSession:
    """Command: log one session. `reference`: the organisation's own; the same one again is the same session.

    minutes: 0 for who missed it, else the time attended. reason: the code of an absence. text: words beside it.
    """

    activity: str
    occurred_on: date
    attendance: Attendance
    minutes: int
    reason: str | None = None
    text: str | None = None
    reference: str | None = None
    held: Held | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectSession:
    """Command: say what a session should have said, or, `void`, that it never took place.

    Without `void` everything is said anew; with it, what is left out stays as the head said.
    """

    activity: str | None = None
    occurred_on: date | None = None
    attendance: Attendance | None = None
    minutes: int | None = None
    reason: str | None = None
    text: str | None = None
    void: bool = False
    why: str | None = None
    held: Held | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A row: one entry. The chain of a session is followed by `corrects` and `superseded_by`.

    number: of the entry in its journey, in the order of recording, corrections included. organisation: where the
    session was held. recorded_by: who entered it, after a handover perhaps another one. why: what was wrong with the
    entry that it corrects. report_id: the report to the referrer that it led to, made or to be made. credited, excused:
    minutes missed that count as attended, and others that are excused, by the reason.
    """

    session_id: SessionId
    journey_id: JourneyId
    number: int
    organisation: Organisation
    recorded_by: Organisation
    activity: Code
    occurred_on: date
    attendance: Attendance
    minutes: int
    recorded_at: datetime
    reason: Code | None = None
    text: str | None = None
    reference: str | None = None
    corrects: SessionId | None = None
    superseded_by: SessionId | None = None
    void: bool = False
    why: str | None = None
    held: Held | None = None
    report_id: ReportId | None = None
    credited: int = 0
    excused: int = 0

    @property
    def counted_minutes(self) -> int:
        """Minutes that count as attended."""
        return self.minutes + self.credited

    @property
    def planned_minutes(self) -> int | None:
        """What was planned, where the session was marked on a register; None of others.

        A day's at most: a stretch of nearly a day is longer in the night in which clocks go back.
        """
        return None if self.held is None or self.held.plan is None else min(self.held.minutes, DAY_MINUTES)


REFERENCES = "session_references"
"""Rows `<organisation>:<reference>`: the session that the reference led to."""


def reference_key(organisation: Organisation, reference: str) -> str:
    """The key of the row that remembers which session an organisation's own reference names."""
    return f"{organisation}:{reference}"


def _mark_place(entry: Session) -> tuple[str, str] | None:
    if entry.held is None:
        return None
    stretch = stretch_of(entry.held.plan, entry.activity, entry.held.group)
    return MARKS, mark_key(entry.journey_id, stretch, entry.occurred_on, entry.held.hour)


def _mark_rows(entry: Session) -> list[Row]:
    place = _mark_place(entry)
    named = {"journey_id": entry.journey_id, "session_id": entry.session_id, "unit": entry.organisation}
    return [Row(*place, {**named, "day": entry.occurred_on.isoformat()})] if place else []


def log(
    journey: Journey,
    command: LogSession,
    *,
    programme: Programme,
    by: Organisation,
    at: datetime,
    session: SessionId,
    earlier: Session | None,
    that_day: SessionCounts,
) -> tuple[Change[Journey], Session]:
    """Log one session, from the start on, also late and also after the exit for the days before it.

    session: the id of the new entry. earlier: what the organisation logged under the same reference before: the same
    content again changes nothing. that_day: the counts of that day so far. Returns the change and the entry that stands
    for the command. Raises Invalid, Conflict `wrong-stage`, Conflict `already-logged`.
    """
    if earlier is not None:
        if earlier.journey_id == journey.journey_id and _content(earlier) == _content(command):
            return Change(journey), earlier
        raise Conflict("already-logged", _stands(journey, earlier))
    found = Findings()
    _check(found, command, programme=programme)
    check_day(found, "occurred_on", command.occurred_on, journey, at)
    credited, excused = judged(command.attendance, command.reason, command.held, programme)
    _check_sum(found, command.minutes + credited, that_day.minutes)
    found.raise_any()
    require_stage(journey, BEGUN)
    entry = Session(
        session_id=session,
        journey_id=journey.journey_id,
        number=journey.entries + 1,
        organisation=by,
        recorded_by=by,
        activity=command.activity,
        occurred_on=command.occurred_on,
        attendance=command.attendance,
        minutes=command.minutes,
        reason=command.reason,
        text=command.text,
        reference=command.reference,
        recorded_at=at,
        held=command.held,
        credited=credited,
        excused=excused,
    )
    event = SessionLogged(
        occurred_on=entry.occurred_on,
        recorded_at=at,
        session=session,
        organisation=by,
        activity=public_activity(programme, entry.activity),
        attendance=entry.attendance,
        minutes=entry.counted_minutes,
        planned_minutes=entry.planned_minutes,
    )
    counts = _counts(entry, event.activity)
    day = day_row(journey.journey_id, entry.occurred_on, added(that_day, counts))
    rows = [as_row("sessions", session, entry), day, *_mark_rows(entry)]
    if command.reference is not None:
        named = {"session_id": session, "journey_id": journey.journey_id}
        rows.append(Row(REFERENCES, reference_key(by, command.reference), named))
    after = replace(journey, entries=entry.number, sessions=added(journey.sessions, counts))
    return Change(after, events=(event,), rows=tuple(rows)), entry


def correct(
    journey: Journey,
    head: Session,
    command: CorrectSession,
    *,
    programme: Programme,
    by: Organisation,
    at: datetime,
    session: SessionId,
    days: Mapping[date, SessionCounts],
) -> tuple[Change[Journey], Session]:
    """Supersede the head of a chain by a new entry; a correction that says the same changes nothing.

    head: the entry to correct, of this journey. session: the id of the new entry. days: the counts of the day that the
    head has, and of the one that it is to have. Returns the change and the entry that stands. Raises Invalid, Conflict
    `wrong-stage`, Conflict `superseded` when the entry is not the head, Conflict `voided` when the head took the
    session back.
    """
    said = _said(head, command)
    found = Findings()
    _check(found, said, programme=programme)
    was_named = public_activity(programme, head.activity)
    was = _counts(head, was_named)
    before = added(days[head.occurred_on], was, -1)
    credited, excused = judged(said.attendance, said.reason, said.held, programme)
    others = before if said.occurred_on == head.occurred_on else days[said.occurred_on]
    if not said.void:
        # What never took place can be taken back wherever it lies.
        check_day(found, "occurred_on", said.occurred_on, journey, at)
        _check_sum(found, said.minutes + credited, others.minutes)
    found.raise_any()
    require_stage(journey, BEGUN)
    if head.superseded_by is not None:
        raise Conflict("superseded", f"The entry was corrected by {head.superseded_by}.")
    if head.void:
        raise Conflict("voided", "The session was taken back as never held; what was held is logged anew.")
    if _content(said) == _content(head) and said.void == head.void:
        return Change(journey), head
    entry = replace(
        said,
        session_id=session,
        number=journey.entries + 1,
        recorded_by=by,
        recorded_at=at,
        reference=None,
        corrects=head.session_id,
        why=command.why,
        credited=credited,
        excused=excused,
    )
    counted = journey.passage.takes_part_on(head.occurred_on)
    event = SessionCorrected(
        occurred_on=entry.occurred_on,
        recorded_at=at,
        session=session,
        corrects=head.session_id,
        replaced=SessionAsLogged(
            occurred_on=head.occurred_on,
            attendance=head.attendance,
            minutes=head.counted_minutes,
            planned_minutes=head.planned_minutes,
            counted=counted,
            activity=was_named,
        ),
        organisation=entry.organisation,
        activity=public_activity(programme, entry.activity),
        attendance=entry.attendance,
        minutes=entry.counted_minutes,
        planned_minutes=entry.planned_minutes,
        void=entry.void,
    )
    counts = added(journey.sessions, was, -1) if counted else journey.sessions
    now = _counts(entry, event.activity)
    counts = added(counts, now)
    after = replace(journey, entries=entry.number, sessions=replace(counts, corrected=counts.corrected + 1))
    anew = added(others, now)
    changed = {head.occurred_on: before, said.occurred_on: anew}
    rows = (
        as_row("sessions", head.session_id, replace(head, superseded_by=session)),
        as_row("sessions", session, entry),
        *(day_row(journey.journey_id, on, counts) for on, counts in changed.items()),
        *_mark_rows(entry),
    )
    was_marked = _mark_place(head)
    gone = () if was_marked is None or entry.held is not None else (was_marked,)
    return Change(after, events=(event,), rows=rows, removes=gone), entry


def _stands(journey: Journey, earlier: Session) -> str:
    """What a reference names, and what its sender may do."""
    if earlier.journey_id != journey.journey_id:
        return (
            f"The reference names session {earlier.session_id} of another journey; "
            "give this one a reference of its own."
        )
    return (
        f"The reference names session {earlier.session_id}, which says something else; "
        "correct that session, or give this one a reference of its own."
    )


def _content(said: Session | LogSession) -> tuple[object, ...]:
    """What two entries must agree in to be the same, whichever device said so and when."""
    held = said.held and replace(said.held, marked_at=None)
    return said.activity, said.occurred_on, said.attendance, said.minutes, said.reason, said.text, held


def _said(head: Session, command: CorrectSession) -> Session:
    """The head as the correction words it. Raises Invalid when it leaves something out without `void`."""
    if not command.void:
        found = Findings()
        for name in ("activity", "occurred_on", "attendance", "minutes"):
            if getattr(command, name) is None:
                found.add(name, "Missing: a correction says everything anew, unless it is void.")
        found.raise_any()
    return replace(
        head,
        activity=head.activity if command.activity is None else command.activity,
        occurred_on=head.occurred_on if command.occurred_on is None else command.occurred_on,
        attendance=head.attendance if command.attendance is None else command.attendance,
        minutes=head.minutes if command.minutes is None else command.minutes,
        reason=head.reason if command.attendance is None else command.reason,
        text=head.text if command.attendance is None else command.text,
        void=command.void,
        held=_held_anew(head, command),
    )


def _held_anew(head: Session, command: CorrectSession) -> Held | None:
    """The stretch as it was, without times where other minutes are said. Another day, or unplanned activity, is not."""
    if command.held is not None or head.held is None:
        return command.held
    elsewhere = head.held.plan is None and command.activity not in (None, head.activity)
    if elsewhere or command.occurred_on not in (None, head.occurred_on):
        return None
    as_it_was = command.minutes in (None, head.minutes)
    return head.held if as_it_was else replace(head.held, came_at=None, left_at=None)


def _check(found: Findings, said: LogSession | Session, *, programme: Programme) -> None:
    found.known("activity", said.activity, (kind.code for kind in programme.activities))
    if said.attendance == "no":
        if said.minutes != 0:
            found.add("minutes", "Must be 0 when nobody came.")
    elif not 1 <= said.minutes <= DAY_MINUTES:
        found.add("minutes", f"Takes 1 to {DAY_MINUTES} minutes when somebody came.")
    check_reason(found, said.attendance, said.reason, said.text, said.held, programme=programme)


def _check_sum(found: Findings, minutes: int, others: int) -> None:
    """A day has as many minutes as it has, whoever logs them. others: minutes of that day's other sessions."""
    if minutes <= DAY_MINUTES < minutes + others:
        found.add(
            "minutes", f"Comes to {minutes + others} minutes with the day's others; a day has {DAY_MINUTES}."
        )


def _counts(entry: Session, activity: Code | None) -> SessionCounts:
    """What the entry counts for; a void one for nothing. activity: as an event may name it."""
    present = entry.attendance != "no"
    if entry.void:
        return SessionCounts()
    planned = entry.planned_minutes or 0
    minutes = entry.counted_minutes
    marked = 0 if entry.planned_minutes is None else minutes
    of_activity = Minutes(minutes, planned, marked, entry.excused)
    return SessionCounts(
        logged=1,
        attended=int(present),
        late=int(entry.attendance == "late"),
        missed=int(not present),
        minutes=minutes,
        planned_minutes=planned,
        marked_minutes=marked,
        excused_minutes=entry.excused,
        activities={} if activity is None else {activity: of_activity},
    )
