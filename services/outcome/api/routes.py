"""The routes of outcome, one function each: name the use case, show what came of it."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from services.outcome import handlers
from services.outcome.api import report_schemas as r
from services.outcome.api import schemas as s
from services.outcome.domain.entry import RecordEntry
from services.outcome.domain.follow_up import AnswerFollowUp
from services.outcome.domain.leaving import RecordExit
from services.outcome.figures import period
from services.outcome.figures.report import as_csv, as_swedish_csv
from shared.edge.headers import acceptable
from shared.edge.readings import points_at_people
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded, if_match
from shared.language.events import Code, FollowUpId, JourneyId

outcomes = Blueprint("outcomes", __name__, description="Entry, exit and follow-up of a journey")
figures = Blueprint("figures", __name__, description="What a programme has reached")

FORMS = {"application/json": "json", "text/csv": "csv"}


@outcomes.route("/journeys/<string:journeyId>", methods=["GET"])
@guarded("read_journey")
@outcomes.response(200, s.OutcomeAnswer)
def read_journey(journey_id: JourneyId) -> dict[str, Any]:
    """What came of a journey: entry, exit and follow-ups."""
    return run(handlers.read_journey, s.show_journey, journey_id)


@outcomes.route("/journeys/<string:journeyId>/entry", methods=["PUT"])
@guarded("record_entry")
@outcomes.arguments(s.RecordEntryBody())
@outcomes.response(200, s.OutcomeAnswer)
def record_entry(body: RecordEntry, journey_id: JourneyId) -> dict[str, Any]:
    """Record the entry answers; to replace them, name the journey's revision in If-Match."""
    asked = if_match()
    return run(handlers.record_entry, s.show_journey, journey_id, body, asked=asked)


@outcomes.route("/journeys/<string:journeyId>/exit", methods=["POST"])
@guarded("record_exit")
@outcomes.arguments(s.RecordExitBody())
@outcomes.response(200, s.OutcomeAnswer)
def record_exit(body: RecordExit, journey_id: JourneyId) -> dict[str, Any]:
    """End participation: by plan, broken off, moved or deceased; plans the follow-ups."""
    return run(handlers.record_exit, s.show_journey, journey_id, body)


@outcomes.route("/follow-ups", methods=["GET"])
@guarded("answer_follow_up")
@outcomes.arguments(s.FollowUpPageArguments(), location="query")
@outcomes.response(200, s.FollowUpPageAnswer)
def list_follow_ups(page: dict[str, Any]) -> dict[str, Any]:
    """The follow-ups that the caller's organisation may answer, those that are due unless asked otherwise.

    The earliest day first. A follow-up whose exit's day is corrected meanwhile takes the place of its new day.
    """
    limit, after = page["limit"], page["after"]
    show = paged("follow_ups", s.show_follow_up, lambda one: one.order, limit)
    return run(handlers.list_follow_ups, show, page["status"], after=after, limit=limit)


@outcomes.route("/follow-ups/<string:followUpId>", methods=["GET"])
@guarded("read_journey")
@outcomes.response(200, s.FollowUpAnswer)
def read_follow_up(follow_up_id: FollowUpId) -> dict[str, Any]:
    """One follow-up, for those who have a part in the journey."""
    return run(handlers.read_follow_up, s.show_follow_up, follow_up_id)


@outcomes.route("/follow-ups/<string:followUpId>/answer", methods=["POST"])
@guarded("answer_follow_up")
@outcomes.arguments(s.AnswerFollowUpBody())
@outcomes.response(200, s.FollowUpAnswer)
def answer_follow_up(body: AnswerFollowUp, follow_up_id: FollowUpId) -> dict[str, Any]:
    """Say what the situation was on the follow-up's day."""
    return run(handlers.answer_follow_up, s.show_follow_up, follow_up_id, body)


@figures.route("/programmes/<string:programmeId>/report", methods=["GET"])
@guarded("read_report")
@figures.arguments(r.ReportArguments(), location="query")
@figures.response(200, r.ReportAnswer)
@figures.alt_response(200, content_type="text/csv", success=True, description="One row per number.")
def read_report(wanted: dict[str, Any], programme_id: Code) -> dict[str, Any] | Response:
    """The programme's figures as they are now, or, with `from` and `to`, those of a period; as JSON or CSV.

    Figures of a period are exact, and of few days may point at somebody: each reading of them is noted.
    """
    form = wanted.get("format") or FORMS[acceptable(request.headers.get("Accept"), tuple(FORMS))]
    asked = r.wanted_period(wanted)
    if asked is None:
        found = run(handlers.read_report, r.show_report, programme_id)
    else:
        # The exact figures of a day and a municipality can tell what one person did.
        points_at_people(f"programme/{programme_id}/{asked.first}/{asked.last}/{asked.by or 'all'}")
        found = run(handlers.read_period, r.show_report, programme_id, asked)
    if form == "json":
        return found
    if asked is None:
        text = as_csv(found) if form == "csv" else as_swedish_csv(found)
    else:
        text = period.as_csv(found, swedish=form == "csv-sv")
    disposition = {"Content-Disposition": f'attachment; filename="{programme_id}.csv"'}
    return Response(text, content_type="text/csv; charset=utf-8", headers=disposition)
