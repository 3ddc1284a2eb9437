"""The use case of what waits at handover: offers for an answer. No rule lives here."""

from collections.abc import Sequence

from services.handover.domain.journey import Journey, Offer
from services.handover.handlers import admit, list_received
from shared.language.access import Actor, authorise_somewhere
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId
from shared.language.waiting import Fetch, Waiting, Waits, gathered


def list_waiting(
    work: Work,
    actor: Actor,
    *,
    journey: JourneyId | None,
    after: tuple[str, str] | Skip | None,
    limit: int,
) -> Waiting:
    """A page of the offers that await the answer of the caller's unit; of one journey where it is named."""
    authorise_somewhere(actor, "answer_handover", work)
    fetch = _open(work, actor) if journey is None else _of_journey(work, actor, journey)
    return Waiting(entries=gathered([("offer", fetch)], after=after, limit=limit), today=day_of(work.at))


def _open(work: Work, actor: Actor) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        return [_waits(one) for one in list_received(work, actor, "open", after=after, limit=most)]

    return fetch


def _of_journey(work: Work, actor: Actor, journey: JourneyId) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        held: Journey | None = work.find(subject_of("journey", journey))
        if after is not None or held is None or held.open is None:
            return []
        try:
            admit(work, actor, "answer_handover", held, held.open)
        except (Forbidden, Unknown):
            return []
        return [_waits(held.open)]

    return fetch


def _waits(one: Offer) -> Waits:
    return Waits(
        kind="offer",
        subject=one.handover_id,
        place=one.handover_id,
        journey_id=one.journey_id,
        unit=one.to_organisation,
        since=one.offered_on,
        due=one.deadline_on,
        path=f"/handovers/{one.handover_id}/acceptance",
    )
