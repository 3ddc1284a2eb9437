"""Which events intake takes in, which deadline it keeps, and what it does with each.

Referrals come on topics of their own (`inbound.py`).
"""

from collections.abc import Mapping

from services.intake.domain.asking import UNANSWERED
from services.intake.domain.journey import apply_fact
from services.intake.domain.passing_on import unanswered
from services.intake.domain.reports import tell_report
from shared.language import events as e
from shared.language.decision import Fold, TimerFold
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ParticipantReady: apply_fact,
    e.ReportMade: tell_report,
    e.HandoverOffered: apply_fact,
    e.HandoverAccepted: apply_fact,
    e.HandoverDeclined: apply_fact,
    e.HandoverExpired: apply_fact,
    e.HandoverRecalled: apply_fact,
    e.JourneyExited: apply_fact,
    e.FollowUpDue: apply_fact,
    e.FollowUpAnswered: apply_fact,
    e.FollowUpMissed: apply_fact,
    e.JourneyClosed: apply_fact,
}

TIMERS: Mapping[str, TimerFold] = {UNANSWERED: unanswered}
