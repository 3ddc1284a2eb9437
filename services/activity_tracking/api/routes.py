"""The routes of activity tracking, one function each: name the use case, show what came of it."""

from typing import Any

from flask_smorest import Blueprint

from services.activity_tracking import attendance, handlers
from services.activity_tracking.api import planning as p
from services.activity_tracking.api import registers as r
from services.activity_tracking.api import schemas as s
from services.activity_tracking.api.fields import said
from services.activity_tracking.domain.extents import AgreeExtent
from services.activity_tracking.domain.marks import MarkRegister
from services.activity_tracking.domain.outputs import CorrectOutput, LogOutput
from services.activity_tracking.domain.pauses import PlanPause
from services.activity_tracking.domain.plan import DeclareReady, PlanActivity, ReachGoal, SetGoal
from services.activity_tracking.domain.progress import MeasureProgress, ValidateCompetence
from services.activity_tracking.domain.sessions import CorrectSession, LogSession
from shared.edge.fields import PageArguments, cursor_field, exactly, number_cursor_field
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded
from shared.language.events import Code, JourneyId, OutputId, SessionId
from shared.language.forms import OUTPUT_ID

activities = Blueprint("activities", __name__, description="What a participant does on the way")
outputs = Blueprint("outputs", __name__, description="What a programme brings about besides")


MOST_ENTRIES = 1_000_000_000
"""More sessions than a journey can have; a number of one is smaller."""
REGISTER_BYTES = 256 * 1024
"""A register of five hundred people, marked one by one."""


class SessionPageArguments(PageArguments):
    """Which page of a journey's sessions; the cursor is the number of an entry."""

    cursor = number_cursor_field(MOST_ENTRIES)


class OutputPageArguments(PageArguments):
    """Which page of a programme's outputs; the cursor is an output's id."""

    cursor = cursor_field(exactly(OUTPUT_ID))


@activities.route("/journeys/<string:journeyId>", methods=["GET"])
@guarded("read_journey")
@activities.response(200, s.JourneyAnswer)
def read_journey(journey_id: JourneyId) -> dict[str, Any]:
    """A journey's goals, plan, progress and competences."""
    return run(handlers.read_journey, s.show_journey, journey_id)


@activities.route("/journeys/<string:journeyId>/activities", methods=["POST"])
@guarded("log_activity")
@activities.arguments(p.PlanActivityBody())
@activities.response(201, p.PlannedActivityAnswer)
def plan_activity(body: PlanActivity, journey_id: JourneyId) -> dict[str, Any]:
    """Enter a period of one activity in the plan."""
    return run(handlers.plan_activity, p.show_planned, journey_id, body)


@activities.route("/journeys/<string:journeyId>/pauses", methods=["POST"])
@guarded("log_activity")
@activities.arguments(p.PlanPauseBody())
@activities.response(201, p.PauseAnswer)
def plan_pause(body: PlanPause, journey_id: JourneyId) -> dict[str, Any]:
    """Enter days on which the participant is expected nowhere."""
    return run(handlers.plan_pause, said, journey_id, body)


@activities.route("/journeys/<string:journeyId>/extents", methods=["POST"])
@guarded("log_activity")
@activities.arguments(p.AgreeExtentBody())
@activities.response(201, p.ExtentAnswer)
def agree_extent(body: AgreeExtent, journey_id: JourneyId) -> dict[str, Any]:
    """Enter the extent that was agreed, in percent of a full week, from a day on."""
    return run(handlers.agree_extent, said, journey_id, body)


@activities.route("/attendance", methods=["GET"])
@guarded("log_activity", somewhere=True)
@activities.arguments(r.DayRegisterArguments(), location="query")
@activities.response(200, r.DayRegisterAnswer)
def read_attendance(query: dict[str, Any]) -> dict[str, Any]:
    """The register of a day: who is expected at the caller's unit, and what was marked."""
    return run(attendance.read_register, r.show_register, query.get("day"))


@activities.route("/attendance", methods=["POST"])
@guarded("log_activity", somewhere=True, body_limit=REGISTER_BYTES)
@activities.arguments(r.MarkRegisterBody())
@activities.response(200, r.MarkedRegisterAnswer)
def mark_attendance(body: MarkRegister) -> dict[str, Any]:
    """Mark the register of a day in one transaction, with a result for each line."""
    return run(attendance.mark_register, r.show_marked, body)


@activities.route("/journeys/<string:journeyId>/goals", methods=["POST"])
@guarded("log_activity")
@activities.arguments(p.SetGoalBody())
@activities.response(201, s.GoalAnswer)
def set_goal(body: SetGoal, journey_id: JourneyId) -> dict[str, Any]:
    """Note a goal of the participant's own; at most 20 are open at once."""
    return run(handlers.set_goal, s.show_goal, journey_id, body)


