"""The use cases of handover: fetch what the decision needs, let the caller pass, decide, keep.

Each takes a `Work` and an `Actor`; all that one touches is one transaction. No rule lives here.
"""

from collections.abc import Sequence
from typing import Any

from services.handover.domain import offers
from services.handover.domain.journey import Journey, Offer, Status, as_offered, journey_of, offer_of
from shared.language.access import (
    Actor,
    Reach,
    authorise,
    authorise_somewhere,
    reach_of,
    reader,
    role_map,
)
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import HandoverId, JourneyId
from shared.language.programmes import Action, Programme


def open_offer(work: Work, handover_id: HandoverId) -> tuple[Journey, Offer]:
    """The offer and its journey. Raises Unknown for an offer that was never made."""
    row = work.row("offers", handover_id)
    if row is None:
        raise Unknown("handover")
    journey: Journey = work.get(subject_of("journey", journey_of(handover_id)))
    return journey, offer_of(row)


def admit(work: Work, actor: Actor, action: Action, journey: Journey, asked: Offer) -> Programme:
    """Let the actor pass in the offer as its two parties know it."""
    passage = as_offered(journey.passage, asked)
    return authorise(actor, action, passage, work, what="handover")


def offer_handover(work: Work, actor: Actor, journey_id: JourneyId, command: offers.OfferHandover) -> Offer:
    """Offer the journey to another organisation."""
    journey: Journey = work.get(subject_of("journey", journey_id))
    programme = authorise(actor, "offer_handover", journey.passage, work)
    change, made = offers.offer(
        journey,
        command,
        programme=programme,
        roles=role_map(work, programme),
        by=actor.organisation,
        at=work.at,
    )
    work.save(subject_of("journey", journey_id), change)
    return made


def accept_handover(
    work: Work, actor: Actor, handover_id: HandoverId, command: offers.AcceptHandover
) -> Offer:
    """Say yes for the receiver."""
    journey, asked = open_offer(work, handover_id)
    admit(work, actor, "answer_handover", journey, asked)
    change, ended = offers.accept(journey, asked, command, by=actor.organisation, at=work.at)
    work.save(subject_of("journey", journey.journey_id), change)
    return ended


def decline_handover(
    work: Work, actor: Actor, handover_id: HandoverId, command: offers.DeclineHandover
) -> Offer:
    """Say no for the receiver."""
    journey, asked = open_offer(work, handover_id)
    programme = admit(work, actor, "answer_handover", journey, asked)
    change, ended = offers.decline(journey, asked, command, programme=programme, at=work.at)
    work.save(subject_of("journey", journey.journey_id), change)
    return ended


def recall_handover(
    work: Work, actor: Actor, handover_id: HandoverId, command: offers.RecallHandover
) -> Offer:
    """Take the offer back for the one who made it."""
    journey, asked = open_offer(work, handover_id)
    programme = admit(work, actor, "recall_handover", journey, asked)
    change, ended = offers.recall(journey, asked, command, programme=programme, at=work.at)
    work.save(subject_of("journey", journey.journey_id), change)
    return ended


def read_handover(work: Work, actor: Actor, handover_id: HandoverId) -> Offer:
    """One offer, for its two parties however it ended, and for those who have a part in the journey.

    To an employer or a school the offers of others are unknown: their kinds may tell of health.
    """
    journey, asked = open_offer(work, handover_id)
    party = actor.organisation in (asked.from_organisation, asked.to_organisation)
    passage = as_offered(journey.passage, asked) if party else journey.passage
    authorise(actor, "read_journey", passage, work, what="handover")
    if not party and reader(actor, passage, day_of(work.at)).works_there:
        raise Unknown("handover")
    return asked


def list_handovers(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> Sequence[Offer]:
    """A page of the journey's offers in the order in which they were made, from beyond the number `after`.

    An employer or a school sees only those that it made or received.
    """
    journey: Journey = work.get(subject_of("journey", journey_id))
    authorise(actor, "read_journey", journey.passage, work)
    where: dict[str, Any] = {"journey_id": journey_id}
    if reader(actor, journey.passage, day_of(work.at)).works_there:
        sides = ("from_organisation", "to_organisation")
        where["$or"] = [{side: actor.organisation} for side in sides]
    rows = work.rows("offers", where, order="number", after=after, limit=limit)
    return [offer_of(row) for row in rows]


def _covers(work: Work, reach: Reach, offer: Offer) -> bool:
    journey: Journey | None = work.readable(subject_of("journey", offer.journey_id))
    return journey is not None and reach.covers(journey.passage)


def list_received(
    work: Work, actor: Actor, status: Status, *, after: str | Skip | None, limit: int
) -> Sequence[Offer]:
    """A page, by id, of the offers of that status made to the actor's organisation, from beyond `after`.

    Those that it may also read one by one.
    """
    authorise_somewhere(actor, "answer_handover", work)
    reach = reach_of(actor.organisation, work, "read_journey")
    where = {
        "to_organisation": actor.organisation,
        "status": status,
        "programme_key": {"$in": reach.versions},
    }
    found: list[Offer] = []
    while missing := limit - len(found):
        rows = work.rows("offers", where, order="_id", after=after, limit=missing)
        # One in a municipality where its roles are not is left out, and the page is filled up behind it.
        found += [one for one in map(offer_of, rows) if not reach.within or _covers(work, reach, one)]
        if len(rows) < missing:
            break
        after = rows[-1]["_id"]
    return found
