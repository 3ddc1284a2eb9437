"""Offering a journey to another organisation, and the answers: yes, no, taken back.

At most one offer is open; responsibility moves once per acceptance. Pure: no I/O, no clock. Where an exit and
an acceptance cross, the command loses once the exit is known here (docs/field.md, The journey).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.handover.domain.journey import (
    Journey,
    Offer,
    Status,
    consented,
    end,
    expiry_key,
    offer_row,
    take_back,
)
from shared.language.access import WORKPLACES
from shared.language.checks import Findings
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Change, Timer
from shared.language.errors import Conflict
from shared.language.events import (
    HandoverAccepted,
    HandoverDeclined,
    HandoverId,
    HandoverKind,
    HandoverOffered,
    Municipality,
    Organisation,
)
from shared.language.journeys import moved
from shared.language.programmes import Action, Programme
from shared.language.role_map import RoleMap


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHandover:
    """Command: offer the journey to another organisation, up to and including a day."""

    kind: HandoverKind
    to_organisation: Organisation
    deadline_on: date
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptHandover:
    """Command: say yes."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineHandover:
    """Command: say no, and why."""

    reason: str
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallHandover:
    """Command: take the offer back, and why."""

    reason: str
    occurred_on: date | None = None


def _guides(roles: RoleMap, organisation: Organisation, municipality: Municipality) -> bool:
    """Whether it guides people towards work, as no employer and no school does: it refers, takes on or hands over."""
    guiding: tuple[Action, ...] = ("refer", "answer_referral", "offer_handover")
    return any(roles.allows(organisation, one, municipality) for one in guiding)


def offer(
    journey: Journey,
    command: OfferHandover,
    *,
    programme: Programme,
    roles: RoleMap,
    by: Organisation,
    at: datetime,
) -> tuple[Change[Journey], Offer]:
    """Offer the journey to another organisation; the same offer again, while it is open, changes nothing.

    roles: who holds which role today. at: UTC. Returns the change and the offer that is open then. Raises Invalid,
    Conflict `wrong-stage`, `offer-open`, `consent-missing`.
    Source: docs/field.md, Handover.
    """
    today = day_of(at)
    on = command.occurred_on or today
    passage = journey.passage
    standing = journey.open
    if standing is not None and _same(standing, command):
        return Change(journey), standing
    found = Findings()
    found.known("kind", command.kind, programme.handover_kinds)
    if command.to_organisation == passage.responsible:
        found.add("to_organisation", "Is responsible already.")
    elif not roles.allows(command.to_organisation, "answer_handover", passage.municipality):
        found.add(
            "to_organisation", "Takes the code of an organisation that answers handovers in the programme."
        )
    elif command.kind not in WORKPLACES and not _guides(roles, command.to_organisation, passage.municipality):
        found.add("kind", "Opens more than an employer or a school may see, and the receiver is no other.")
    found.not_before("deadline_on", command.deadline_on, max(today, on), "today")
    latest = days_after(today, programme.handover_max_days)
    if command.deadline_on > latest:
        found.add("deadline_on", f"Lies more than {programme.handover_max_days} days ahead.")
    found.not_future("occurred_on", on, today)
    found.not_before("occurred_on", on, passage.started_on, "the start")
    found.not_before("occurred_on", on, journey.responsible_since, "the organisation became responsible")
    found.raise_any()
    if not passage.active:
        raise Conflict("wrong-stage", f"The journey is {passage.stage}; only one under way is handed over.")
    if standing is not None:
        raise Conflict("offer-open", f"The handover {standing.handover_id} awaits its answer.")
    if not consented(passage, command.to_organisation, today):
        raise Conflict("consent-missing", "No consent to sharing covers the receiving organisation today.")
    number = journey.offered + 1
    made = Offer(
        handover_id=HandoverId(f"{journey.journey_id}.h{number}"),
        journey_id=journey.journey_id,
        number=number,
        programme=passage.programme,
        programme_key=passage.programme_key,
        kind=command.kind,
        from_organisation=by,
        to_organisation=command.to_organisation,
        offered_on=on,
        deadline_on=command.deadline_on,
        recorded_at=at,
    )
    event = HandoverOffered(
        occurred_on=on,
        recorded_at=at,
        handover=made.handover_id,
        kind=made.kind,
        from_organisation=by,
        to_organisation=made.to_organisation,
        deadline_on=made.deadline_on,
    )
    expiry = Timer(
        key=expiry_key(made.handover_id),
        due=start_of(days_after(made.deadline_on, 1)),
        command="expire_handover",
        body={"handover": made.handover_id},
    )
    after = replace(moved(journey, event), open=made, offered=number)
    return Change(after, events=(event,), rows=(offer_row(made),), timers=(expiry,)), made


