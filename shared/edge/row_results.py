"""What came of the rows of a file: a result per row, in order, as JSON or as the sheet of the refused ones.

Each row is a command of its own, so no bad row blocks a good one. Rows are read and judged in rounds; each result is
written down at once, and nothing else is kept of its row.
"""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from flask import Response, request
from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as ma

from shared.edge.bodies import nameable
from shared.edge.bulk import command_rows
from shared.edge.columns import TOLD, Columns
from shared.edge.columns import guarded as as_cell
from shared.edge.fields import QuerySchema
from shared.edge.headers import JSON, NDJSON, acceptable
from shared.edge.request_checks import sent
from shared.edge.row_files import CSV, ROW_BYTES, ROWS, Row, RowFile, bare
from shared.edge.texts import LONGEST, names_participant
from shared.edge.web import command
from shared.language.errors import CODES, Busy, Invalid, Refused
from shared.runtime.many import OneOfMany

BYTES = 4 << 20
MEDIA_TYPES = (NDJSON, CSV, JSON)
T = TypeVar("T")


class BulkArguments(QuerySchema):
    """`dry_run`: judge every row as if it were kept, and keep none."""

    dry_run = ma.String(load_default="false", validate=validate.OneOf(["true", "false"]))


class RowProblem(Schema):
    """What is wrong with a row."""

    code = ma.String()
    title = ma.String()
    detail = ma.String()
    errors = ma.Dict(allow_none=True)


def row_problem(refused: Refused) -> tuple[int, dict[str, Any]]:
    """The status of a row that is refused, and what is wrong with it."""
    known = CODES[refused.code]
    return known.status, {
        "code": refused.code,
        "title": known.title,
        "detail": refused.detail,
        "errors": refused.errors,
    }


