"""Which events activity tracking takes in, and what it does with each."""

from collections.abc import Mapping

from services.activity_tracking.domain.journey import receive, set_bounds, take_in
from shared.language import events as e
from shared.language.decision import Fold, TimerFold
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ReferralReceived: receive,
    e.ReferralCorrected: set_bounds,
    e.ReferralAccepted: take_in,
    e.ReferralDeclined: take_in,
    e.ReferralWithdrawn: take_in,
    e.ConsentGiven: take_in,
    e.ConsentRefused: take_in,
    e.ConsentWithdrawn: take_in,
    e.JourneyStarted: set_bounds,
    e.JourneyRegisteredByMistake: set_bounds,
    e.HandoverOffered: take_in,
    e.HandoverAccepted: take_in,
    e.HandoverDeclined: take_in,
    e.HandoverExpired: take_in,
    e.HandoverRecalled: take_in,
    e.JourneyExited: set_bounds,
    e.JourneyClosed: take_in,
}

TIMERS: Mapping[str, TimerFold] = {}
