"""Which events outcome takes in and which deadlines it keeps, and what it does with each.

Its projection has a table of its own (`figures/projection.py`).
"""

from collections.abc import Mapping

from services.outcome.domain.follow_up import make_due, miss
from services.outcome.domain.journey import apply_fact, receive, void
from services.outcome.domain.participation import settle
from shared.language import events as e
from shared.language.decision import Fold, TimerFold
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ReferralReceived: receive,
    e.ReferralCorrected: apply_fact,
    e.ReferralAccepted: apply_fact,
    e.ReferralDeclined: apply_fact,
    e.ReferralPassedOn: apply_fact,
    e.ReferralReturned: apply_fact,
    e.ReferralWithdrawn: apply_fact,
    e.JourneyPersonChanged: apply_fact,
    e.ConsentGiven: apply_fact,
    e.ConsentRefused: apply_fact,
    e.ConsentWithdrawn: apply_fact,
    e.JourneyStarted: apply_fact,
    e.JourneyRegisteredByMistake: void,
    e.ParticipationSettled: settle,
    e.ParticipantReady: apply_fact,
    e.HandoverOffered: apply_fact,
    e.HandoverAccepted: apply_fact,
    e.HandoverDeclined: apply_fact,
    e.HandoverExpired: apply_fact,
    e.HandoverRecalled: apply_fact,
}

TIMERS: Mapping[str, TimerFold] = {
    "follow_up_due": make_due,
    "follow_up_missed": miss,
}
