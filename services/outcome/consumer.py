"""Which events outcome takes in and which deadlines it keeps, and what it does with each.

Its projection has a table of its own (`figures/projection.py`).
"""

from collections.abc import Mapping

from services.outcome.domain.follow_up import make_due, miss
from services.outcome.domain.journey import receive, take_in, void
from shared.language import events as e
from shared.language.decision import Fold, TimerFold
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ReferralReceived: receive,
    e.ReferralCorrected: take_in,
    e.ReferralAccepted: take_in,
    e.ReferralDeclined: take_in,
    e.ReferralWithdrawn: take_in,
    e.ConsentGiven: take_in,
    e.ConsentRefused: take_in,
    e.ConsentWithdrawn: take_in,
    e.JourneyStarted: take_in,
    e.JourneyRegisteredByMistake: void,
    e.ParticipantReady: take_in,
    e.HandoverOffered: take_in,
    e.HandoverAccepted: take_in,
    e.HandoverDeclined: take_in,
    e.HandoverExpired: take_in,
    e.HandoverRecalled: take_in,
}

TIMERS: Mapping[str, TimerFold] = {
    "follow_up_due": make_due,
    "follow_up_missed": miss,
}
