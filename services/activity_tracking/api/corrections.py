"""The routes by which what was recorded is said anew or taken back; sessions have one of their own."""

import re
from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import fields as ma

from services.activity_tracking import correcting
from services.activity_tracking.api import schemas as s
from services.activity_tracking.domain.corrections import (
    CorrectDay,
    CorrectGoal,
    CorrectPlan,
    CorrectProgress,
)
from services.activity_tracking.domain.plan import GOAL_LENGTH
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    add_list,
    shown,
)
from shared.edge.fields import code_field
from shared.edge.texts import text_field
from shared.edge.web import actor, command, guarded, journey_subject, path_subject, query
from shared.language.access import Reader
from shared.language.corrections import Superseded
from shared.language.decision import Work
from shared.language.errors import Unknown
from shared.language.events import JourneyId, OutputId

corrections = Blueprint("corrections", __name__, description="What was said wrongly, said anew")

NUMBER = re.compile(r"[1-9][0-9]{0,3}")


class CorrectPlanBody(CorrectingBody):
    """The period as it should have been planned, or `void`."""

    makes = CorrectPlan
    activity = code_field(allow_none=True)
    first_on = s.day_field()
    last_on = s.day_field()


class CorrectGoalBody(CorrectingBody):
    """The goal in other words, or `void`."""

    makes = CorrectGoal
    text = text_field(1, GOAL_LENGTH, allow_none=True)


class CorrectDayBody(CorrectingBody):
    """The right day, or `void`: it was not so."""

    makes = CorrectDay
    occurred_on = s.day_field()


class CorrectProgressBody(CorrectingBody):
    """The round's answers as they were given, or `void`: it was not asked."""

    makes = CorrectProgress
    answers = ma.Dict(keys=code_field(), values=s.whole_field(-1000, 1000), allow_none=True)
    occurred_on = s.day_field()


def _number(text: str, what: str) -> int:
    """The number in the path. Raises Unknown for what cannot be one."""
    if not NUMBER.fullmatch(text):
        raise Unknown(what, within=True)
    return int(text)


@corrections.route("/journeys/<string:journey_id>/activities/<string:plan>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectPlanBody())
@corrections.response(201, s.PlannedActivityAnswer)
def correct_plan(body: CorrectPlan, journey_id: str, plan: str) -> dict[str, Any]:
    """Say a planned period anew, or take it back with `void`."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.said(correcting.correct_plan(work, actor(), JourneyId(journey_id), plan, body))

    return command(use_case, journey_subject(journey_id))


@corrections.route("/journeys/<string:journey_id>/goals/<string:goal>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectGoalBody())
@corrections.response(201, s.GoalAnswer)
def correct_goal(body: CorrectGoal, journey_id: str, goal: str) -> dict[str, Any]:
    """Say a goal in other words, or take it back with `void`."""

    def use_case(work: Work) -> dict[str, Any]:
        anew = correcting.correct_goal(work, actor(), JourneyId(journey_id), goal, body)
        return s.show_goal(anew, text=False)

    return command(use_case, journey_subject(journey_id))


@corrections.route("/journeys/<string:journey_id>/goals/<string:goal>/reached/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(201, s.GoalAnswer)
def correct_reached(body: CorrectDay, journey_id: str, goal: str) -> dict[str, Any]:
    """Say on which day a goal was reached, or with `void` that it was not."""

    def use_case(work: Work) -> dict[str, Any]:
        anew = correcting.correct_reached(work, actor(), JourneyId(journey_id), goal, body)
        return s.show_goal(anew, text=False)

    return command(use_case, journey_subject(journey_id))


@corrections.route("/journeys/<string:journey_id>/readiness/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(201, s.StandingAnswer)
def correct_ready(body: CorrectDay, journey_id: str) -> dict[str, Any]:
    """Say on which day the participant was ready, or with `void` that they are not."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_standing(correcting.correct_ready(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@corrections.route("/journeys/<string:journey_id>/progress/<string:round>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectProgressBody())
@corrections.response(201, s.RoundAnswer)
def correct_progress(body: CorrectProgress, journey_id: str, round: str) -> dict[str, Any]:  # noqa: A002 - the path's
    """Say the answers of a round anew, or take it back with `void`."""
    number = _number(round, "round")

    def use_case(work: Work) -> dict[str, Any]:
        anew = correcting.correct_progress(work, actor(), JourneyId(journey_id), number, body)
        return s.show_round(anew, answers=False)

    return command(use_case, journey_subject(journey_id))


@corrections.route(
    "/journeys/<string:journey_id>/competences/<string:competence>/<string:level>/correction",
    methods=["POST"],
)
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(201, s.CompetenceAnswer)
def correct_competence(body: CorrectDay, journey_id: str, competence: str, level: str) -> dict[str, Any]:
    """Say on which day a competence was validated, or with `void` that it was not."""
    number = _number(level, "competence")

    def use_case(work: Work) -> dict[str, Any]:
        found = correcting.correct_competence(work, actor(), JourneyId(journey_id), competence, number, body)
        return s.show_competence(*found)

    return command(use_case, journey_subject(journey_id))


def _list_corrections(
    work: Work, journey_id: JourneyId, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    return correcting.list_corrections(work, actor(), journey_id, after=after, limit=limit)


add_list(corrections, _list_corrections)


@corrections.route("/programmes/<string:programme>/outputs/<string:output_id>/corrections", methods=["GET"])
@guarded("log_output")
@corrections.arguments(SupersededPageArguments(), location="query")
@corrections.response(200, SupersededPageAnswer)
def list_output_corrections(page: dict[str, Any], programme: str, output_id: str) -> dict[str, Any]:
    """What an output said before it was corrected, who corrected it and why."""
    subject = path_subject("output", "o", output_id)

    def use_case(work: Work) -> dict[str, Any]:
        found = correcting.list_output_corrections(
            work, actor(), programme, OutputId(output_id), after=page.get("cursor"), limit=page["limit"]
        )
        return shown(*found, page["limit"])

    return query(use_case, subject)
