"""The part that all services which follow journeys share: open one with its referral, and move its passage."""

from dataclasses import dataclass, replace
from typing import TypeVar

from shared.language.decision import Received, key_of
from shared.language.events import Fact, JourneyId, ReferralReceived
from shared.language.passage import Passage, begin, follow
from shared.language.programmes import Programmes


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A journey as a service follows it: what each keeps of one, whatever else it keeps."""

    journey_id: JourneyId
    passage: Passage


F = TypeVar("F", bound=Followed)


def opened(received: Received, programmes: Programmes) -> Followed:
    """The journey that a referral opens. Raises Unready until the programme's version has arrived."""
    if not isinstance(received.body, ReferralReceived):
        raise ValueError(f"{type(received.body).__name__} opens no journey")  # noqa: TRY004 - of the right type, out of place
    passage = begin(received.body)
    programmes.get(passage.programme_key)
    return Followed(journey_id=JourneyId(key_of(received.subject)), passage=passage)


def known(state: F | None, received: Received) -> F:
    """The journey that the event speaks of. Raises ValueError without one, which the causality vector rules out."""
    if state is None:
        raise ValueError(f"{received.type} before the referral")
    return state


def moved(state: F, *events: Fact) -> F:
    """The state with its passage after the events; the same object when they do not move it."""
    passage = state.passage
    for event in events:
        passage = follow(passage, event)
    return state if passage == state.passage else replace(state, passage=passage)
