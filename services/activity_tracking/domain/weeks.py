"""Weeks in which somebody attended fewer hours than was planned, and the reports that follow.

A week is judged when it is over, and the days that the duty leaves for marking are over too. Whatever is noted of it
later has it judged again. Planned are the hours that were marked on a register. What nobody has marked is in neither
sum, so that it never turns into absence. Source: docs/field.md, Reports to the referrer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import Journey, SessionCounts
from services.activity_tracking.domain.reports import (
    Report,
    joined,
    making,
    next_report,
    provider_on,
    superseding,
)
from services.activity_tracking.domain.sessions import Session
from services.activity_tracking.domain.working_days import working_days_after
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Change, Timer
from shared.language.events import JourneyId, ReportId
from shared.language.programmes import Programme, ReportDuty
from shared.language.rows import as_row

WEEK = "report_week"
"""The timer that has a week judged."""
WEEKS = "report_weeks"
"""Rows `<journey>:<Monday>`: the newest report of a week, and the hours that it was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedWeek:
    """A row. planned, attended: minutes, as the newest report was made of them."""

    journey_id: JourneyId
    report_id: ReportId
    planned: int
    attended: int


def monday_of(day: date) -> date:
    """The first day of the week in which the day lies."""
    return days_after(day, 1 - day.isoweekday())


def week_key(journey_id: JourneyId, monday: date) -> str:
    """The key of a week's row."""
    return f"{journey_id}:{monday.isoformat()}"


def follow_week(
    change: Change[Journey], entry: Session, head: Session | None, programme: Programme, at: datetime
) -> Change[Journey]:
    """Have the weeks judged of which something was noted: of the entry, and of the one that it corrects.

    There is one timer for each week, however much is noted of it.
    """
    journey = change.state
    duty = programme.duty("hours_below_plan", journey.passage.referrer)
    if duty is None or not change.events:
        return change
    days = {entry.occurred_on, *(() if head is None else (head.occurred_on,))}
    weeks = sorted({monday_of(day) for day in days})
    return replace(change, timers=(*change.timers, *(_timer(journey, one, duty, at) for one in weeks)))


def _timer(journey: Journey, monday: date, duty: ReportDuty, at: datetime) -> Timer:
    over = start_of(days_after(monday, 7 + (duty.after_days or 0)))
    body = {"journey": journey.journey_id, "monday": monday.isoformat()}
    return Timer(f"report-week:{journey.journey_id}:{monday.isoformat()}", max(at, over), WEEK, body)


def judge(
    journey: Journey,
    monday: date,
    counts: Iterable[SessionCounts],
    made: tuple[ReportedWeek, Report] | None,
    *,
    duty: ReportDuty,
    at: datetime,
) -> Change[Journey]:
    """Report the week if too few hours were attended; correct or void the report that was made of it.

    counts: of the week's days of participation. made: the newest report of the week, with its row.
    """
    passage, sunday = journey.passage, days_after(monday, 6)
    planned = attended = 0
    for one in counts:
        planned += one.planned_minutes
        attended += one.minutes + (one.excused_minutes if duty.counts_excused else 0)
    last = sunday if passage.exited_on is None else min(sunday, passage.exited_on)
    provider = provider_on(passage, last)
    below = 100 * attended < (duty.below_percent or 0) * planned and provider != passage.referrer
    before = None if made is None else made[1]
    if not below and (before is None or before.void):
        return Change(journey)
    said = None if made is None or made[1].void else (made[0].planned, made[0].attended)
    if below and said == (planned, attended):
        return Change(journey)
    number, report_id = next_report(journey)
    report = Report(
        report_id=report_id,
        journey_id=journey.journey_id,
        number=number,
        kind="hours_below_plan",
        duty=duty.code,
        day=sunday,
        provider=provider if before is None else before.provider,
        referrer=passage.referrer,
        due_on=working_days_after(day_of(at), duty.within_working_days),
        corrects=None if before is None else before.report_id,
        void=not below,
    )
    change = joined(Change(replace(journey, reports=number)), making(report, at))
    if before is not None:
        change = joined(change, superseding(before, report_id))
    now = ReportedWeek(journey_id=journey.journey_id, report_id=report_id, planned=planned, attended=attended)
    row = as_row(WEEKS, week_key(journey.journey_id, monday), now)
    return replace(change, rows=(*change.rows, row))
