"""What a service's own facts leave in its state, for tests that begin in the middle of a journey.

A service does not consume what it says itself: its commands changed the state already. Here the state is brought
there from the facts alone.
"""

from dataclasses import replace
from typing import Any

from services.handover.domain.journey import Journey as HandoverJourney
from services.handover.domain.journey import Offer
from services.intake.domain.asking import Asking
from services.intake.domain.journey import Referral, apply_fact
from shared.language import events as e
from shared.language.decision import Received, key_of
from shared.language.events import JourneyId
from shared.language.passage import begin, follow
from shared.language.programmes import Programmes


def after_own(service: str, state: Any, received: Received, programmes: Programmes) -> Any:
    """The service's state after a fact that it said itself; None of what it keeps no such state of."""
    if service == "intake":
        return _intake(state, received, programmes)
    if state is None:
        return None
    moved = replace(state, passage=follow(state.passage, received.body))
    return _handover(moved, received) if service == "handover" else moved


def _intake(state: Referral | None, received: Received, programmes: Programmes) -> Referral | None:
    match received.body:
        case e.ReferralReceived() as referral:
            key = key_of(received.subject)
            return Referral(
                journey_id=JourneyId(key),
                reference=f"own-{key[-4:]}",
                received_at=referral.recorded_at,
                passage=begin(referral),
                home=referral.participant_id,
                asking=Asking(named=() if referral.provider is None else (referral.provider,)),
            )
        case _ if state is None:
            return None
        case _:
            return apply_fact(state, received, programmes).state


def _handover(state: HandoverJourney, received: Received) -> HandoverJourney:
    match received.body:
        case e.HandoverOffered() as offered:
            offer = Offer(
                handover_id=offered.handover,
                journey_id=state.journey_id,
                number=state.offered + 1,
                programme=state.passage.programme,
                programme_key=state.passage.programme_key,
                kind=offered.kind,
                from_organisation=offered.from_organisation,
                to_organisation=offered.to_organisation,
                offered_on=offered.occurred_on,
                deadline_on=offered.deadline_on,
                recorded_at=offered.recorded_at,
            )
            return replace(state, open=offer, offered=state.offered + 1)
        case e.HandoverAccepted() | e.HandoverDeclined() | e.HandoverExpired() | e.HandoverRecalled():
            return replace(state, open=None)
        case _:
            return state
