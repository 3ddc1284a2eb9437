"""The routes by which what was recorded is said anew or taken back; sessions have one of their own."""

import re
from typing import Any

from flask_smorest import Blueprint
from marshmallow import fields as ma

from services.activity_tracking import correcting
from services.activity_tracking.api import planning as p
from services.activity_tracking.api import schemas as s
from services.activity_tracking.api.fields import day_field, said, whole_field
from services.activity_tracking.domain.corrections import (
    CorrectDay,
    CorrectGoal,
    CorrectPlan,
    CorrectProgress,
)
from services.activity_tracking.domain.extents import CorrectExtent
from services.activity_tracking.domain.pauses import CorrectPause
from services.activity_tracking.domain.plan import GOAL_LENGTH
from shared.edge.corrections import (
    CorrectingBody,
    SupersededPageAnswer,
    SupersededPageArguments,
    add_list,
    show_superseded,
)
from shared.edge.fields import StrictBoolean, code_field
from shared.edge.texts import text_field
from shared.edge.use_cases import run
from shared.edge.web import guarded
from shared.language.errors import Unknown
from shared.language.events import Code, JourneyId, OutputId

corrections = Blueprint("corrections", __name__, description="What was said wrongly, said anew")

NUMBER = re.compile(r"[1-9][0-9]{0,3}")


class CorrectPlanBody(CorrectingBody):
    """The period as it should have been planned, or `void`."""

    makes = CorrectPlan
    activity = code_field(allow_none=True)
    first_on = day_field()
    last_on = day_field()
    hours = p.hours_field(allow_none=True)
    except_on = p.exceptions_field(allow_none=True)
    on_holidays = StrictBoolean(allow_none=True)


class CorrectGoalBody(CorrectingBody):
    """The goal in other words, or `void`."""

    makes = CorrectGoal
    text = text_field(1, GOAL_LENGTH, allow_none=True)


class CorrectDayBody(CorrectingBody):
    """The right day, or `void`: it was not so."""

    makes = CorrectDay
    occurred_on = day_field()


class CorrectProgressBody(CorrectingBody):
    """The round's answers as they were given, or `void`: it was not asked."""

    makes = CorrectProgress
    answers = ma.Dict(keys=code_field(), values=whole_field(-1000, 1000), allow_none=True)
    occurred_on = day_field()


def _number(text: str, what: str) -> int:
    """The number in the path. Raises Unknown for what cannot be one."""
    if not NUMBER.fullmatch(text):
        raise Unknown(what, within=True)
    return int(text)


@corrections.route("/journeys/<string:journeyId>/activities/<string:plan>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectPlanBody())
@corrections.response(200, p.PlannedActivityAnswer)
def correct_plan(body: CorrectPlan, journey_id: JourneyId, plan: str) -> dict[str, Any]:
    """Say a planned period anew, or take it back with `void`."""
    return run(correcting.correct_plan, p.show_planned, journey_id, plan, body)


@corrections.route("/journeys/<string:journeyId>/pauses/<string:pause>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(p.CorrectPauseBody())
@corrections.response(200, p.PauseAnswer)
def correct_pause(body: CorrectPause, journey_id: JourneyId, pause: str) -> dict[str, Any]:
    """Say a pause anew, or take it back with `void`."""
    return run(correcting.correct_pause, said, journey_id, pause, body)


@corrections.route("/journeys/<string:journeyId>/extents/<string:extent>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(p.CorrectExtentBody())
@corrections.response(200, p.ExtentAnswer)
def correct_extent(body: CorrectExtent, journey_id: JourneyId, extent: str) -> dict[str, Any]:
    """Say an agreed extent anew, or take it back with `void`."""
    return run(correcting.correct_extent, said, journey_id, extent, body)


@corrections.route("/journeys/<string:journeyId>/goals/<string:goal>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectGoalBody())
@corrections.response(200, s.GoalAnswer)
def correct_goal(body: CorrectGoal, journey_id: JourneyId, goal: str) -> dict[str, Any]:
    """Say a goal in other words, or take it back with `void`."""
    return run(correcting.correct_goal, s.show_goal, journey_id, goal, body)


@corrections.route("/journeys/<string:journeyId>/goals/<string:goal>/reached/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(200, s.GoalAnswer)
def correct_reached(body: CorrectDay, journey_id: JourneyId, goal: str) -> dict[str, Any]:
    """Say on which day a goal was reached, or with `void` that it was not."""
    return run(correcting.correct_reached, s.show_goal, journey_id, goal, body)


@corrections.route("/journeys/<string:journeyId>/readiness/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(200, s.StandingAnswer)
def correct_ready(body: CorrectDay, journey_id: JourneyId) -> dict[str, Any]:
    """Say on which day the participant was ready, or with `void` that they are not."""
    return run(correcting.correct_ready, s.show_standing, journey_id, body)


@corrections.route("/journeys/<string:journeyId>/progress/<string:round>/correction", methods=["POST"])
@guarded("log_activity")
@corrections.arguments(CorrectProgressBody())
@corrections.response(200, s.RoundAnswer)
def correct_progress(body: CorrectProgress, journey_id: JourneyId, round: str) -> dict[str, Any]:  # noqa: A002 - the path's
    """Say the answers of a round anew, or take it back with `void`."""
    number = _number(round, "round")
    return run(correcting.correct_progress, s.show_round, journey_id, number, body)


@corrections.route(
    "/journeys/<string:journeyId>/competences/<string:competence>/<string:level>/correction",
    methods=["POST"],
)
@guarded("log_activity")
@corrections.arguments(CorrectDayBody())
@corrections.response(200, s.CompetenceAnswer)
def correct_competence(
    body: CorrectDay, journey_id: JourneyId, competence: str, level: str
) -> dict[str, Any]:
    """Say on which day a competence was validated, or with `void` that it was not."""
    number = _number(level, "competence")
    return run(correcting.correct_competence, s.show_competence, journey_id, competence, number, body)


add_list(corrections, correcting.list_corrections)


@corrections.route("/programmes/<string:programmeId>/outputs/<string:outputId>/corrections", methods=["GET"])
@guarded("log_output")
@corrections.arguments(SupersededPageArguments(), location="query")
@corrections.response(200, SupersededPageAnswer)
def list_output_corrections(page: dict[str, Any], programme_id: Code, output_id: OutputId) -> dict[str, Any]:
    """What an output said before it was corrected, who corrected it and why."""
    limit, after = page["limit"], page["after"]
    show = show_superseded(limit)
    return run(correcting.list_output_corrections, show, programme_id, output_id, after=after, limit=limit)
