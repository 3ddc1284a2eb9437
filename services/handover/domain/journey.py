"""One journey as handover keeps it, and what other services' events and the calendar do to its open offer.

Pure: no I/O, no clock. Facts are never refused; one that comes too late is recorded and moves nothing
(docs/field.md, The journey; `shared/language/passage.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from shared.language.days import days_after
from shared.language.decision import Change, Received, Row, Timer
from shared.language.events import (
    Code,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    Fact,
    HandoverExpired,
    HandoverId,
    HandoverKind,
    HandoverRecalled,
    JourneyId,
    Organisation,
)
from shared.language.journeys import Followed, known, moved, opened
from shared.language.passage import OpenOffer, Passage
from shared.language.programmes import ProgrammeKey, Programmes
from shared.language.rows import as_row, entry_of

Status = Literal["open", "accepted", "declined", "expired", "recalled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One offer: part of the state while it is open, and a row for good.

    number: n of `<journey>.h<n>`. ended_on, reason: the day and the code of what ended it.
    """

    handover_id: HandoverId
    journey_id: JourneyId
    number: int
    programme: Code
    programme_key: ProgrammeKey
    kind: HandoverKind
    from_organisation: Organisation
    to_organisation: Organisation
    offered_on: date
    deadline_on: date
    recorded_at: datetime
    status: Status = "open"
    ended_on: date | None = None
    reason: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey(Followed):
    """What handover must know of a journey to decide the next command.

    responsible_since: the day of the last acceptance, before which the responsible one had nothing to offer.
    corrections: how many there have been, which numbers the next.
    """

    open: Offer | None = None
    offered: int = 0
    accepted: int = 0
    declined: int = 0
    expired: int = 0
    recalled: int = 0
    responsible_since: date | None = None
    corrections: int = 0


def receive(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in a referral: the journey begins here too.

    Raises Unready until the programme's version has arrived.
    """
    new = opened(received, programmes)
    return Change(Journey(journey_id=new.journey_id, passage=new.passage))


def apply_fact(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in what another service says of the journey; an open offer that it leaves without ground is
    recalled.

    Raises ValueError without a journey, which the causality vector rules out. Source: docs/field.md, Handover.
    """
    event = received.body
    journey = moved(known(state, received), event)
    if journey.open is None:
        return Change(journey)
    reason = _ground_lost(journey.passage, journey.open, event)
    if reason is None:
        return Change(journey)
    on = max(event.occurred_on, journey.open.offered_on)
    return take_back(journey, journey.open, reason, on=on, at=event.recorded_at)


def expire(state: Journey, timer: Timer, at: datetime, programmes: Programmes) -> Change[Journey]:
    """The deadline has passed unanswered: the offer expires on the day after it.

    An offer that is no longer open leaves the state unchanged.
    """
    standing = state.open
    if standing is None or standing.handover_id != timer.body["handover"]:
        return Change(state)
    on = days_after(standing.deadline_on, 1)
    event = HandoverExpired(occurred_on=on, recorded_at=at, handover=standing.handover_id)
    ended = replace(standing, status="expired", ended_on=on)
    return end(replace(state, expired=state.expired + 1), ended, event)


def expiry_key(handover: HandoverId) -> str:
    """The key of the timer that ends the offer."""
    return f"{handover}:expiry"


def journey_of(handover: str) -> JourneyId:
    """The journey that a handover's id names: `<journey>.h<n>`."""
    return JourneyId(handover.rpartition(".h")[0])


def as_offered(passage: Passage, asked: Offer) -> Passage:
    """The passage as the two parties of the offer know it, for judging who has which part in it.

    However the offer ended, its receiver is told that it is closed, not that it has no part in the journey.
    """
    standing = OpenOffer(handover=asked.handover_id, kind=asked.kind, to_organisation=asked.to_organisation)
    return replace(passage, offer=standing, responsible=asked.from_organisation)


def consented(passage: Passage, organisation: Organisation, on: date) -> bool:
    """Whether the participant's consent to sharing covers the organisation on that day."""
    consent = passage.consents.get("sharing")
    return consent is not None and consent.covers(organisation, on)


def _ground_lost(passage: Passage, standing: Offer, event: Fact) -> Code | None:
    """Why an open offer can no longer stand after the event, the strongest reason first, or None.

    A consent is looked at when it changes; one that has merely run out is judged when the offer is accepted.
    Source: docs/field.md, Handover.
    """
    if passage.mistake:
        return "registered_by_mistake"
    if not passage.active:
        return "journey_ended"
    match event:
        case ConsentGiven() | ConsentRefused() | ConsentWithdrawn() if event.purpose == "sharing":
            covered = consented(passage, standing.to_organisation, event.occurred_on)
            return None if covered else "consent_withdrawn"
        case _:
            return None


def take_back(journey: Journey, standing: Offer, reason: Code, *, on: date, at: datetime) -> Change[Journey]:
    """The change that taking the open offer back comes to, whoever or whatever took it back."""
    event = HandoverRecalled(occurred_on=on, recorded_at=at, handover=standing.handover_id, reason=reason)
    ended = replace(standing, status="recalled", ended_on=on, reason=reason)
    return end(replace(journey, recalled=journey.recalled + 1), ended, event)


def end(journey: Journey, ended: Offer, event: Fact) -> Change[Journey]:
    """The change that an offer's end comes to: no offer is open, the row says how, the timer is off."""
    after = replace(moved(journey, event), open=None)
    return Change(after, events=(event,), rows=(offer_row(ended),), cancels=(expiry_key(ended.handover_id),))


def offer_row(entry: Offer) -> Row:
    """The offer as the row that holds it."""
    return as_row("offers", entry.handover_id, entry)


def offer_of(row: Mapping[str, Any]) -> Offer:
    """The offer that `offer_row` made the row of."""
    return entry_of(Offer, row)
