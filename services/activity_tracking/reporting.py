"""The use cases of reports to the referrer: the provider and the referrer read them, and the referrer acknowledges.

No rule lives here. Nobody else sees a report, whatever part they have in the journey.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, get_args

from services.activity_tracking.domain.contents import Content, attendance_of, content_of
from services.activity_tracking.domain.dose import MOST_DAYS
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import REPORTS, Report, acknowledge
from services.activity_tracking.domain.sessions import Session
from services.activity_tracking.domain.weeks import monday_of
from services.activity_tracking.handlers import Overview, overview_of, reader_of
from services.activity_tracking.hours import hours_of
from shared.language.access import Actor, authorise, authorise_somewhere
from shared.language.days import day_of, days_after
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId, ReportId
from shared.language.programmes import WRITTEN, Action, Programme, ReportPart
from shared.language.rows import entry_of

Which = Literal["open", "overdue", "all"]
Side = Literal["provider", "referrer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A report without what it says, as it stands today. place: its place in the list."""

    report: Report
    today: date
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """A page of reports. next: the place of the last row that was looked at; None at the end."""

    reports: Sequence[Listed]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A report with what it says to its reader. overview: of one that the provider wrote, as the journey stands."""

    report: Report
    today: date
    content: Content
    overview: Overview | None = None


def read_report(work: Work, actor: Actor, report_id: ReportId) -> Shown:
    """A report and what it says, for the provider that owes it and the referrer. Raises Unknown for all others."""
    journey, report = _opened(work, actor, report_id, "read_journey")
    rules = work.programmes.get(journey.passage.programme_key)
    row = None if report.session is None else work.row("sessions", report.session)
    content = content_of(
        report,
        entry=None if row is None else entry_of(Session, row),
        programme=rules,
        reader=reader_of(work, actor, journey),
        unit=work.register.unit(report.provider),
    )
    first = _first_day(report)
    if first is not None:
        weeks, months = hours_of(work, journey, rules, first, report.day)
        month = months[0] if report.kind == "monthly_attendance" else None
        reader = reader_of(work, actor, journey)
        content = attendance_of(report, content, month=month, weeks=weeks, programme=rules, reader=reader)
    overview = None
    if report.kind in WRITTEN:
        shows = _shows(rules, report, actor)
        overview = kept_parts(overview_of(work, actor, journey, rules), shows)
    return Shown(report=report, today=day_of(work.at), content=content, overview=overview)


def _shows(programme: Programme, report: Report, actor: Actor) -> Collection[ReportPart]:
    duty = programme.duty_of(report.duty)
    own = actor.organisation == report.provider
    return get_args(ReportPart) if own else () if duty is None else duty.shows


def kept_parts(overview: Overview, shows: Collection[ReportPart]) -> Overview:
    """The overview with what the duty asks for, and nothing else."""
    return replace(
        overview,
        goals=overview.goals if "goals" in shows else (),
        planned=overview.planned if "plan" in shows else (),
        pauses=overview.pauses if "plan" in shows else (),
        extents=overview.extents if "extent" in shows else (),
        rounds=overview.rounds if "progress" in shows else (),
        competences=overview.competences if "competences" in shows else (),
    )


def _first_day(report: Report) -> date | None:
    """The first day of the hours that the report tells; None where it tells of none."""
    if report.kind in ("periodic_report", "final_report") and report.first_on is not None:
        return max(report.first_on, days_after(report.day, 1 - MOST_DAYS))
    if report.void or report.kind not in ("monthly_attendance", "hours_below_plan"):
        return None
    return report.day.replace(day=1) if report.kind == "monthly_attendance" else monday_of(report.day)


def list_reports(
    work: Work, actor: Actor, which: Which, side: Side, *, after: str | Skip | None, limit: int
) -> ReportPage:
    """A page of the reports that the caller's organisation owes as provider, or is owed as referrer.

    Open ones and overdue ones come by their last day, all by the moment at which they were made. One whose journey the
    caller may not read any more is left out, so that a page may be short.
    """
    authorise_somewhere(actor, "read_journey", work)
    today = day_of(work.at)
    where: Mapping[str, Any] = {side: actor.organisation}
    order = "listed" if which == "all" else "waits"
    if which != "all":
        # Beyond the empty text are those alone that wait.
        after = replace(after, beyond="") if isinstance(after, Skip) else after or ""
    rows = work.rows(REPORTS, where, order="listed" if which == "all" else "waits", after=after, limit=limit)
    work.load(subject_of("journey", row["journey_id"]) for row in rows)
    found: list[Listed] = []
    for row in rows:
        report = entry_of(Report, row)
        if which == "overdue" and not report.is_overdue(today):
            return ReportPage(reports=found, next=None)
        journey: Journey | None = work.readable(subject_of("journey", report.journey_id))
        if journey is not None and may_read(work, actor, journey, report):
            found.append(Listed(report=report, today=today, place=row[order]))
    last = rows[-1][order] if len(rows) == limit else None
    return ReportPage(reports=found, next=last)


def acknowledge_report(work: Work, actor: Actor, report_id: ReportId) -> Listed:
    """Say that the referrer has the report. Raises Unknown where there is none for it."""
    journey, report = _opened(work, actor, report_id, "acknowledge_report")
    change, anew = acknowledge(journey, report, at=work.at)
    work.save(subject_of("journey", journey.journey_id), change)
    return Listed(report=anew, today=day_of(work.at), place=anew.listed)


def _opened(work: Work, actor: Actor, report_id: ReportId, action: Action) -> tuple[Journey, Report]:
    """The report and its journey, for who may do this. Who may not learns nothing of it."""
    journey: Journey = work.get(subject_of("journey", JourneyId(report_id.partition(".")[0])))
    row = work.row(REPORTS, report_id)
    report = None if row is None else entry_of(Report, row)
    day = None if report is None or report.provider != actor.organisation else report.day
    _pass(work, actor, journey, action, day)
    if report is None or actor.organisation not in (report.provider, report.referrer):
        raise Unknown("report", within=True)
    return journey, report


def _pass(work: Work, actor: Actor, journey: Journey, action: Action, day: date | None) -> None:
    """Let pass who may do this today, or as a provider may still log the day of the report."""
    try:
        authorise(actor, action, journey.passage, work)
    except (Forbidden, Unknown):
        if day is None or action != "read_journey":
            raise
        authorise(actor, "log_activity", journey.passage, work, on=day)


def may_read(work: Work, actor: Actor, journey: Journey, report: Report) -> bool:
    """Whether the caller reads the report, as its provider or its referrer."""
    day = report.day if report.provider == actor.organisation else None
    try:
        _pass(work, actor, journey, "read_journey", day)
    except (Forbidden, Unknown):
        return False
    return True
