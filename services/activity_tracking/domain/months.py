"""The monthly report of attendance: one for each month in which the person took part, made when the month is over.

A timer keeps the journey's next month. What moves the start or the exit moves the timer. What the report says is
computed when it is read, so it follows what is noted later of the month. Source: docs/field.md, Reports to the
referrer.
"""

from dataclasses import replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import Report, joined, making, next_report, provider_on
from services.activity_tracking.domain.working_days import working_days_after
from shared.language.days import day_of, days_after, months_after, start_of
from shared.language.decision import Change, Timer
from shared.language.programmes import Programmes

MONTH = "report_month"


def month_key(journey: Journey) -> str:
    """The key of the timer that keeps the journey's next month."""
    return f"report-month:{journey.journey_id}"


def next_month(journey: Journey) -> date | None:
    """The first day of the month that is to be reported next; None where there is none."""
    passage = journey.passage
    if passage.started_on is None or passage.mistake:
        return None
    reported = journey.reported_to
    first = passage.started_on.replace(day=1) if reported is None else days_after(reported, 1)
    return first if passage.exited_on is None or first <= passage.exited_on else None


def keep_month(change: Change[Journey], programmes: Programmes) -> Change[Journey]:
    """The change with the timer of the next month; without one where no month is to be reported."""
    journey = change.state
    rules = programmes.get(journey.passage.programme_key)
    if rules.duty("monthly_attendance", journey.passage.referrer) is None:
        return change
    first = next_month(journey)
    if first is None:
        return replace(change, cancels=(*change.cancels, month_key(journey)))
    body = {"month": first.isoformat()}
    timer = Timer(key=month_key(journey), due=start_of(months_after(first, 1)), command=MONTH, body=body)
    return replace(change, timers=(*change.timers, timer))


def report_month(state: Journey, timer: Timer, at: datetime, programmes: Programmes) -> Change[Journey]:
    """The month is over: make its report, if the person took part in it, and keep the next one.

    The provider is whoever held the journey on the last day of it that counts.
    """
    first = date.fromisoformat(timer.body["month"])
    duty = programmes.get(state.passage.programme_key).duty("monthly_attendance", state.passage.referrer)
    if duty is None or next_month(state) != first:
        return Change(state)
    last, passage = days_after(months_after(first, 1), -1), state.passage
    counted = last if passage.exited_on is None else min(last, passage.exited_on)
    provider = provider_on(passage, counted)
    number, report_id = next_report(state)
    after = replace(state, reported_to=last)
    if provider == passage.referrer or not passage.takes_part_on(counted):
        return keep_month(Change(after), programmes)
    report = Report(
        report_id=report_id,
        journey_id=state.journey_id,
        number=number,
        kind="monthly_attendance",
        duty=duty.code,
        day=last,
        provider=provider,
        referrer=passage.referrer,
        due_on=working_days_after(day_of(at), duty.within_working_days),
    )
    made = joined(Change(replace(after, reports=number)), making(report, at))
    return keep_month(made, programmes)
