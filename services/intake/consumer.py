"""Which events intake takes in, and what it does with each."""

from collections.abc import Collection, Mapping

from services.intake.domain.journey import addressed, take_in
from shared.language import events as e
from shared.language.decision import Change, Fold, Received, TimerFold
from shared.language.events import Fact
from shared.language.programmes import Programmes

MOVES: tuple[type[Fact], ...] = (
    e.ParticipantReady,
    e.HandoverOffered,
    e.HandoverAccepted,
    e.HandoverDeclined,
    e.HandoverExpired,
    e.HandoverRecalled,
    e.JourneyExited,
    e.FollowUpDue,
    e.FollowUpAnswered,
    e.FollowUpMissed,
    e.JourneyClosed,
)
"""What moves a journey from outside: its stage, who is responsible, its open offer, exit and follow-ups."""


def folds(answered: Collection[e.Organisation]) -> Mapping[type[Fact], Fold]:
    """The fold of each event type. answered: the organisations that have a reply topic."""

    def fold(state: object, received: Received, programmes: Programmes) -> Change[object]:
        return addressed(take_in(state, received, programmes), answered)  # type: ignore[arg-type,return-value]

    return dict.fromkeys(MOVES, fold)


TIMERS: Mapping[str, TimerFold] = {}