@dataclass(frozen=True, kw_only=True)
class Cells(Generic[T]):
    """How a sheet says what a row of JSON says in another shape.

    load: a row's cells, by column, as what they say; raises ValidationError, Refused. of: the cells of a row of JSON,
    for the sheet of the refused.
    """

    load: Callable[[dict[str, Any]], T]
    of: Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """What a route makes of the rows of its files.

    load: a row's fields as what they say; raises ValidationError, Refused. cells: where rows of CSV are of another
    shape than those of JSON. taken: what its result tells beside the
    status; given what its command answered, None in a dry run. refused: what the result of a refused row tells, by
    its fields. status: of a row that was taken.
    """

    columns: Columns
    load: Callable[[dict[str, Any]], T]
    taken: Callable[[T, Mapping[str, Any] | None], Mapping[str, Any]]
    refused: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    cells: Cells[T] | None = None
    status: int = 201

    def rows_in(self, body: bytes, media_type: str, charset: str | None = None) -> RowFile:
        """The rows of a file. charset: of CSV, where its sender names one. Raises Refused for the file as a whole."""
        return RowFile(body, media_type, charset, columns=self.columns)

    def answer(self, wanted: Mapping[str, Any], command_of: Callable[[T], OneOfMany]) -> Response:
        """Do what the rows of this request's file say, and answer. Raises Refused, Busy.

        wanted: `BulkArguments`. command_of: what is done with a row.
        """
        kind = acceptable(request.headers.get("Accept"), (JSON, CSV))
        file = self.rows_in(sent(), request.mimetype, request.mimetype_params.get("charset"))
        dry = wanted["dry_run"] == "true"
        if not dry:
            command(lambda work: {}, content=file.content)
        results = self._results(file, command_of, dry=dry)
        return self._table(results, file.delimiter) if kind == CSV else _answer(results, dry=dry)

    def _results(
        self, file: RowFile, command_of: Callable[[T], OneOfMany], *, dry: bool
    ) -> Iterator["_Result"]:
        """A result per row, in order: of those that can be read as they are decided, a round at a time."""
        waiting: deque[_Result | tuple[Row, T]] = deque()
        load = self.cells.load if self.cells and file.is_sheet else self.load
        shown = self.cells.of if self.cells and not file.is_sheet else _as_they_are

        def commands() -> Iterator[OneOfMany]:
            for row in file:
                one = _read(row, load)
                if isinstance(one, Refused):
                    waiting.append(self._refused(row, one, shown))
                else:
                    waiting.append((row, one))
                    yield command_of(one)

        for outcome in command_rows(commands(), trial=dry):
            while isinstance(settled := waiting.popleft(), _Result):
                yield settled
            row, one = settled
            if isinstance(outcome, Refused | Busy):
                yield self._refused(row, outcome, shown)
            else:
                said = self.taken(one, None if dry else outcome)
                yield _Result(row.number, row.line, self.status, said)
        while waiting:
            rest = waiting.popleft()
            assert isinstance(rest, _Result), "every command has an outcome"
            yield rest

    def _refused(
        self, row: Row, refused: Refused | Busy, shown: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> "_Result":
        if isinstance(refused, Busy):
            refused = Refused("busy", "Nothing is known to be stored; send the row again.")
        status, problem = row_problem(refused)
        fields = shown(row.fields)
        cells = {name: text for name in self.columns.all if (text := _cell(fields.get(name)))}
        said = self.refused(row.fields)
        return _Result(row.number, row.line, status, said, problem=problem, cells=cells)

    def _table(self, results: Iterator["_Result"], delimiter: str) -> Response:
        """The refused rows as a sheet, with the mark that spreadsheets know UTF-8 by."""
        text = io.StringIO(newline="")
        table = csv.writer(text, delimiter=delimiter)
        table.writerow((*self.columns.all, *TOLD))
        for one in results:
            if one.problem is not None:
                said = [_shown(one.cells.get(name, "")) for name in self.columns.all]
                told = (
                    str(one.line),
                    str(one.row),
                    str(one.status),
                    one.problem["code"],
                    _wrong(one.problem),
                )
                table.writerow(map(as_cell, (*said, *told)))
        headers = {"Content-Disposition": 'attachment; filename="refused-rows.csv"'}
        return Response(
            f"\ufeff{text.getvalue()}".encode(), content_type="text/csv; charset=utf-8", headers=headers
        )

    def request_body(self, item: type[Schema] | Schema, more: str) -> dict[str, Any]:
        """How the document describes the body. item: the schema of a row. more: what cells may say."""
        return {
            "required": True,
            "description": f"At most {ROWS} rows, {BYTES} bytes and {ROW_BYTES} bytes a row. NDJSON is in UTF-8; a row "
            "ends at its line feed. A JSON array holds the same rows in one value. CSV is taken as spreadsheets write "
            "it: separated by semicolons, commas or tabs; in UTF-8, UTF-16 with its mark, in Windows-1252, or in the "
            "charset that the content type names; with blank lines, empty rows and `sep=;`; but no cell holds a line "
            f"end. {self.columns.expected} {more}",
            "content": {
                NDJSON: {"schema": {"type": "string", "contentMediaType": NDJSON}},
                CSV: {"schema": {"type": "string", "contentMediaType": CSV}},
                JSON: {"schema": {"type": "array", "items": item, "minItems": 1, "maxItems": ROWS}},
            },
        }

    @property
    def refused_table(self) -> str:
        """How the document describes the sheet of the refused rows."""
        return (
            f"The rows that were refused, as CSV: {', '.join((*self.columns.all, *TOLD))}. Mended, it can be sent as "
            "it is; what would name somebody is left out of it."
        )


@dataclass(frozen=True, slots=True)
class _Result:
    """What a row came to, as it is told. said: what is told beside it."""

    row: int
    line: int
    status: int
    said: Mapping[str, Any]
    problem: dict[str, Any] | None = None
    cells: Mapping[str, str] = field(default_factory=dict)


def _as_they_are(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields


def _read(row: Row, load: Callable[[dict[str, Any]], T]) -> T | Refused:
    if row.refused is not None:
        return row.refused
    try:
        one = load(row.fields)
    except ValidationError as error:
        messages = error.messages_dict
    except Refused as refused:
        return bare(refused)
    else:
        return one
    return Invalid(nameable(messages, "row"))


def _answer(results: Iterator[_Result], *, dry: bool) -> Response:
    counts, told = {"rows": 0, "taken": 0, "refused": 0}, bytearray()
    for one in results:
        counts["rows"] += 1
        counts["refused" if one.problem else "taken"] += 1
        place = {"row": one.row, "line": one.line, "status": one.status}
        told += (b"," if told else b"") + msgspec.json.encode({**place, **one.said, "problem": one.problem})
    head = msgspec.json.encode({"dry_run": dry, **counts})
    return Response(b"".join((head[:-1], b',"results":[', told, b"]}\n")), content_type=JSON)


def _cell(said: Any) -> str:
    """What a row may be mended from: short, because it is kept until the rows before are decided."""
    if isinstance(said, list):
        said = " ".join(one for one in said if isinstance(one, str))
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
