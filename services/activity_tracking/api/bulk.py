"""Many sessions in one request, as NDJSON or CSV: a result per row, and a bad row never blocks a good one.

Each row is a command of its own, keyed by the organisation and its reference, so that sending a file again,
whole or mended, logs nothing twice.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from services.activity_tracking import handlers
from services.activity_tracking.api.schemas import RowOfSession, SessionRow
from shared.errors import CODES, Busy, Invalid, Refused
from shared.runtime.change import Work
from shared.runtime.commands import KeyedRow
from shared.web import actor, command, command_rows, guarded

ROWS = 1000
BYTES = 1 << 20
NDJSON, CSV = "application/x-ndjson", "text/csv"
COLUMNS = ("journey_id", "reference", "activity", "occurred_on", "attendance", "minutes", "reason")

bulk = Blueprint("sessions", __name__, description="Many sessions at once")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read: its fields, or what is wrong with it."""

    number: int
    fields: dict[str, Any] | None
    refused: Refused | None = None


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
    "description": f"At most {ROWS} rows and {BYTES} bytes, in UTF-8. CSV begins with a header row of "
    f"{', '.join(COLUMNS)}, separated by commas or semicolons.",
    "content": {
        NDJSON: {"schema": {"type": "string", "contentMediaType": NDJSON}},
        CSV: {"schema": {"type": "string", "contentMediaType": CSV}},
    },
}


@bulk.route("/sessions", methods=["POST"])
@guarded("log_activity", media_types=(NDJSON, CSV), body_limit=BYTES)
@bulk.response(200, BulkAnswer)
@bulk.doc(requestBody=REQUEST_BODY)
def log_sessions() -> dict[str, Any]:
    """Log many sessions, each row for itself; every row has a reference of the organisation's own."""
    try:
        text = request.get_data().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("unreadable-body", "The body is not UTF-8.") from None
    rows = list(read_csv(text) if request.mimetype == CSV else read_ndjson(text))
    if not rows:
        raise Invalid({"body": ["There are no rows."]})
    if len(rows) > ROWS:
        raise Refused("body-too-large", f"At most {ROWS} rows.")
    command(lambda work: {"rows": len(rows)})
    return {"results": _logged(rows)}


def _logged(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A result per row; those that can be read are decided in order."""
    read = [_read(row) for row in rows]
    asked = [_keyed(row, one) for row, one in zip(rows, read, strict=True) if isinstance(one, SessionRow)]
    outcomes = iter(command_rows(asked))
    return [
        _result(row, one, next(outcomes) if isinstance(one, SessionRow) else one)
        for row, one in zip(rows, read, strict=True)
    ]


def _read(row: Row) -> SessionRow | Refused:
    if row.refused is not None:
        return row.refused
    try:
        return _load(row.fields or {})
    except Refused as refused:
        return refused


def _keyed(row: Row, one: SessionRow) -> KeyedRow:
    def use_case(work: Work) -> dict[str, Any]:
        return {"session_id": handlers.log_session(work, actor(), one.journey_id, one).session_id}

    return KeyedRow(use_case, f"reference:{one.reference}", json.dumps(row.fields, sort_keys=True).encode())


def _result(row: Row, one: SessionRow | Refused, outcome: dict[str, Any] | Refused | Busy) -> dict[str, Any]:
    result = {"row": row.number, "reference": one.reference if isinstance(one, SessionRow) else None}
    if isinstance(outcome, Refused):
        return {**result, **_problem(outcome.code, outcome.detail, outcome.errors)}
    if isinstance(outcome, Busy):
        return {**result, **_problem("busy", "Nothing is known to be stored; send the row again.", None)}
    return {**result, "status": 201, "session_id": outcome["session_id"]}


def _load(fields: dict[str, Any]) -> SessionRow:
    try:
        row: SessionRow = RowOfSession().load(fields)
        return row
    except ValidationError as error:
        raise Invalid(error.messages_dict) from None


def _problem(code: str, detail: str, errors: Any) -> dict[str, Any]:
    known = CODES[code]
    problem = {"code": code, "title": known.title, "detail": detail, "errors": errors}
    return {"status": known.status, "problem": problem}


def read_ndjson(text: str) -> Iterator[Row]:
    """One row per line that is not blank; a line that is no JSON object is a row that is refused."""
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, None, Refused("unreadable-body", "The row is not valid JSON."))
            continue
        if isinstance(fields, dict):
            yield Row(number, fields)
        else:
            yield Row(number, None, Invalid({"row": ["Must be a JSON object."]}))


def read_csv(text: str) -> Iterator[Row]:
    """One row per line after the header row; empty cells are absent fields, minutes become a number."""
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            yield _csv_row(number, cells)
    except csv.Error:
        yield Row(number + 1, None, Refused("unreadable-body", "From this row on the file is not valid CSV."))


def _csv_row(number: int, cells: dict[str | Any, Any]) -> Row:
    if None in cells:
        return Row(number, None, Invalid({"row": ["Has more cells than the header row."]}))
    fields: dict[str, Any] = {
        name.strip(): cell.strip() for name, cell in cells.items() if cell and cell.strip()
    }
    minutes = fields.get("minutes", "")
    if minutes.isascii() and minutes.isdecimal() and len(minutes) <= 6:
        fields["minutes"] = int(minutes)
    return Row(number, fields)
