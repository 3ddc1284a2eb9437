"""Reports that a provider owes a journey's referrer: made of what was noted once, told, acknowledged, corrected.

A deviation report follows an absence, when the activity is over. Until then a timer keeps it, and a correction takes it
back unseen. A report that was made is corrected by another, which takes its place. What a report says is not kept here:
it is read from the entry that it is about. Source: docs/field.md, Reports to the referrer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from services.activity_tracking.domain.absence import was_away
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.sessions import Session
from services.activity_tracking.domain.working_days import working_days_after
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Change, Row, Timer
from shared.language.events import (
    Code,
    Fact,
    JourneyId,
    Organisation,
    ReportAcknowledged,
    ReportId,
    ReportKind,
    ReportMade,
    ReportOverdue,
    SessionId,
)
from shared.language.passage import Passage
from shared.language.programmes import Programme, Programmes, ReportDuty
from shared.language.rows import as_row, entry_of

REPORTS = "reports"
"""Rows: reports that were made. Those that await an acknowledgement have `waits`: the last day for it, then the key."""
MAKE, LATE = "make_report", "report_overdue"
"""Commands of the timers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A row: one report. day: the absence's, or the last day of the month, week or period. number: within the journey.

    duty: the code of the programme's duty. session: the entry that it is about. made_at: None until it is made.
    superseded_by: the report that corrects it. void: there is nothing to report any more. listed: its place in lists.
    first_on, text, due: of one that the provider wrote: the first day that it is about, its words, and what was due.
    """

    report_id: ReportId
    journey_id: JourneyId
    number: int
    kind: ReportKind
    duty: Code
    day: date
    provider: Organisation
    referrer: Organisation
    due_on: date
    session: SessionId | None = None
    made_at: datetime | None = None
    listed: str = ""
    corrects: ReportId | None = None
    superseded_by: ReportId | None = None
    first_on: date | None = None
    text: str | None = None
    due: ReportId | None = None
    void: bool = False
    acknowledged_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether the referrer is still to acknowledge it."""
        return self.acknowledged_at is None and self.superseded_by is None

    def is_overdue(self, today: date) -> bool:
        """Whether its last day has passed without an acknowledgement."""
        return self.waits and self.due_on < today


def as_stored(at: datetime) -> datetime:
    """The moment in whole milliseconds, as MongoDB keeps it: so the same answer comes again."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def report_row(report: Report) -> Row:
    """The row of a report that was made."""
    row = as_row(REPORTS, report.report_id, report)
    if not report.waits:
        return row
    return replace(row, body={**row.body, "waits": f"{report.due_on.isoformat()}:{report.report_id}"})


def next_report(journey: Journey) -> tuple[int, ReportId]:
    """The number of the journey's next report, and its id."""
    number = journey.reports + 1
    return number, ReportId(f"{journey.journey_id}.r{number}")


def to_make(report: Report) -> str:
    """The key of the timer that is to make the report."""
    return f"report:{report.report_id}"


def deadline(report_id: ReportId) -> str:
    """The key of the timer that tells when the report is overdue."""
    return f"report-deadline:{report_id}"


# --- deviations ------------------------------------------------------------------------------------------


def deviation_duty(journey: Journey, entry: Session, programme: Programme) -> ReportDuty | None:
    """The duty by which this entry is reported to the referrer; None where it need not be.

    An absence is reported unless its reason is none of the referrer's business. Who was late or left early without a
    reason is reported too.
    """
    passage = journey.passage
    if entry.void or entry.organisation == passage.referrer or passage.mistake:
        return None
    if not was_away(entry.attendance, entry.held, programme) or not passage.takes_part_on(entry.occurred_on):
        return None
    reason = programme.absence_reason(entry.reason)
    if reason is not None and not reason.told_to_referrer:
        return None
    return programme.duty("deviation", passage.referrer)


def over_at(entry: Session) -> datetime:
    """When the activity is over, UTC: the end that was planned, else the end of its day."""
    return start_of(days_after(entry.occurred_on, 1)) if entry.held is None else entry.held.ends_at


