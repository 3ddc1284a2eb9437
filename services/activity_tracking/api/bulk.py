"""Many sessions in one request, as NDJSON or CSV: a result per row, and a bad row never blocks a good one.

Each row is a command of its own, and the organisation's reference names the session it led to: so sending a file again,
whole or mended and by whomever, logs nothing twice, and a row that says something else by then is told what stands.
"""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from services.activity_tracking import handlers
from services.activity_tracking.api.rows import COLUMNS, CSV, NDJSON, ROW_BYTES, ROWS, Row, bare, read_rows
from services.activity_tracking.api.schemas import RowOfSession, SessionRow
from services.activity_tracking.domain.sessions import REFERENCES, reference_key
from shared.bulk import command_rows
from shared.errors import CODES, Busy, Invalid, Refused
from shared.runtime.change import Work, subject_of
from shared.runtime.many import OneOfMany, Wanted
from shared.web import actor, command, guarded

BYTES = 1 << 20
ROW = RowOfSession()

bulk = Blueprint("sessions", __name__, description="Many sessions at once")


class RowProblem(Schema):
    """What is wrong with a row."""

    code = ma.String()
    title = ma.String()
    detail = ma.String()
    errors = ma.Dict(allow_none=True)


class RowResult(Schema):
    """What one row came to: 201 with the session, or the status and the problem it would have met alone."""

    row = ma.Integer(metadata={"description": "1 for the first row of sessions"})
    status = ma.Integer()
    reference = ma.String(allow_none=True)
    session_id = ma.String(allow_none=True)
    problem = ma.Nested(RowProblem, allow_none=True)


class BulkAnswer(Schema):
    """A result per row, in the order of the rows."""

    results = ma.List(ma.Nested(RowResult))


REQUEST_BODY = {
    "required": True,
    "description": f"At most {ROWS} rows, {BYTES} bytes and {ROW_BYTES} bytes a row, in UTF-8; a row ends at its line "
    f"feed, in quotes too. CSV begins with a header row of {', '.join(COLUMNS)}, each at most once, separated by "
    "commas or semicolons.",
    "content": {
        NDJSON: {"schema": {"type": "string", "contentMediaType": NDJSON}},
        CSV: {"schema": {"type": "string", "contentMediaType": CSV}},
    },
}


@bulk.route("/sessions", methods=["POST"])
@guarded("log_activity", media_types=(NDJSON, CSV), body_limit=BYTES, somewhere=True, long=True)
@bulk.response(200, BulkAnswer)
@bulk.doc(requestBody=REQUEST_BODY)
def log_sessions() -> dict[str, Any]:
    """Log many sessions, each row for itself; every row has a reference of the organisation's own."""
    rows = [(row.number, _read(row)) for row in read_rows(request.get_data(), request.mimetype)]
    command(lambda work: {"rows": len(rows)}, content=request.get_data())
    return {"results": _logged(rows)}


def _read(row: Row) -> SessionRow | Refused:
    if row.refused is not None:
        return row.refused
    try:
        one: SessionRow = ROW.load(row.fields)
    except ValidationError as error:
        messages = error.messages_dict
    except Refused as refused:
        return bare(refused)
    else:
        return one
    return Invalid(messages)


def _logged(rows: Sequence[tuple[int, SessionRow | Refused]]) -> list[dict[str, Any]]:
    """A result per row; those that can be read are decided in order."""
    decided = list(command_rows(_one_of_many(one) for _, one in rows if isinstance(one, SessionRow)))
    outcomes = iter(decided)
    return [
        _result(number, one, next(outcomes) if isinstance(one, SessionRow) else one) for number, one in rows
    ]


def _one_of_many(one: SessionRow) -> OneOfMany:
    def use_case(work: Work) -> dict[str, Any]:
        return {"session_id": handlers.log_session(work, actor(), one.journey_id, one).session_id}

    key = reference_key(actor().organisation, one.reference or "")
    return OneOfMany(
        use_case,
        subject_of("journey", one.journey_id),
        (Wanted(REFERENCES, key, leads=("sessions", "session_id")),),
    )


def _result(
    number: int, one: SessionRow | Refused, outcome: dict[str, Any] | Refused | Busy
) -> dict[str, Any]:
    result = {"row": number, "reference": one.reference if isinstance(one, SessionRow) else None}
    if isinstance(outcome, Refused):
        return {**result, **_problem(outcome.code, outcome.detail, outcome.errors)}
    if isinstance(outcome, Busy):
        return {**result, **_problem("busy", "Nothing is known to be stored; send the row again.", None)}
    return {**result, "status": 201, "session_id": outcome["session_id"]}


def _problem(code: str, detail: str, errors: Any) -> dict[str, Any]:
    known = CODES[code]
    problem = {"code": code, "title": known.title, "detail": detail, "errors": errors}
    return {"status": known.status, "problem": problem}
