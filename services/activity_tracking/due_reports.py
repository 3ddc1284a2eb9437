"""The use cases of reports that the provider writes: they fall due by timers, and are sent. No rule lives here."""

from collections.abc import Sequence

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import REPORTS, Report
from services.activity_tracking.domain.written import DUE, DueReport, send, settle, written_duties
from services.activity_tracking.handlers import open_journey
from services.activity_tracking.reporting import Listed
from shared.language.access import Actor
from shared.language.days import day_of
from shared.language.decision import Timer, Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import JourneyId, ReportId
from shared.language.rows import entry_of, every_row


def settle_due(work: Work, timers: Sequence[Timer]) -> None:
    """Look at what one journey owes by now."""
    journey_id = JourneyId(timers[0].body["journey"])
    subject = subject_of("journey", journey_id)
    journey: Journey = work.get(subject)
    duties = written_duties(journey.passage, work.programmes.get(journey.passage.programme_key))
    known = [
        entry_of(DueReport, row) for row in every_row(work, DUE, {"journey_id": journey_id}, order="number")
    ]
    work.save(subject, settle(journey, duties, known, at=work.at))


def send_report(work: Work, actor: Actor, report_id: ReportId, text: str) -> Listed:
    """Send a report that waits at the caller's unit, or say anew what was sent. Raises Unknown for no such one."""
    journey_id = JourneyId(report_id.partition(".")[0])
    journey, programme = open_journey(work, actor, journey_id, "log_activity")
    row = work.row(REPORTS, report_id)
    head = None if row is None else entry_of(Report, row)
    due_id = report_id if head is None else head.due
    waits = None if due_id is None else work.row(DUE, due_id)
    due = None if waits is None else entry_of(DueReport, waits)
    if due is None or due.gone or due.provider != actor.organisation:
        raise Unknown("report", within=True)
    duty = programme.duty_of(due.duty)
    assert duty is not None
    change, report = send(journey, due, head, text, duty=duty, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return Listed(report=report, today=day_of(work.at), place=report.listed)
