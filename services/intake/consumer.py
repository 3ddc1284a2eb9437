"""Which events intake takes in, and what it does with each. Referrals come on topics of their own (`inbound.py`)."""

from collections.abc import Mapping

from services.intake.domain.journey import take_in
from shared.language import events as e
from shared.language.decision import Fold, TimerFold
from shared.language.events import Fact

FOLDS: Mapping[type[Fact], Fold] = {
    e.ParticipantReady: take_in,
    e.HandoverOffered: take_in,
    e.HandoverAccepted: take_in,
    e.HandoverDeclined: take_in,
    e.HandoverExpired: take_in,
    e.HandoverRecalled: take_in,
    e.JourneyExited: take_in,
    e.FollowUpDue: take_in,
    e.FollowUpAnswered: take_in,
    e.FollowUpMissed: take_in,
    e.JourneyClosed: take_in,
}

TIMERS: Mapping[str, TimerFold] = {}
