"""How an offer was answered, said anew: on which day, and for which reason.

That it was answered so is not taken back: the other party has gone on from it. A yes is mended by handing back, a no
or a recall by a new offer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.handover.domain.journey import Journey, Offer, Status, offer_row
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.days import day_of
from shared.language.decision import Change, subject_of
from shared.language.errors import Conflict
from shared.language.events import (
    Code,
    Fact,
    HandoverAccepted,
    HandoverDeclined,
    HandoverId,
    HandoverRecalled,
)
from shared.language.journeys import moved
from shared.language.passage import Hand
from shared.language.programmes import Programme

INSTEAD = {
    "accepted": "A yes stands; the journey is handed back by a new handover.",
    "declined": "A no stands; the journey is offered anew.",
    "recalled": "A recall stands; the journey is offered anew.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectAnswer(Correcting):
    """Command: the day (None: as it was) and, of a no or a recall, the reason of what ended the offer."""

    reason: Code | None = None
    occurred_on: date | None = None


def correct(
    journey: Journey,
    asked: Offer,
    command: CorrectAnswer,
    *,
    ended: Status,
    programme: Programme,
    by: Actor,
    at: datetime,
) -> tuple[Change[Journey], Offer]:
    """Say anew when, and why, the offer ended so. ended: how, as the caller says.

    Returns the change and the offer as it stands then. Raises Invalid; Conflict `offer-closed` where it did not end so.
    """
    reasons = {"declined": programme.reasons.handover_decline, "recalled": programme.reasons.recall}
    codes = [one.code for one in reasons.get(ended, ())]
    by_platform = ended == "recalled" and asked.reason not in codes
    if asked.status != ended or by_platform or asked.ended_on is None:
        how = "recalled by the platform" if by_platform and asked.status == ended else asked.status
        raise Conflict("offer-closed", f"The handover is {how}; there is nothing of that kind to correct.")
    on = command.occurred_on or asked.ended_on
    found = Findings()
    if command.void:
        found.add("void", INSTEAD[ended])
    if ended == "accepted" and command.reason is not None:
        found.add("reason", "A yes has no reason.")
    if ended != "accepted":
        found.known("reason", command.reason, codes)
        if command.reason is None:
            found.add("reason", "Missing: a correction says everything anew.")
    found.not_future("occurred_on", on, day_of(at))
    found.not_before("occurred_on", on, asked.offered_on, "the offer")
    found.not_after("occurred_on", on, asked.deadline_on, "the deadline")
    found.not_after("occurred_on", command.occurred_on, journey.passage.exited_on, "the exit")
    if ended == "accepted":
        earliest, latest = _beside(journey.passage.hands, asked.handover_id)
        found.not_before("occurred_on", on, earliest, "the handover before it")
        found.not_after("occurred_on", on, latest, "the handover after it")
    found.raise_any()
    if (on, command.reason) == (asked.ended_on, asked.reason):
        return Change(journey), asked
    anew = replace(asked, ended_on=on, reason=command.reason)
    event = _event(anew, at)
    number = journey.corrections + 1
    after = replace(moved(journey, event), corrections=number)
    if ended == "accepted" and journey.responsible_since == asked.ended_on:
        after = replace(after, responsible_since=on)
    kept = superseded(
        subject_of("journey", journey.journey_id),
        number,
        f"handover/h{asked.number}",
        {"status": ended, "ended_on": asked.ended_on, "reason": asked.reason},
        recorded_by=asked.from_organisation if ended == "recalled" else asked.to_organisation,
        by=by,
        at=at,
        why=command.why,
    )
    return Change(after, events=(event,), rows=(offer_row(anew), kept)), anew


def _beside(hands: Sequence[Hand], handover: HandoverId) -> tuple[date | None, date | None]:
    """The days on which the handovers before and after this one were accepted, where there are any."""
    at = next((place for place, one in enumerate(hands) if one.handover == handover), None)
    if at is None:
        return None, None
    before = hands[at - 1].since if at else None
    return before, hands[at + 1].since if at + 1 < len(hands) else None


def _event(anew: Offer, at: datetime) -> Fact:
    assert anew.ended_on is not None, "it has ended"
    if anew.status == "accepted":
        return HandoverAccepted(
            occurred_on=anew.ended_on,
            recorded_at=at,
            handover=anew.handover_id,
            kind=anew.kind,
            from_organisation=anew.from_organisation,
            to_organisation=anew.to_organisation,
            offered_on=anew.offered_on,
            correction="replaces",
        )
    assert anew.reason is not None, "a no and a recall have a reason"
    kind = HandoverDeclined if anew.status == "declined" else HandoverRecalled
    return kind(
        occurred_on=anew.ended_on,
        recorded_at=at,
        handover=anew.handover_id,
        reason=anew.reason,
        correction="replaces",
    )
