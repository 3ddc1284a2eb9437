"""The routes of activity tracking, one function each: name the use case, show what came of it."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import validate

from services.activity_tracking import handlers
from services.activity_tracking.api import schemas as s
from services.activity_tracking.domain.outputs import CorrectOutput, LogOutput
from services.activity_tracking.domain.plan import DeclareReady, PlanActivity, ReachGoal, SetGoal
from services.activity_tracking.domain.progress import MeasureProgress, ValidateCompetence
from services.activity_tracking.domain.sessions import CorrectSession, LogSession
from shared.edge.fields import Number, QuerySchema, id_field, limit_field
from shared.edge.web import actor, command, guarded, journey_subject, path_subject, query
from shared.language.decision import Work
from shared.language.events import JourneyId, OutputId, SessionId

activities = Blueprint("activities", __name__, description="What a participant does on the way")
outputs = Blueprint("outputs", __name__, description="What a programme brings about besides")


MOST_ENTRIES = 1_000_000_000
"""More sessions than a journey can have; a number of one is smaller."""


class SessionPageArguments(QuerySchema):
    """Which page of a journey's sessions: `cursor` is the `next_cursor` of the page before, the number of an entry."""

    cursor = Number(validate=validate.Range(1, MOST_ENTRIES))
    limit = limit_field()


class OutputPageArguments(QuerySchema):
    """Which page of a programme's outputs: `cursor` is the `next_cursor` of the page before, an output's id."""

    cursor = id_field("o")
    limit = limit_field()


@activities.route("/journeys/<string:journey_id>", methods=["GET"])
@guarded("read_journey")
@activities.response(200, s.JourneyAnswer)
def read_journey(journey_id: str) -> dict[str, Any]:
    """A journey's goals, plan, progress and competences."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_journey(handlers.read_journey(work, actor(), JourneyId(journey_id)))

    return query(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/activities", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.PlanActivityBody())
@activities.response(201, s.PlannedActivityAnswer)
def plan_activity(body: PlanActivity, journey_id: str) -> dict[str, Any]:
    """Enter a period of one activity in the plan."""

    def use_case(work: Work) -> dict[str, Any]:
        entry = handlers.plan_activity(work, actor(), JourneyId(journey_id), body)
        return s.said(entry)

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/goals", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.SetGoalBody())
@activities.response(201, s.GoalAnswer)
def set_goal(body: SetGoal, journey_id: str) -> dict[str, Any]:
    """Note a goal of the participant's own; at most 20 are open at once."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_goal(handlers.set_goal(work, actor(), JourneyId(journey_id), body), text=False)

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/goals/<string:goal>/reached", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.ReachGoalBody())
@activities.response(200, s.GoalAnswer)
def reach_goal(body: ReachGoal, journey_id: str, goal: str) -> dict[str, Any]:
    """Say that a goal was reached."""

    def use_case(work: Work) -> dict[str, Any]:
        reached = handlers.reach_goal(work, actor(), JourneyId(journey_id), goal, body)
        return s.show_goal(reached, text=False)

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/sessions", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.LogSessionBody())
@activities.response(201, s.SessionAnswer)
def log_session(body: LogSession, journey_id: str) -> dict[str, Any]:
    """Log one session, late ones too; the same reference again is the same session."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.said(handlers.log_session(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/sessions", methods=["GET"])
@guarded("read_journey")
@activities.arguments(SessionPageArguments(), location="query")
@activities.response(200, s.SessionPageAnswer)
def list_sessions(page: dict[str, Any], journey_id: str) -> dict[str, Any]:
    """The journey's sessions in the order of recording, corrections among them."""
    limit, cursor = page["limit"], page.get("cursor")

    def use_case(work: Work) -> dict[str, Any]:
        found = handlers.list_sessions(work, actor(), JourneyId(journey_id), after=cursor, limit=limit)
        full = len(found.sessions) == limit
        return {
            "sessions": [s.show_session(entry, found.reader) for entry in found.sessions],
            "next_cursor": str(found.sessions[-1].number) if full else None,
        }

    return query(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/sessions/<string:session_id>/correction", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.CorrectSessionBody())
@activities.response(201, s.SessionAnswer)
def correct_session(body: CorrectSession, journey_id: str, session_id: str) -> dict[str, Any]:
    """Supersede the newest entry of a session by a new one, or take it back with `void`."""
    path_subject("session", "s", session_id)

    def use_case(work: Work) -> dict[str, Any]:
        entry = handlers.correct_session(work, actor(), JourneyId(journey_id), SessionId(session_id), body)
        return s.said(entry)

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/progress", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.MeasureProgressBody())
@activities.response(201, s.RoundAnswer)
def measure_progress(body: MeasureProgress, journey_id: str) -> dict[str, Any]:
    """Record a round of the programme's indicators."""

    def use_case(work: Work) -> dict[str, Any]:
        entry = handlers.measure_progress(work, actor(), JourneyId(journey_id), body)
        return s.show_round(entry, answers=False)

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/competences", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.ValidateCompetenceBody())
@activities.response(201, s.CompetenceAnswer)
def validate_competence(body: ValidateCompetence, journey_id: str) -> dict[str, Any]:
    """Record a validated competence; the same one at the same level counts once."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_competence(*handlers.validate_competence(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@activities.route("/journeys/<string:journey_id>/readiness", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.DeclareReadyBody())
@activities.response(200, s.StandingAnswer)
def declare_ready(body: DeclareReady, journey_id: str) -> dict[str, Any]:
    """Judge the participant ready for the next step."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_standing(handlers.declare_ready(work, actor(), JourneyId(journey_id), body))

    return command(use_case, journey_subject(journey_id))


@outputs.route("/programmes/<string:programme>/outputs", methods=["POST"])
@guarded("log_output")
@outputs.arguments(s.LogOutputBody())
@outputs.response(201, s.OutputAnswer)
def log_output(body: LogOutput, programme: str) -> dict[str, Any]:
    """Log so many of one output: workplaces carved, managers trained."""

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_output(handlers.log_output(work, actor(), programme, body))

    return command(use_case)


@outputs.route("/programmes/<string:programme>/outputs", methods=["GET"])
@guarded("log_output")
@outputs.arguments(OutputPageArguments(), location="query")
@outputs.response(200, s.OutputPageAnswer)
def list_outputs(page: dict[str, Any], programme: str) -> dict[str, Any]:
    """The programme's outputs as they stand."""
    limit, cursor = page["limit"], page.get("cursor")

    def use_case(work: Work) -> dict[str, Any]:
        found = handlers.list_outputs(work, actor(), programme, after=cursor, limit=limit)
        full = len(found) == limit
        return {
            "outputs": [s.show_output(entry) for entry in found],
            "next_cursor": found[-1].output_id if full else None,
        }

    return query(use_case)


@outputs.route("/programmes/<string:programme>/outputs/<string:output_id>/correction", methods=["POST"])
@guarded("log_output")
@outputs.arguments(s.CorrectOutputBody())
@outputs.response(201, s.OutputAnswer)
def correct_output(body: CorrectOutput, programme: str, output_id: str) -> dict[str, Any]:
    """Set the right quantity of an output; zero takes it back."""
    subject = path_subject("output", "o", output_id)

    def use_case(work: Work) -> dict[str, Any]:
        return s.show_output(handlers.correct_output(work, actor(), programme, OutputId(output_id), body))

    return command(use_case, subject)
