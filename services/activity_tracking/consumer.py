"""Which events activity tracking takes in, and what it does with each."""

from collections.abc import Mapping

from services.activity_tracking.absences import absent_of, report_absences
from services.activity_tracking.counting import count_registers, recount_registers, unit_of
from services.activity_tracking.domain.bounds import change_hands, set_bounds
from services.activity_tracking.domain.counted import COUNT, RECOUNT
from services.activity_tracking.domain.journey import apply_fact, receive
from services.activity_tracking.domain.months import MONTH, report_month
from services.activity_tracking.domain.reports import LATE, MAKE, make, pass_deadline
from services.activity_tracking.domain.spells import SPELL
from services.activity_tracking.domain.weeks import WEEK
from services.activity_tracking.domain.written import SETTLE, UNSENT, say_unsent
from services.activity_tracking.due_reports import settle_due
from services.activity_tracking.weekly import journey_of, judge_weeks
from shared.language import events as e
from shared.language.decision import Fold, TimerFold, TimerUseCase
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ReferralReceived: receive,
    e.ReferralCorrected: set_bounds,
    e.ReferralAccepted: change_hands,
    e.ReferralDeclined: apply_fact,
    e.ReferralPassedOn: apply_fact,
    e.ReferralReturned: apply_fact,
    e.ReferralWithdrawn: change_hands,
    e.JourneyPersonChanged: apply_fact,
    e.ConsentGiven: apply_fact,
    e.ConsentRefused: apply_fact,
    e.ConsentWithdrawn: apply_fact,
    e.JourneyStarted: set_bounds,
    e.JourneyRegisteredByMistake: set_bounds,
    e.HandoverOffered: apply_fact,
    e.HandoverAccepted: change_hands,
    e.HandoverDeclined: apply_fact,
    e.HandoverExpired: apply_fact,
    e.HandoverRecalled: apply_fact,
    e.JourneyExited: set_bounds,
    e.JourneyClosed: apply_fact,
}

TIMERS: Mapping[str, TimerFold] = {
    MAKE: make,
    LATE: pass_deadline,
    MONTH: report_month,
    UNSENT: say_unsent,
}
TIMER_USE_CASES: Mapping[str, TimerUseCase] = {
    COUNT: TimerUseCase(unit_of, count_registers),
    RECOUNT: TimerUseCase(unit_of, recount_registers),
    WEEK: TimerUseCase(journey_of, judge_weeks),
    SPELL: TimerUseCase(absent_of, report_absences),
    SETTLE: TimerUseCase(journey_of, settle_due),
}
"""Timers that need more than their subject: a unit's registers, the days of a week, and what a journey owes."""
