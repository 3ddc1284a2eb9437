"""Many sessions in one request, as NDJSON, CSV or a JSON array: a result per row, and no bad row blocks a good one.

Each row is a command of its own, and the organisation's reference names the session of the row. So a file can be sent
again, whole or mended and by anybody, and nothing is logged twice. A row with other content by then is answered with
the session that stands. Rows are read and judged in rounds; each result is written down at once, and nothing else is
kept of its row.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as ma

from services.activity_tracking import handlers
from services.activity_tracking.api.columns import COLUMNS, EXPECTED, TOLD
from services.activity_tracking.api.columns import guarded as as_cell
from services.activity_tracking.api.rows import CSV, ROW_BYTES, ROWS, Row, SessionFile, bare
from services.activity_tracking.api.session_row import RowOfSession, SessionRow
from services.activity_tracking.domain.sessions import DAYS, REFERENCES, day_key, reference_key
from shared.edge.bodies import nameable
from shared.edge.bulk import command_rows
from shared.edge.fields import QuerySchema
from shared.edge.headers import JSON, NDJSON, acceptable
from shared.edge.request_checks import sent
from shared.edge.texts import LONGEST, names_participant
from shared.edge.web import actor, command, guarded
from shared.language.decision import Work, subject_of
from shared.language.errors import CODES, Busy, Invalid, Refused
from shared.runtime.many import OneOfMany, Wanted

BYTES = 4 << 20
MEDIA_TYPES = (NDJSON, CSV, JSON)
ROW = RowOfSession()
TABLE = (*COLUMNS, *TOLD)

bulk = Blueprint("sessions", __name__, description="Many sessions at once")


class BulkArguments(QuerySchema):
    """`dry_run`: judge every row as if it were logged, and log none."""

    dry_run = ma.String(load_default="false", validate=validate.OneOf(["true", "false"]))


class RowProblem(Schema):
    """What is wrong with a row."""

    code = ma.String()
    title = ma.String()
    detail = ma.String()
    errors = ma.Dict(allow_none=True)


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


REQUEST_BODY = {
    "required": True,
    "description": f"At most {ROWS} rows, {BYTES} bytes and {ROW_BYTES} bytes a row. NDJSON is in UTF-8; a row ends at "
    "its line feed. A JSON array holds the same rows in one value. CSV is taken as spreadsheets write it: separated by "
    "semicolons, commas or tabs; in UTF-8, UTF-16 with its mark, in Windows-1252, or in the charset that the content "
    f"type names; with blank lines, empty rows and `sep=;`; but no cell holds a line end. {EXPECTED} Minutes may be "
    "`180,0`, attendance ja, sen or nej; a date is yyyy-mm-dd.",
    "content": {
        NDJSON: {"schema": {"type": "string", "contentMediaType": NDJSON}},
        CSV: {"schema": {"type": "string", "contentMediaType": CSV}},
        JSON: {"schema": {"type": "array", "items": RowOfSession, "minItems": 1, "maxItems": ROWS}},
    },
}
REFUSED_TABLE = (
    f"The rows that were refused, as CSV: {', '.join(TABLE)}. Mended, it can be sent as it is; what would name "
    "somebody is left out of it."
)


@bulk.route("/sessions", methods=["POST"])
@guarded("log_activity", media_types=MEDIA_TYPES, body_limit=BYTES, somewhere=True, long=True, rows=True)
@bulk.arguments(BulkArguments, location="query")
@bulk.response(200, BulkAnswer)
@bulk.alt_response(200, content_type=CSV, success=True, description=REFUSED_TABLE)
@bulk.doc(requestBody=REQUEST_BODY)
def log_sessions(wanted: dict[str, Any]) -> Response:
    """Log many sessions, each row for itself; every row has a reference of the organisation's own.

    Send the file again when some rows were mended: those that are logged are answered with their session.
    """
    kind = acceptable(request.headers.get("Accept"), (JSON, CSV))
    file = SessionFile(sent(), request.mimetype, request.mimetype_params.get("charset"))
    dry = wanted["dry_run"] == "true"
    if not dry:
        command(lambda work: {}, content=file.content)
    results = _results(file, dry=dry)
    if kind == CSV:
        return _table(results, file.delimiter)
    return _answer(results, dry=dry)


@dataclass(frozen=True, slots=True)
class _Result:
    """What a row came to, as it is told."""

    row: int
    line: int
    status: int
    reference: str | None
    session_id: str | None = None
    problem: dict[str, Any] | None = None
    cells: Mapping[str, str] = field(default_factory=dict)


RESULT = tuple(one.name for one in fields(_Result))


def _results(file: SessionFile, *, dry: bool) -> Iterator[_Result]:
    """A result per row, in order: of those that can be read as they are decided, a round at a time."""
    waiting: deque[_Result | tuple[Row, SessionRow]] = deque()

    def commands() -> Iterator[OneOfMany]:
        for row in file:
            one = _read(row)
            if isinstance(one, Refused):
                waiting.append(_refused(row, one))
            else:
                waiting.append((row, one))
                yield _one_of_many(one)

    for outcome in command_rows(commands(), trial=dry):
        while isinstance(settled := waiting.popleft(), _Result):
            yield settled
        row, one = settled
        if isinstance(outcome, Refused | Busy):
            yield _refused(row, outcome)
        else:
            session = None if dry else outcome["session_id"]
            yield _Result(row.number, row.line, 201, one.reference, session)
    while waiting:
        rest = waiting.popleft()
        assert isinstance(rest, _Result), "every command has an outcome"
        yield rest


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
    return Invalid(nameable(messages, "row"))


def _one_of_many(one: SessionRow) -> OneOfMany:
    def use_case(work: Work) -> dict[str, Any]:
        return {"session_id": handlers.log_session(work, actor(), one.journey_id, one).session_id}

    key = reference_key(actor().organisation, one.reference or "")
    return OneOfMany(
        use_case,
        subject_of("journey", one.journey_id),
        (
            Wanted(REFERENCES, key, leads=("sessions", "session_id")),
            Wanted(DAYS, day_key(one.journey_id, one.occurred_on)),
        ),
    )


def _refused(row: Row, refused: Refused | Busy) -> _Result:
    if isinstance(refused, Busy):
        refused = Refused("busy", "Nothing is known to be stored; send the row again.")
    known = CODES[refused.code]
    problem = {
        "code": refused.code,
        "title": known.title,
        "detail": refused.detail,
        "errors": refused.errors,
    }
    cells = {name: text for name in COLUMNS if (text := _cell(row.fields.get(name)))}
    return _Result(row.number, row.line, known.status, _reference(row.fields), problem=problem, cells=cells)


def _reference(fields: dict[str, Any]) -> str | None:
    """The row's reference, where it is one: so none that reads as somebody's number."""
    try:
        return str(ROW.fields["reference"].deserialize(fields.get("reference")))
    except ValidationError:
        return None


def _answer(results: Iterator[_Result], *, dry: bool) -> Response:
    counts, told = {"rows": 0, "taken": 0, "refused": 0}, bytearray()
    for one in results:
        counts["rows"] += 1
        counts["refused" if one.problem else "taken"] += 1
        hidden = ("cells",) if one.problem is None else ("cells", "session_id")
        kept = {name: getattr(one, name) for name in RESULT if name not in hidden}
        told += (b"," if told else b"") + msgspec.json.encode(kept)
    head = msgspec.json.encode({"dry_run": dry, **counts})
    return Response(b"".join((head[:-1], b',"results":[', told, b"]}\n")), content_type=JSON)


def _table(results: Iterator[_Result], delimiter: str) -> Response:
    """The refused rows as a sheet, with the mark that spreadsheets know UTF-8 by."""
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=delimiter)
    table.writerow(TABLE)
    for one in results:
        if one.problem is not None:
            said = [_shown(one.cells.get(name, "")) for name in COLUMNS]
            told = (str(one.line), str(one.row), str(one.status), one.problem["code"], _wrong(one.problem))
            table.writerow(map(as_cell, (*said, *told)))
    headers = {"Content-Disposition": 'attachment; filename="refused-rows.csv"'}
    return Response(
        f"\ufeff{text.getvalue()}".encode(), content_type="text/csv; charset=utf-8", headers=headers
    )


def _cell(said: Any) -> str:
    """What a row may be mended from: short, because it is kept until the rows before are decided."""
    text = str(said) if isinstance(said, str | int | float) else ""
    return text if len(text) <= LONGEST else ""


def _shown(cell: str) -> str:
    """A cell of the row as it came, so that it can be mended where it stands; nothing that may name somebody."""
    return "" if names_participant(cell) else cell


def _wrong(problem: dict[str, Any]) -> str:
    errors: dict[str, Any] = problem["errors"] or {}
    found = [
        f"{name}: {' '.join(map(str, said)) if isinstance(said, list) else said}"
        for name, said in errors.items()
    ]
    return " ".join(found) or str(problem["detail"])
