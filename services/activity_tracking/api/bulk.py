"""Many sessions in one request, as NDJSON, CSV or a JSON array: a result per row, and no bad row blocks a good one.

Each row is a command of its own, and the organisation's reference names the session of the row. So a file can be sent
again, whole or mended and by anybody, and nothing is logged twice. A row with other content by then is answered with
the session that stands.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from services.activity_tracking import handlers
from services.activity_tracking.api.columns import SESSIONS
from services.activity_tracking.api.session_row import RowOfSession, SessionRow
from services.activity_tracking.domain.session_days import DAYS, day_key
from services.activity_tracking.domain.sessions import REFERENCES, reference_key
from shared.edge.row_files import CSV
from shared.edge.row_results import BYTES, MEDIA_TYPES, BulkArguments, Kind, RowProblem
from shared.edge.web import actor, guarded
from shared.language.decision import Work, subject_of
from shared.runtime.many import OneOfMany, Wanted

ROW = RowOfSession()

bulk = Blueprint("sessions", __name__, description="Many sessions at once")


class RowResult(Schema):
    """What one row came to: 201 with the session, or the status and the problem it would have met alone."""

    row = ma.Integer(metadata={"description": "1 for the first row of sessions"})
    line = ma.Integer(
        metadata={"description": "1 for the first line of the file, its header row and blank ones counted"}
    )
    status = ma.Integer()
    reference = ma.String(
        allow_none=True, metadata={"description": "null where it cannot be read or may not be shown"}
    )
    session_id = ma.String(
        allow_none=True,
        metadata={"description": "null in a dry run", "x-absent": "in a row that was refused"},
    )
    problem = ma.Nested(RowProblem, allow_none=True)


class BulkAnswer(Schema):
    """How many rows there are, how many were taken and refused, and a result per row, in their order."""

    dry_run = ma.Boolean(
        metadata={"description": "nothing was logged; each result is what would have come of the row"}
    )
    rows = ma.Integer()
    taken = ma.Integer(
        metadata={"description": "logged by this request or an earlier one that said the same"}
    )
    refused = ma.Integer()
    results = ma.List(ma.Nested(RowResult))


def _one_of_many(one: SessionRow) -> OneOfMany:
    def use_case(work: Work) -> dict[str, Any]:
        return {"session_id": handlers.log_session(work, actor(), one.journey_id, one).entry.session_id}

    key = reference_key(actor().organisation, one.reference or "")
    return OneOfMany(
        use_case,
        subject_of("journey", one.journey_id),
        (
            Wanted(REFERENCES, key, leads=("sessions", "session_id")),
            Wanted(DAYS, day_key(one.journey_id, one.occurred_on)),
        ),
    )


def _taken(one: SessionRow, answer: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"reference": one.reference, "session_id": answer and answer["session_id"]}


def _refused(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The row's reference, where it is one: so none that reads as somebody's number."""
    try:
        return {"reference": str(ROW.fields["reference"].deserialize(fields.get("reference")))}
    except ValidationError:
        return {"reference": None}


FILE: Kind[SessionRow] = Kind(columns=SESSIONS, load=ROW.load, taken=_taken, refused=_refused)
REQUEST_BODY = FILE.request_body(
    RowOfSession, "Minutes may be `180,0`, attendance ja, sen or nej; a date is yyyy-mm-dd."
)


@bulk.route("/sessions", methods=["POST"])
@guarded("log_activity", media_types=MEDIA_TYPES, body_limit=BYTES, somewhere=True, long=True, rows=True)
@bulk.arguments(BulkArguments, location="query")
@bulk.response(200, BulkAnswer)
@bulk.alt_response(200, content_type=CSV, success=True, description=FILE.refused_table)
@bulk.doc(requestBody=REQUEST_BODY)
def log_sessions(wanted: dict[str, Any]) -> Response:
    """Log many sessions, each row for itself; every row has a reference of the organisation's own.

    Send the file again when some rows were mended: those that are logged are answered with their session.
    """
    return FILE.answer(wanted, _one_of_many)
