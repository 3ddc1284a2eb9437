"""Reports that the provider writes: the joint plan, periodic reports, the final report.

Each falls due on a day of the journey: its start, every so many months of it, its exit. From then on it waits at the
provider, who sends it with words of its own. Only then does the referrer hear of it. Where nobody sends it in time, it
is overdue at the provider. Source: docs/field.md, Reports to the referrer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import (
    Report,
    joined,
    making,
    next_report,
    stamped,
    superseding,
)
from services.activity_tracking.domain.working_days import working_days_after
from shared.language.checks import Findings
from shared.language.days import day_of, days_after, months_after, start_of
from shared.language.decision import Change, Row, Timer
from shared.language.errors import Conflict
from shared.language.events import Code, JourneyId, Organisation, ReportId, ReportKind, ReportOverdue
from shared.language.passage import Passage
from shared.language.programmes import WRITTEN, Programme, Programmes, ReportDuty
from shared.language.rows import as_row

DUE = "reports_due"
"""Rows: reports to write, under the ids that they will have. One not sent has `unsent`: its last day, then its id."""
SETTLE, UNSENT = "due", "report_unsent"
"""Timers: look at what a journey owes; say that a report was not sent in time."""
TEXT_LENGTH = 4000
"""Characters of a report's own words at most."""

