"""Which events handover takes in and which deadlines it keeps, and what it does with each."""

from collections.abc import Mapping

from services.handover.domain.journey import expire, receive, take_in
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
    e.JourneyRegisteredByMistake: take_in,
    e.ParticipantReady: take_in,
    e.JourneyExited: take_in,
    e.JourneyClosed: take_in,
}

TIMERS: Mapping[str, TimerFold] = {"expire_handover": expire}