@activities.route("/journeys/<string:journeyId>/goals/<string:goal>/reached", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.ReachGoalBody())
@activities.response(200, s.GoalAnswer)
def reach_goal(body: ReachGoal, journey_id: JourneyId, goal: str) -> dict[str, Any]:
    """Say that a goal was reached."""
    return run(handlers.reach_goal, s.show_goal, journey_id, goal, body)


@activities.route("/journeys/<string:journeyId>/sessions", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.LogSessionBody())
@activities.response(201, s.NotedSessionAnswer)
def log_session(body: LogSession, journey_id: JourneyId) -> dict[str, Any]:
    """Log one session, late ones too; the same reference again is the same session."""
    return run(handlers.log_session, s.show_noted, journey_id, body)


@activities.route("/journeys/<string:journeyId>/sessions", methods=["GET"])
@guarded("read_journey")
@activities.arguments(SessionPageArguments(), location="query")
@activities.response(200, s.SessionPageAnswer)
def list_sessions(page: dict[str, Any], journey_id: JourneyId) -> dict[str, Any]:
    """The journey's sessions in the order of recording, corrections among them."""
    limit, after = page["limit"], page["after"]
    show = s.show_sessions(limit)
    return run(handlers.list_sessions, show, journey_id, after=after, limit=limit)


@activities.route("/journeys/<string:journeyId>/sessions/<string:sessionId>/correction", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.CorrectSessionBody())
@activities.response(200, s.NotedSessionAnswer)
def correct_session(body: CorrectSession, journey_id: JourneyId, session_id: SessionId) -> dict[str, Any]:
    """Supersede the newest entry of a session by a new one, or take it back with `void`."""
    return run(handlers.correct_session, s.show_noted, journey_id, session_id, body)


@activities.route("/journeys/<string:journeyId>/progress", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.MeasureProgressBody())
@activities.response(201, s.RoundAnswer)
def measure_progress(body: MeasureProgress, journey_id: JourneyId) -> dict[str, Any]:
    """Record a round of the programme's indicators."""
    return run(handlers.measure_progress, s.show_round, journey_id, body)


@activities.route("/journeys/<string:journeyId>/competences", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.ValidateCompetenceBody())
@activities.response(201, s.CompetenceAnswer)
def validate_competence(body: ValidateCompetence, journey_id: JourneyId) -> dict[str, Any]:
    """Record a validated competence; the same one at the same level counts once."""
    return run(handlers.validate_competence, s.show_competence, journey_id, body)


@activities.route("/journeys/<string:journeyId>/readiness", methods=["POST"])
@guarded("log_activity")
@activities.arguments(s.DeclareReadyBody())
@activities.response(200, s.StandingAnswer)
def declare_ready(body: DeclareReady, journey_id: JourneyId) -> dict[str, Any]:
    """Judge the participant ready for the next step."""
    return run(handlers.declare_ready, s.show_standing, journey_id, body)


@outputs.route("/programmes/<string:programmeId>/outputs", methods=["POST"])
@guarded("log_output")
@outputs.arguments(s.LogOutputBody())
@outputs.response(201, s.OutputAnswer)
def log_output(body: LogOutput, programme_id: Code) -> dict[str, Any]:
    """Log so many of one output: workplaces carved, managers trained."""
    return run(handlers.log_output, s.show_output, programme_id, body)


@outputs.route("/programmes/<string:programmeId>/outputs", methods=["GET"])
@guarded("log_output")
@outputs.arguments(OutputPageArguments(), location="query")
@outputs.response(200, s.OutputPageAnswer)
def list_outputs(page: dict[str, Any], programme_id: Code) -> dict[str, Any]:
    """The programme's outputs as they stand."""
    limit, after = page["limit"], page["after"]
    show = paged("outputs", s.show_output, lambda entry: entry.output_id, limit)
    return run(handlers.list_outputs, show, programme_id, after=after, limit=limit)


@outputs.route("/programmes/<string:programmeId>/outputs/<string:outputId>/correction", methods=["POST"])
@guarded("log_output")
@outputs.arguments(s.CorrectOutputBody())
@outputs.response(200, s.OutputAnswer)
def correct_output(body: CorrectOutput, programme_id: Code, output_id: OutputId) -> dict[str, Any]:
    """Set the right quantity of an output; zero takes it back."""
    return run(handlers.correct_output, s.show_output, programme_id, output_id, body)
