"""The routes by which the end of a journey, and what was answered after it, is said anew or taken back."""

from typing import Any

from flask_smorest import Blueprint

from services.outcome import correcting
from services.outcome.api.schemas import (
    FollowUpAnswer,
    OutcomeAnswer,
    one_of,
    show_follow_up,
    show_journey,
)
from services.outcome.domain.corrections import CorrectAnswer, CorrectExit
from shared.edge.corrections import CorrectingBody, add_list
from shared.edge.fields import Day, code_field
from shared.edge.use_cases import run
from shared.edge.web import guarded
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


@corrections.route("/journeys/<string:journeyId>/exit/correction", methods=["POST"])
@guarded("record_exit")
@corrections.arguments(CorrectExitBody())
@corrections.response(200, OutcomeAnswer)
def correct_exit(body: CorrectExit, journey_id: JourneyId) -> dict[str, Any]:
    """Say the exit anew, or take it back with `void`; follow-ups are planned by the day that holds then."""
    return run(correcting.correct_exit, show_journey, journey_id, body)


@corrections.route("/follow-ups/<string:followUpId>/answer/correction", methods=["POST"])
@guarded("answer_follow_up")
@corrections.arguments(CorrectAnswerBody())
@corrections.response(200, FollowUpAnswer)
def correct_follow_up(body: CorrectAnswer, follow_up_id: FollowUpId) -> dict[str, Any]:
    """Say the answer anew, or take it back with `void`: it is asked again while there is time."""
    return run(correcting.correct_follow_up, show_follow_up, follow_up_id, body)


add_list(corrections, correcting.list_corrections)
