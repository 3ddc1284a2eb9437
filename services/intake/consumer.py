"""Which events intake takes in, and what it does with each. Referrals come on topics of their own (`inbound.py`)."""

from collections.abc import Collection, Mapping
from typing import Any

from services.intake.domain.journey import addressed, take_in
from shared.language import events as e
from shared.language.decision import Change, Fold, Received, TimerFold
from shared.language.events import Fact
from shared.language.programmes import Programmes

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


def folds_telling(answered: Collection[e.Organisation]) -> Mapping[type[Fact], Fold]:
    """FOLDS, without replies that have no topic. answered: the organisations that have a reply topic."""

    def fold(state: object, received: Received, programmes: Programmes) -> Change[Any]:
        return addressed(FOLDS[type(received.body)](state, received, programmes), answered)

    return dict.fromkeys(FOLDS, fold)
