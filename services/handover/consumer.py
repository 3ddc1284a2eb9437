"""Which events handover takes in and which deadlines it keeps, and what it does with each."""

from collections.abc import Mapping

from services.handover.domain.journey import apply_fact, expire, receive
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
    e.JourneyRegisteredByMistake: apply_fact,
    e.ParticipantReady: apply_fact,
    e.JourneyExited: apply_fact,
    e.JourneyClosed: apply_fact,
}

TIMERS: Mapping[str, TimerFold] = {"expire_handover": expire}
