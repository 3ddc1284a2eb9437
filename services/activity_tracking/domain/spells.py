"""Long absences: a period of days missed for reasons that the programme names, and the reports that fall due in it.

A period goes from its first day to its last, as far as it was noted, with no other session between. Days on which
nobody expected the person belong to it, and so do days that nobody marked. It ends with the next session that says
anything else. A day noted late moves its beginning; one that is taken back ends nothing.

The state says when to look. What was noted of each day decides then whether a report is due: it may have been noted in
any order. Source: docs/field.md, Reports to the referrer.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import Journey, SessionCounts, Spell
from services.activity_tracking.domain.reports import Report, joined, making, next_report
from services.activity_tracking.domain.sessions import Session
from services.activity_tracking.domain.working_days import working_days_after
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Change, Timer
from shared.language.events import Code
from shared.language.programmes import Programme

SPELL = "report_long_absence"


def spell_key(journey: Journey, duty: Code) -> str:
    """The key of the timer of that duty."""
    return f"report-long-absence:{journey.journey_id}:{duty}"


def follow_spell(change: Change[Journey], entry: Session, programme: Programme) -> Change[Journey]:
    """What an entry means for the period of absence: it begins, goes on, begins later, or is over.

    entry: as it stands now. Sets the timer of each duty that has not been reported in this period.
    """
    journey = change.state
    duties = programme.duties("long_absence", journey.passage.referrer)
    if not duties or not change.events or entry.void:
        return change
    reasons = {reason for duty in duties for reason in duty.reasons}
    missed = entry.attendance == "no" and entry.reason in reasons
    spell = _after(journey.spell, entry.occurred_on, missed=missed)
    if spell == journey.spell:
        return change
    if journey.spell is not None and spell is not None and spell.first_on == journey.spell.first_on:
        return replace(change, state=replace(journey, spell=spell))
    moved = _moved(journey, spell, programme)
    timers, cancels = (*change.timers, *moved.timers), (*change.cancels, *moved.cancels)
    return replace(change, state=moved.state, timers=timers, cancels=cancels)


def _moved(journey: Journey, spell: Spell | None, programme: Programme) -> Change[Journey]:
    """The journey with another period of absence, or none, and the timers of its duties that were not reported."""
    after = replace(journey, spell=spell)
    duties = programme.duties("long_absence", journey.passage.referrer)
    if spell is None:
        return Change(after, cancels=tuple(spell_key(journey, duty.code) for duty in duties))
    timers = [
        Timer(
            key=spell_key(journey, duty.code),
            due=start_of(days_after(spell.first_on, duty.after_days)),
            command=SPELL,
            body={"duty": duty.code, "first_on": spell.first_on.isoformat()},
        )
        for duty in duties
        if duty.after_days is not None and duty.code not in spell.reported
    ]
    return Change(after, timers=tuple(timers))


def _after(spell: Spell | None, day: date, *, missed: bool) -> Spell | None:
    if missed:
        if spell is None:
            return Spell(first_on=day, last_on=day)
        return replace(spell, first_on=min(spell.first_on, day), last_on=max(spell.last_on, day))
    if spell is None or day < spell.first_on:
        return spell
    return None if day >= spell.last_on else Spell(first_on=days_after(day, 1), last_on=spell.last_on)


def first_missed(days: Mapping[date, SessionCounts]) -> date | None:
    """The first day of the absence that still lasts, by what was noted of days; None: the person came on the last."""
    first = None
    for day, counts in sorted(days.items()):
        if counts.attended:
            first = None
        elif counts.missed and first is None:
            first = day
    return first


def report_spell(
    state: Journey, timer: Timer, days: Mapping[date, SessionCounts], programme: Programme, at: datetime
) -> Change[Journey]:
    """The absence has lasted as long as the duty says: report that it goes on, and nothing more.

    days: what was noted of each day from the first one of the absence on.
    """
    duty = programme.duty_of(timer.body["duty"])
    spell, passage = state.spell, state.passage
    today = day_of(timer.due)
    if duty is None or spell is None or spell.first_on.isoformat() != timer.body["first_on"]:
        return Change(state)
    first = first_missed(days)
    if first is None:
        return _moved(state, None, programme)
    if first != spell.first_on:
        return _moved(state, Spell(first_on=first, last_on=max(first, spell.last_on)), programme)
    if duty.code in spell.reported or passage.mistake or not passage.takes_part_on(today):
        return Change(state)
    if passage.responsible == passage.referrer:
        return Change(state)
    number, report_id = next_report(state)
    after = replace(state, reports=number, spell=replace(spell, reported=(*spell.reported, duty.code)))
    report = Report(
        report_id=report_id,
        journey_id=state.journey_id,
        number=number,
        kind="long_absence",
        duty=duty.code,
        day=today,
        provider=passage.responsible,
        referrer=passage.referrer,
        due_on=working_days_after(day_of(at), duty.within_working_days),
    )
    return joined(Change(after), making(report, at))
