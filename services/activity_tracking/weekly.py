"""The use case of a week's hours, by a timer: it needs more than the journey's state. No rule lives here."""

from collections.abc import Sequence
from datetime import date

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import REPORTS, Report
from services.activity_tracking.domain.session_days import DAYS, counts_of, day_key
from services.activity_tracking.domain.weeks import WEEKS, ReportedWeek, judge, week_key
from shared.language.days import days_after
from shared.language.decision import Timer, Work, subject_of
from shared.language.events import JourneyId
from shared.language.rows import entry_of


def journey_of(timer: Timer) -> JourneyId:
    """The journey that a timer looks at."""
    journey: JourneyId = timer.body["journey"]
    return journey


def judge_weeks(work: Work, timers: Sequence[Timer]) -> None:
    """Hold the hours of weeks of one journey against what was planned, and report those that lie below."""
    for timer in sorted(timers, key=lambda one: one.key):
        _judge(work, journey_of(timer), date.fromisoformat(timer.body["monday"]))


def _judge(work: Work, journey_id: JourneyId, monday: date) -> None:
    subject = subject_of("journey", journey_id)
    journey: Journey = work.get(subject)
    passage = journey.passage
    duty = work.programmes.get(passage.programme_key).duty("hours_below_plan", passage.referrer)
    if duty is None:
        return
    days = [days_after(monday, number) for number in range(7)]
    counting = [day for day in days if passage.takes_part_on(day) and not passage.mistake]
    keys = [day_key(journey_id, day) for day in counting]
    work.fetch(DAYS, keys)
    counts = [counts_of(work.row(DAYS, key)) for key in keys]
    row = work.row(WEEKS, week_key(journey_id, monday))
    made = None
    if row is not None:
        week = entry_of(ReportedWeek, row)
        report = work.row(REPORTS, week.report_id)
        assert report is not None
        made = week, entry_of(Report, report)
    work.save(subject, judge(journey, monday, counts, made, duty=duty, at=work.at))
