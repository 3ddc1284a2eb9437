"""Many marks in one request, of many days and persons, as NDJSON, CSV or a JSON array: a result per row.

Each row is a command of its own. Its person, planned activity, day and hour name the stretch that it marks. So a file
can be sent again, whole or mended, under any key: what is marked so already stays as it is.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from services.activity_tracking import marking
from services.activity_tracking.api.mark_row import COLUMNS, RowOfMark, rows_of
from services.activity_tracking.domain.marks import DayMark
from shared.edge.row_files import CSV
from shared.edge.row_results import BYTES, MEDIA_TYPES, BulkArguments, Kind, RowProblem
from shared.edge.web import actor, guarded
from shared.language.decision import Work, subject_of
from shared.runtime.many import OneOfMany

ROW = RowOfMark()
PLACE = ("journey_id", "plan", "day", "hour")

marks = Blueprint("marks", __name__, description="Many marks at once")


class MarkResult(Schema):
    """What one row came to: 200 with the mark, or the status and the problem it would have met alone."""

    row = ma.Integer(metadata={"description": "1 for the first row of marks"})
    line = ma.Integer(
        metadata={"description": "1 for the first line of the file, its header row and blank ones counted"}
    )
    status = ma.Integer()
    journey_id = ma.String(allow_none=True, metadata={"description": "null where it cannot be read"})
    plan = ma.String(allow_none=True, metadata={"description": "null where it cannot be read"})
    day = ma.String(
        allow_none=True, metadata={"format": "date", "description": "null where it cannot be read"}
    )
    hour = ma.String(allow_none=True, metadata={"description": "null where it cannot be read"})
    changed = ma.Boolean(
        allow_none=True, metadata={"description": "null in a dry run", "x-absent": "in a refused row"}
    )
    session_id = ma.String(
        allow_none=True,
        metadata={
            "description": "null in a dry run, and where nothing is marked",
            "x-absent": "in a refused row",
        },
    )
    attendance = ma.String(
        allow_none=True,
        metadata={
            "description": "null in a dry run, and where nothing is marked",
            "x-absent": "in a refused row",
        },
    )
    minutes = ma.Integer(
        allow_none=True,
        metadata={
            "description": "null in a dry run, and where nothing is marked",
            "x-absent": "in a refused row",
        },
    )
    problem = ma.Nested(RowProblem, allow_none=True)


class MarksAnswer(Schema):
    """How many rows there are, how many were taken and refused, and a result per row, in their order."""

    dry_run = ma.Boolean(
        metadata={"description": "nothing was marked; each result is what would have come of the row"}
    )
    rows = ma.Integer()
    taken = ma.Integer(metadata={"description": "marked by this request, or marked so already"})
    refused = ma.Integer()
    results = ma.List(ma.Nested(MarkResult))


def _one_of_many(mark: DayMark) -> OneOfMany:
    def use_case(work: Work) -> dict[str, Any]:
        found = marking.mark_one(work, actor(), mark)
        head = found.head
        return {
            "changed": found.changed,
            "session_id": head and head.session_id,
            "attendance": head and head.attendance,
            "minutes": head and head.minutes,
        }

    return OneOfMany(use_case, subject_of("journey", mark.journey_id), rows_of(mark))


NOTHING = dict.fromkeys(("changed", "session_id", "attendance", "minutes"))


def _taken(mark: DayMark, answer: Mapping[str, Any] | None) -> dict[str, Any]:
    place = {"journey_id": mark.journey_id, "plan": mark.plan, "day": mark.day.isoformat(), "hour": mark.hour}
    return {**place, **(NOTHING if answer is None else {name: answer[name] for name in NOTHING})}


def _refused(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The stretch that the row names, each part of it where it can be one."""
    return {name: _said(name, fields.get(name)) for name in PLACE}


def _said(name: str, value: Any) -> str | None:
    try:
        ROW.fields[name].deserialize(value)
    except ValidationError:
        return None
    return str(value)


FILE: Kind[DayMark] = Kind(columns=COLUMNS, load=ROW.load, taken=_taken, refused=_refused, status=200)


@marks.route("/attendance/marks", methods=["POST"])
@guarded("log_activity", media_types=MEDIA_TYPES, body_limit=BYTES, somewhere=True, long=True, rows=True)
@marks.arguments(BulkArguments, location="query")
@marks.response(200, MarksAnswer)
@marks.alt_response(200, content_type=CSV, success=True, description=FILE.refused_table)
@marks.doc(
    requestBody=FILE.request_body(
        RowOfMark, "Presence may be här, borta or omarkerad; a time 9:00 or 9.00; a date is yyyy-mm-dd."
    )
)
def mark_stretches(wanted: dict[str, Any]) -> Response:
    """Mark many stretches of many days, each row for itself. The later mark of a stretch wins.

    Send the file again when some rows were mended: those that are marked so already change nothing.
    """
    return FILE.answer(wanted, _one_of_many)
