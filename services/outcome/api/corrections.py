"""The routes by which the end of a journey, and what was answered after it, is said anew or taken back."""

from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint

from services.outcome import handlers
from services.outcome.api.routes import (
    FollowUpAnswer,
    OutcomeAnswer,
    follow_up_subject,
    one_of,
    show,
    show_follow_up,
)
from services.outcome.domain.corrections import CorrectAnswer, CorrectExit
from shared.edge.corrections import CorrectingBody, add_list
from shared.edge.fields import Day, code_field
from shared.edge.web import actor, command, guarded, journey_subject
from shared.language.access import Reader
from shared.language.corrections import Superseded
from shared.language.decision import Work
from shared.language.events import ExitWay, FollowUpId, JourneyId, Situation

corrections = Blueprint("corrections", __name__, description="What was said wrongly, said anew")


class CorrectExitBody(CorrectingBody):
    """The exit as it should have been said, or `void`: participation goes on."""

    makes = CorrectExit
    way = one_of(ExitWay, allow_none=True)
    reason = code_field(allow_none=True)
    situation = one_of(Situation, allow_none=True)
    occurred_on = Day(allow_none=True)


class CorrectAnswerBody(CorrectingBody):
    """The answer as it should have been given, or `void`: nobody answered."""

    makes = CorrectAnswer
    situation = one_of(Situation, allow_none=True)
    occurred_on = Day(allow_none=True)


@corrections.route("/journeys/<string:journey_id>/exit/correction", methods=["POST"])
@guarded("record_exit")
@corrections.arguments(CorrectExitBody())
@corrections.response(201, OutcomeAnswer)
def correct_exit(body: CorrectExit, journey_id: str) -> dict[str, Any]:
    """Say the exit anew, or take it back with `void`; follow-ups are planned by the day that holds then."""

    def use_case(work: Work) -> dict[str, Any]:
        return show(handlers.correct_exit(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@corrections.route("/follow-ups/<string:follow_up_id>/answer/correction", methods=["POST"])
@guarded("answer_follow_up")
@corrections.arguments(CorrectAnswerBody())
@corrections.response(201, FollowUpAnswer)
def correct_follow_up(body: CorrectAnswer, follow_up_id: str) -> dict[str, Any]:
    """Say the answer anew, or take it back with `void`: it is asked again while there is time."""

    def use_case(work: Work) -> dict[str, Any]:
        found = handlers.correct_follow_up(work, actor(), FollowUpId(follow_up_id), body)
        return show_follow_up(found.journey, found.follow_up, found.reader)

    return command(use_case, follow_up_subject(follow_up_id))


def _list_corrections(
    work: Work, journey_id: JourneyId, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    return handlers.list_corrections(work, actor(), journey_id, after=after, limit=limit)


add_list(corrections, _list_corrections)
