"""The use cases by which the end of a journey, and what was answered after it, is said anew or taken back.

No rule lives here. Who may say a thing may correct it.
"""

from collections.abc import Sequence

from services.outcome.domain import corrections
from services.outcome.handlers import (
    Asked,
    Seen,
    journey_of,
    kind_of_follow_up,
    open_journey,
    reader_of,
    seen,
)
from services.outcome.participations import keep
from shared.language.access import Actor, Reader
from shared.language.corrections import Superseded, page
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden
from shared.language.events import FollowUpId, JourneyId


def correct_exit(work: Work, actor: Actor, journey_id: JourneyId, command: corrections.CorrectExit) -> Seen:
    """Say the exit anew, or take it back."""
    state, programme = open_journey(work, actor, journey_id, "record_exit")
    change = corrections.correct_exit(state, command, programme=programme, by=actor, at=work.at)
    return seen(work, actor, keep(work, change))


def correct_follow_up(
    work: Work, actor: Actor, follow_up_id: FollowUpId, command: corrections.CorrectAnswer
) -> Asked:
    """Say the answer of a follow-up anew, or take it back. A workplace corrects only what it answered itself."""
    journey_id, kind = journey_of(follow_up_id), kind_of_follow_up(follow_up_id)
    state, _ = open_journey(work, actor, journey_id, "answer_follow_up", "follow-up")
    held = state.follow_ups.get(kind)
    who = reader_of(work, actor, state)
    answered = held is not None and held.status == "answered"
    if held is not None and answered and who.works_there and not who.sees(held.answered_by):
        raise Forbidden("not-your-journey", "Only the organisation that answered may correct the answer.")
    change = corrections.correct_answer(state, kind, command, by=actor, at=work.at)
    after = work.save(subject_of("journey", journey_id), change)
    return Asked(journey=after, follow_up=after.follow_ups[kind], reader=reader_of(work, actor, after))


def list_corrections(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on the journey here."""
    state, _ = open_journey(work, actor, journey_id, "read_journey")
    found = page(work, subject_of("journey", journey_id), after=after, limit=limit)
    return reader_of(work, actor, state), found
