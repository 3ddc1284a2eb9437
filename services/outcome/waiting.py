"""The use case of what waits at outcome: follow-ups for an answer. No rule lives here."""

from collections.abc import Sequence

from services.outcome.domain.journey import FollowUp, Outcome
from services.outcome.handlers import list_follow_ups
from shared.language.access import Actor, authorise, authorise_somewhere
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
    """A page of the follow-ups that the caller's unit may answer; of one journey where it is named."""
    authorise_somewhere(actor, "answer_follow_up", work)
    fetch = _due(work, actor) if journey is None else _of_journey(work, actor, journey)
    return Waiting(entries=gathered([("follow-up", fetch)], after=after, limit=limit), today=day_of(work.at))


def _due(work: Work, actor: Actor) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        found = list_follow_ups(work, actor, "due", after=after, limit=most)
        return [_waits(one.follow_up, one.journey, actor, one.order) for one in found]

    return fetch


def _of_journey(work: Work, actor: Actor, journey: JourneyId) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        held: Outcome | None = work.find(subject_of("journey", journey))
        if held is None:
            return []
        try:
            for action in ("answer_follow_up", "read_journey"):
                authorise(actor, action, held.passage, work)
        except (Forbidden, Unknown):
            return []
        due = sorted(
            (one for one in held.follow_ups.values() if one.status == "due"),
            key=lambda one: one.follow_up_id,
        )
        found = [_waits(one, held, actor, one.follow_up_id) for one in due]
        return [one for one in found if after is None or one.place > after][:most]

    return fetch


def _waits(one: FollowUp, held: Outcome, actor: Actor, place: str) -> Waits:
    return Waits(
        kind="follow-up",
        subject=one.follow_up_id,
        place=place,
        journey_id=held.journey_id,
        unit=actor.organisation,
        since=one.due_on,
        due=one.answer_by,
        path=f"/follow-ups/{one.follow_up_id}/answer",
    )
