"""The use case of long absences, by timers: they need what was noted of each day. No rule lives here."""

from collections.abc import Sequence
from datetime import date

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.spells import report_spell
from services.activity_tracking.hours import days_held
from shared.language.days import day_of
from shared.language.decision import Timer, Work, subject_of
from shared.language.events import JourneyId


def absent_of(timer: Timer) -> JourneyId:
    """The journey whose absence a timer looks at: its key names it."""
    return JourneyId(timer.key.split(":")[1])


def report_absences(work: Work, timers: Sequence[Timer]) -> None:
    """Report that the absence of one journey has lasted as long as duties say, where it has."""
    subject = subject_of("journey", absent_of(timers[0]))
    for timer in sorted(timers, key=lambda one: (one.due, one.key)):
        journey: Journey = work.get(subject)
        days = days_held(
            work, journey.journey_id, date.fromisoformat(timer.body["first_on"]), day_of(work.at)
        )
        programme = work.programmes.get(journey.passage.programme_key)
        work.save(subject, report_spell(journey, timer, days, programme, work.at))