def accept(
    journey: Journey, asked: Offer, command: AcceptHandover, *, by: Organisation, at: datetime
) -> tuple[Change[Journey], Offer]:
    """Say yes: responsibility moves to the receiver, once; saying it again changes nothing.

    asked: the offer that is answered, open or not. Returns the change and the offer as it stands then. Raises
    Invalid, Conflict `offer-closed`, `wrong-stage`, `consent-missing`. Source: docs/field.md, Handover.
    """
    if asked.status == "accepted" and command.occurred_on in (None, asked.ended_on):
        return Change(journey), asked
    on = _answered_on(asked, command.occurred_on, at)
    standing = _require_open(journey, asked, at)
    if not consented(journey.passage, by, day_of(at)):
        raise Conflict("consent-missing", "No consent to sharing covers the receiving organisation today.")
    event = HandoverAccepted(
        occurred_on=on,
        recorded_at=at,
        handover=standing.handover_id,
        kind=standing.kind,
        from_organisation=standing.from_organisation,
        to_organisation=standing.to_organisation,
        offered_on=standing.offered_on,
    )
    ended = replace(standing, status="accepted", ended_on=on)
    after = replace(journey, accepted=journey.accepted + 1, responsible_since=on)
    return end(after, ended, event), ended


def decline(
    journey: Journey, asked: Offer, command: DeclineHandover, *, programme: Programme, at: datetime
) -> tuple[Change[Journey], Offer]:
    """Say no: responsibility stays; saying it again for the same reason changes nothing.

    asked: the offer that is answered, open or not. Returns the change and the offer as it stands then. Raises
    Invalid, Conflict `offer-closed`, `wrong-stage`.
    """
    if _ended_so(asked, "declined", command.reason, command.occurred_on):
        return Change(journey), asked
    reasons = (one.code for one in programme.reasons.handover_decline)
    on = _answered_on(asked, command.occurred_on, at, reason=command.reason, reasons=tuple(reasons))
    standing = _require_open(journey, asked, at)
    event = HandoverDeclined(
        occurred_on=on, recorded_at=at, handover=standing.handover_id, reason=command.reason
    )
    ended = replace(standing, status="declined", ended_on=on, reason=command.reason)
    return end(replace(journey, declined=journey.declined + 1), ended, event), ended


def recall(
    journey: Journey, asked: Offer, command: RecallHandover, *, programme: Programme, at: datetime
) -> tuple[Change[Journey], Offer]:
    """Take the offer back before it is answered; doing so again for the same reason changes nothing.

    asked: the offer concerned, open or not. Returns the change and the offer as it stands then. Raises
    Invalid, Conflict `offer-closed`, `wrong-stage`.
    """
    if _ended_so(asked, "recalled", command.reason, command.occurred_on):
        return Change(journey), asked
    reasons = (one.code for one in programme.reasons.recall)
    on = _answered_on(asked, command.occurred_on, at, reason=command.reason, reasons=tuple(reasons))
    standing = _require_open(journey, asked, at)
    change = take_back(journey, standing, command.reason, on=on, at=at)
    return change, replace(standing, status="recalled", ended_on=on, reason=command.reason)


def _same(standing: Offer, command: OfferHandover) -> bool:
    return (
        standing.kind == command.kind
        and standing.to_organisation == command.to_organisation
        and standing.deadline_on == command.deadline_on
        and command.occurred_on in (None, standing.offered_on)
    )


def _ended_so(asked: Offer, status: Status, reason: str, on: date | None) -> bool:
    return asked.status == status and asked.reason == reason and on in (None, asked.ended_on)


def _answered_on(
    asked: Offer, on: date | None, at: datetime, *, reason: str | None = None, reasons: tuple[str, ...] = ()
) -> date:
    """The day of an answer, today unless said. Raises Invalid."""
    today = day_of(at)
    answered_on = on or today
    found = Findings()
    found.known("reason", reason, reasons)
    found.not_future("occurred_on", answered_on, today)
    found.not_before("occurred_on", answered_on, asked.offered_on, "the offer")
    found.raise_any()
    return answered_on


def _require_open(journey: Journey, asked: Offer, at: datetime) -> Offer:
    """The open offer, if it is the one asked about, in time and in a journey under way. Raises Conflict.

    After the deadline an answer comes too late even if the expiry has not been recorded yet. So the outcome never
    depends on how fast a timer fires.
    """
    standing = journey.open
    if standing is None or standing.handover_id != asked.handover_id:
        raise Conflict("offer-closed", f"The handover is {asked.status}.")
    if day_of(at) > standing.deadline_on:
        raise Conflict("offer-closed", f"The deadline was {standing.deadline_on.isoformat()}.")
    if not journey.passage.active:
        raise Conflict("wrong-stage", f"The journey is {journey.passage.stage}; nothing can be handed over.")
    return standing
