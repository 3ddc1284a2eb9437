"""The use cases by which the answer to an offer is said anew. No rule lives here.

Who may end an offer in one way may correct when and why it ended so.
"""

from collections.abc import Mapping, Sequence

from services.handover.domain import corrections
from services.handover.domain.journey import Journey, Offer, Status
from services.handover.handlers import admit, open_offer
from shared.language.access import Actor, Reader, authorise, reader
from shared.language.corrections import Superseded, page
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.events import HandoverId, JourneyId
from shared.language.programmes import Action

ANSWERED_BY: Mapping[Status, Action] = {
    "accepted": "answer_handover",
    "declined": "answer_handover",
    "recalled": "recall_handover",
}
"""Who may end an offer so, may say anew when and why it did."""


def correct_handover(
    work: Work, actor: Actor, handover_id: HandoverId, command: corrections.CorrectAnswer, ended: Status
) -> Offer:
    """Say anew when and why the offer ended so."""
    journey, asked = open_offer(work, handover_id)
    programme = admit(work, actor, ANSWERED_BY[ended], journey, asked)
    change, anew = corrections.correct(
        journey, asked, command, ended=ended, programme=programme, by=actor, at=work.at
    )
    work.save(subject_of("journey", journey.journey_id), change)
    return anew


def list_corrections(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on the journey here."""
    journey: Journey = work.get(subject_of("journey", journey_id))
    authorise(actor, "read_journey", journey.passage, work)
    found = page(work, subject_of("journey", journey_id), after=after, limit=limit)
    return reader(actor, journey.passage, day_of(work.at)), found