Which = tuple[Code, int]
"""A duty, and which of its reports: 0 of a joint plan or a final report, else the period, from 1 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReport:
    """A row: one report to write. first_on, on: the days that it is about. since: from when on it waits.

    number: of what its journey owes. which: the period, from 1 on. due_on: the last day for sending it. gone: it is not
    due any more.
    """

    report_id: ReportId
    journey_id: JourneyId
    number: int
    kind: ReportKind
    duty: Code
    which: int
    first_on: date
    on: date
    provider: Organisation
    since: date
    due_on: date
    sent: bool = False
    gone: bool = False


def due_row(due: DueReport) -> Row:
    """The row of a report to write."""
    row = as_row(DUE, due.report_id, due)
    if due.sent or due.gone:
        return row
    return replace(row, body={**row.body, "unsent": f"{due.due_on.isoformat()}:{due.report_id}"})


def written_duties(passage: Passage, programme: Programme) -> Sequence[ReportDuty]:
    """The duties of this journey whose reports the provider writes."""
    found = (programme.duty(kind, passage.referrer) for kind in WRITTEN)
    return [one for one in found if one is not None]


def keep_due(
    change: Change[Journey], before: Passage, at: datetime, programmes: Programmes
) -> Change[Journey]:
    """Have looked at what the journey owes: its start, exit or hands have moved. before: as they were. at: UTC."""
    passage = change.state.passage
    begun = before.started_on is not None or passage.started_on is not None
    if not begun or not written_duties(passage, programmes.get(passage.programme_key)):
        return change
    return replace(change, timers=(*change.timers, _settle_at(change.state.journey_id, at)))


def _settle_at(journey_id: JourneyId, at: datetime) -> Timer:
    return Timer(f"due-reports:{journey_id}", at, SETTLE, {"journey": journey_id})


def unsent_key(report_id: ReportId) -> str:
    """The key of the timer that tells that the report was not sent in time."""
    return f"report-unsent:{report_id}"


def settle(
    journey: Journey, duties: Sequence[ReportDuty], known: Iterable[DueReport], *, at: datetime
) -> Change[Journey]:
    """Have every report wait that is due by now; one that is due no more, and was not sent, waits no longer.

    known: what was due before, sent or not. Sets the timer of the next period.
    """
    passage, today = journey.passage, day_of(at)
    before = {(one.duty, one.which): one for one in known}
    wanted = {
        (duty.code, which): (duty, first, on) for duty, which, first, on in _wanted(passage, duties, today)
    }
    change, number = Change(journey), len(before)
    for place, (duty, first, on) in wanted.items():
        was = before.get(place)
        if was is None:
            number += 1
            was = DueReport(
                report_id=ReportId(f"{journey.journey_id}.w{number}"),
                journey_id=journey.journey_id,
                number=number,
                kind=duty.kind,
                duty=duty.code,
                which=place[1],
                first_on=first,
                on=on,
                provider=passage.responsible,
                since=today,
                due_on=working_days_after(today, duty.sent_within_working_days or 0),
            )
            change = _waiting(change, was, today)
        elif not was.sent:
            anew = replace(was, first_on=first, on=on, provider=passage.responsible, gone=False)
            change = change if anew == was else _waiting(change, anew, today)
    gone = [one for place, one in before.items() if place not in wanted and not (one.sent or one.gone)]
    change = replace(
        change,
        rows=(*change.rows, *(due_row(replace(one, gone=True)) for one in gone)),
        cancels=tuple(unsent_key(one.report_id) for one in gone),
    )
    soonest = min(_ahead(passage, duties, today), default=None)
    if soonest is None:
        return change
    return replace(change, timers=(*change.timers, _settle_at(journey.journey_id, start_of(soonest))))


def _waiting(change: Change[Journey], due: DueReport, today: date) -> Change[Journey]:
    """Have the report wait. One that is late by now was said to be so."""
    change = replace(change, rows=(*change.rows, due_row(due)))
    if due.due_on < today:
        return change
    body = {"report": due.report_id, "kind": due.kind, "provider": due.provider}
    late = Timer(unsent_key(due.report_id), start_of(days_after(due.due_on, 1)), UNSENT, body)
    return replace(change, timers=(*change.timers, late))


def _wanted(
    passage: Passage, duties: Iterable[ReportDuty], today: date
) -> Iterator[tuple[ReportDuty, int, date, date]]:
    """What is due by that day: the duty, which one, and the first and the last day that it is about."""
    started, exited = passage.started_on, passage.exited_on
    if started is None or passage.mistake or passage.responsible == passage.referrer:
        return
    for duty in duties:
        if duty.kind == "joint_plan":
            yield duty, 0, started, started
        elif duty.kind == "final_report" and exited is not None:
            yield duty, 0, started, exited
        elif duty.kind == "periodic_report":
            for which, (first, last) in enumerate(_periods(started, duty), start=1):
                if last >= today or (exited is not None and last > exited):
                    break
                yield duty, which, first, last


def _ahead(passage: Passage, duties: Iterable[ReportDuty], today: date) -> Iterator[date]:
    """The days on which the next periods will be over."""
    started, exited = passage.started_on, passage.exited_on
    if started is None or passage.mistake:
        return
    for duty in duties:
        if duty.kind == "periodic_report":
            last = next(last for _, last in _periods(started, duty) if last >= today)
            if exited is None or last <= exited:
                yield days_after(last, 1)


def _periods(started: date, duty: ReportDuty) -> Iterator[tuple[date, date]]:
    assert duty.every_months is not None
    months, first = 0, started
    while True:
        months += duty.every_months
        then = months_after(started, months)
        yield first, days_after(then, -1)
        first = then


def say_unsent(state: Journey, timer: Timer, at: datetime, programmes: Programmes) -> Change[Journey]:
    """Say that the provider has not sent the report by its last day."""
    said: Mapping[str, Any] = timer.body
    event = ReportOverdue(
        occurred_on=day_of(timer.due),
        recorded_at=at,
        report=said["report"],
        kind=said["kind"],
        provider=said["provider"],
        unsent=True,
    )
    return Change(state, events=(event,))


def send(
    journey: Journey, due: DueReport, head: Report | None, text: str, *, duty: ReportDuty, at: datetime
) -> tuple[Change[Journey], Report]:
    """Send a report with words of its own, or, where it was sent with others, its correction.

    head: the report as it was sent. The same words again change nothing. Raises Invalid, Conflict `superseded`.
    """
    found = Findings()
    if not text.strip():
        found.add("text", "Missing: a report has words of its own.")
    found.raise_any()
    if head is not None and head.superseded_by is not None:
        raise Conflict("superseded", f"The report was corrected by {head.superseded_by}.")
    if head is not None and head.text == text:
        return Change(journey), head
    number, report_id = (due.number, due.report_id) if head is None else next_report(journey)
    made = Report(
        report_id=report_id,
        journey_id=journey.journey_id,
        number=number,
        kind=due.kind,
        duty=due.duty,
        day=due.on,
        first_on=due.first_on,
        provider=due.provider,
        referrer=journey.passage.referrer,
        due_on=working_days_after(day_of(at), duty.within_working_days),
        corrects=None if head is None else head.report_id,
        text=text,
        due=due.report_id,
    )
    report = stamped(made, at)
    counted = journey if head is None else replace(journey, reports=number)
    change = joined(Change(counted), making(report, at))
    if head is not None:
        return joined(change, superseding(head, report_id)), report
    sent = due_row(replace(due, sent=True))
    return replace(
        change, rows=(*change.rows, sent), cancels=(*change.cancels, unsent_key(due.report_id))
    ), report