def reported(
    change: Change[Journey],
    entry: Session,
    *,
    head: Session | None,
    made: Report | None,
    programme: Programme,
    at: datetime,
) -> tuple[Change[Journey], Session]:
    """What logging or correcting a session means for its report. entry: the entry that stands.

    head: the entry that it corrects. made: the report that the head led to, None while it is to be made. Returns the
    change with the report in it, and the entry that knows it.
    """
    if not change.events:
        return change, entry
    journey = change.state
    duty = deviation_duty(journey, entry, programme)
    awaited = None if head is None or made is not None else head.report_id
    if awaited is not None:
        change = replace(change, cancels=(*change.cancels, f"report:{awaited}"))
    if duty is None and (made is None or made.void):
        return _naming(change, entry, None if made is None else made.report_id)
    if duty is None:
        assert made is not None
        duty = programme.duty_of(made.duty)
    assert duty is not None
    void = entry.void or deviation_duty(journey, entry, programme) is None
    number, report_id = next_report(journey)
    # A correction is made at once: the referrer holds what is wrong.
    over = at if made is not None else max(at, over_at(entry))
    report = Report(
        report_id=report_id,
        journey_id=journey.journey_id,
        number=number,
        kind="deviation",
        duty=duty.code,
        day=entry.occurred_on,
        provider=entry.organisation,
        referrer=journey.passage.referrer,
        due_on=working_days_after(day_of(over), duty.within_working_days),
        session=entry.session_id,
        corrects=None if made is None else made.report_id,
        void=void,
    )
    change = replace(change, state=replace(journey, reports=number))
    if made is not None:
        change = joined(change, superseding(made, report_id))
    if over > at:
        body: dict[str, Any] = msgspec.to_builtins(report)
        timer = Timer(key=to_make(report), due=over, command=MAKE, body=body)
        change = replace(change, timers=(*change.timers, timer))
    else:
        change = joined(change, making(report, at))
    return _naming(change, entry, report_id)


def _naming(
    change: Change[Journey], entry: Session, report_id: ReportId | None
) -> tuple[Change[Journey], Session]:
    """The change with the session's row knowing its report."""
    if entry.report_id == report_id:
        return change, entry
    anew = replace(entry, report_id=report_id)
    row = as_row("sessions", anew.session_id, anew)
    rows = tuple(row if (one.collection, one.key) == ("sessions", row.key) else one for one in change.rows)
    return replace(change, rows=rows), anew


# --- all kinds -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What making, or superseding, a report adds to a change."""

    events: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancels: tuple[str, ...] = ()


def provider_on(passage: Passage, day: date) -> Organisation:
    """Who owes a report of time up to that day: whoever held the journey then."""
    held = passage.responsible_on(day)
    return passage.responsible if passage.responsible in held else min(held, default=passage.responsible)


def joined(change: Change[Journey], more: Making) -> Change[Journey]:
    """The change with more in it."""
    return replace(
        change,
        events=(*change.events, *more.events),
        rows=(*change.rows, *more.rows),
        timers=(*change.timers, *more.timers),
        cancels=(*change.cancels, *more.cancels),
    )


def stamped(report: Report, at: datetime) -> Report:
    """The report as one that is made now."""
    made_at = as_stored(at)
    return replace(report, made_at=made_at, listed=f"{made_at:%Y-%m-%dT%H:%M:%S.%fZ}:{report.report_id}")


def making(report: Report, at: datetime) -> Making:
    """Make the report now: its row, its event, and the timer of its deadline. at: UTC."""
    report = stamped(report, at)
    event = ReportMade(
        occurred_on=day_of(at),
        recorded_at=at,
        report=report.report_id,
        kind=report.kind,
        due_on=report.due_on,
        provider=report.provider,
        corrects=report.corrects,
        void=report.void,
    )
    late = Timer(
        key=deadline(report.report_id),
        due=start_of(days_after(report.due_on, 1)),
        command=LATE,
        body={"report": report.report_id, "kind": report.kind, "provider": report.provider},
    )
    return Making(events=(event,), rows=(report_row(report),), timers=(late,))


def superseding(report: Report, by: ReportId) -> Making:
    """Let another report take this one's place."""
    rows = (report_row(replace(report, superseded_by=by)),)
    return Making(rows=rows, cancels=(deadline(report.report_id),))


def make(state: Journey, timer: Timer, at: datetime, programmes: Programmes) -> Change[Journey]:
    """The activity is over: make the report that the timer keeps, unless the day lies outside participation by now."""
    report = entry_of(Report, timer.body)
    if state.passage.mistake or not state.passage.takes_part_on(report.day):
        return Change(state)
    return joined(Change(state), making(report, at))


def pass_deadline(state: Journey, timer: Timer, at: datetime, programmes: Programmes) -> Change[Journey]:
    """Say that nobody has acknowledged the report by its last day."""
    said: Mapping[str, Any] = timer.body
    event = ReportOverdue(
        occurred_on=day_of(timer.due),
        recorded_at=at,
        report=said["report"],
        kind=said["kind"],
        provider=said["provider"],
    )
    return Change(state, events=(event,))


def acknowledge(journey: Journey, report: Report, *, at: datetime) -> tuple[Change[Journey], Report]:
    """Say that the referrer has the report, also one that was corrected since; saying it again changes nothing."""
    if report.acknowledged_at is not None:
        return Change(journey), report
    anew = replace(report, acknowledged_at=as_stored(at))
    event = ReportAcknowledged(
        occurred_on=day_of(at), recorded_at=at, report=report.report_id, kind=report.kind
    )
    change = Change(journey, events=(event,), rows=(report_row(anew),), cancels=(deadline(report.report_id),))
    return change, anew
