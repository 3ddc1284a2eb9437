"""Reports to the referrer over HTTP: lists without what they say, one with it, and the acknowledgement."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking import due_reports, reporting
from services.activity_tracking.api.fields import day_said, moment
from services.activity_tracking.api.hours import DoseAnswer, show_dose
from services.activity_tracking.api.schemas import JourneyAnswer, show_journey
from services.activity_tracking.domain.absence import Span
from services.activity_tracking.domain.written import TEXT_LENGTH
from services.activity_tracking.reporting import Listed, ReportPage, Shown
from shared.edge.fields import CommandSchema, PageArguments, cursor_field
from shared.edge.texts import text_field
from shared.edge.use_cases import run
from shared.edge.web import guarded
from shared.language.events import ReportId
from shared.language.forms import REPORT_ID

reports = Blueprint("reports", __name__, description="What a provider owes the referrer")

MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{15}Z"
PLACE = rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{MOMENT}):{REPORT_ID}\Z"
"""Where a list goes on: a day or a moment, and the report."""


class ReportPageArguments(PageArguments):
    """Which reports, and which page of them."""

    part = ma.String(
        load_default="provider",
        validate=validate.OneOf(["provider", "referrer"]),
        metadata={"description": "Those that your organisation owes, or those that it is owed."},
    )
    status = ma.String(
        load_default="open",
        validate=validate.OneOf(["open", "overdue", "all"]),
        metadata={"description": "Open: not acknowledged yet; overdue: neither by their last day."},
    )
    cursor = cursor_field(PLACE)


class AcknowledgeReportBody(CommandSchema):
    """An acknowledgement needs no words."""


class SendReportBody(CommandSchema):
    """The provider's own words, for the referrer to read."""

    text = text_field(1, TEXT_LENGTH, required=True)


class ReportAnswer(Schema):
    """A report as it stands, without what it says."""

    report_id = ma.String()
    journey_id = ma.String()
    kind = ma.String()
    day = day_said()
    provider = ma.String()
    referrer = ma.String()
    made_at = ma.String(metadata={"format": "date-time"})
    due_on = day_said()
    overdue = ma.Boolean()
    acknowledged_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    corrects = ma.String(allow_none=True)
    superseded_by = ma.String(allow_none=True)
    void = ma.Boolean()


class SpanAnswer(Schema):
    """From when to when."""

    starts_at = ma.String(metadata={"format": "date-time"})
    ends_at = ma.String(metadata={"format": "date-time"})


class ReportContentAnswer(ReportAnswer):
    """A report and what it says. null: nothing, or not the reader's to see.

    text: the words beside the reason, or those of a report that the provider wrote. unit, function_address: who at the
    provider can add to it. month: of a monthly report, as it stands now. weeks: of that, the one week of a report of
    hours below plan, or those that a written report is about.
    """

    contract = ma.String(allow_none=True)
    attendance = ma.String(allow_none=True)
    activity = ma.String(allow_none=True)
    expected = ma.Nested(SpanAnswer, allow_none=True)
    away = ma.List(ma.Nested(SpanAnswer))
    reason = ma.String(allow_none=True)
    text = ma.String(allow_none=True)
    unit = ma.String(allow_none=True, metadata={"description": "The provider by its name in the register."})
    function_address = ma.String(allow_none=True)
    month = ma.Nested(DoseAnswer, allow_none=True, metadata={"description": "What the month came to."})
    weeks = ma.List(ma.Nested(DoseAnswer), metadata={"description": "The weeks, the earliest first."})
    journey = ma.Nested(
        JourneyAnswer,
        allow_none=True,
        metadata={"description": "Of a report that the provider wrote: the journey as it stands now."},
    )


class ReportPageAnswer(Schema):
    """A page of reports."""

    reports = ma.List(ma.Nested(ReportAnswer))
    next_cursor = ma.String(allow_none=True)


def show_report(found: Listed | Shown) -> dict[str, Any]:
    """A report without what it says."""
    report = found.report
    return {
        "report_id": report.report_id,
        "journey_id": report.journey_id,
        "kind": report.kind,
        "day": report.day.isoformat(),
        "provider": report.provider,
        "referrer": report.referrer,
        "made_at": moment(report.made_at),
        "due_on": report.due_on.isoformat(),
        "overdue": report.is_overdue(found.today),
        "acknowledged_at": moment(report.acknowledged_at),
        "corrects": report.corrects,
        "superseded_by": report.superseded_by,
        "void": report.void,
    }


def show_content(found: Shown) -> dict[str, Any]:
    """A report and what it says to its reader."""
    content = found.content
    return {
        **show_report(found),
        "contract": content.contract,
        "attendance": content.attendance,
        "activity": content.activity,
        "expected": None if content.expected is None else _span(content.expected),
        "away": [_span(one) for one in content.away],
        "reason": content.reason,
        "text": content.text,
        "unit": content.unit,
        "function_address": content.address,
        "month": None if content.month is None else show_dose(content.month, True),
        "weeks": [show_dose(one, True) for one in content.weeks],
        "journey": None if found.overview is None else show_journey(found.overview),
    }


def _span(span: Span) -> dict[str, Any]:
    return {"starts_at": moment(span[0]), "ends_at": moment(span[1])}


def show_reports(found: ReportPage) -> dict[str, Any]:
    """A page of reports."""
    return {"reports": [show_report(one) for one in found.reports], "next_cursor": found.next}


@reports.route("/reports", methods=["GET"])
@guarded("read_journey")
@reports.arguments(ReportPageArguments(), location="query")
@reports.response(200, ReportPageAnswer)
def list_referrer_reports(asked: dict[str, Any]) -> dict[str, Any]:
    """The reports that your organisation owes or is owed.

    Open and overdue ones come by their last day, and leave the list once acknowledged or corrected.
    """
    limit, after = asked["limit"], asked["after"]
    use_case = reporting.list_reports
    return run(use_case, show_reports, asked["status"], asked["part"], after=after, limit=limit)


@reports.route("/reports/<string:reportId>", methods=["GET"])
@guarded("read_journey")
@reports.response(200, ReportContentAnswer)
def read_referrer_report(report_id: ReportId) -> dict[str, Any]:
    """A report and what it says, for the provider that owes it and for the referrer."""
    return run(reporting.read_report, show_content, report_id)


@reports.route("/reports/<string:reportId>/submission", methods=["POST"])
@guarded("log_activity")
@reports.arguments(SendReportBody())
@reports.response(200, ReportAnswer)
def send_report(body: dict[str, Any], report_id: ReportId) -> dict[str, Any]:
    """Send a report that waits at your organisation, or say anew what it says; the same words again change nothing.

    `GET /waiting` names what waits to be sent. The referrer is told that a report is there.
    """
    return run(due_reports.send_report, show_report, report_id, body["text"])


@reports.route("/reports/<string:reportId>/acknowledgement", methods=["POST"])
@guarded("acknowledge_report")
@reports.arguments(AcknowledgeReportBody())
@reports.response(200, ReportAnswer)
def acknowledge_report(_: dict[str, Any], report_id: ReportId) -> dict[str, Any]:
    """Say that your organisation has the report; again, it changes nothing."""
    return run(reporting.acknowledge_report, show_report, report_id)
