r"""The rows of a file of sessions, NDJSON or CSV, read one at a time and never more of them than a file may have.

A row is a line that is not blank, and a line ends at `\n` and nowhere else: so one bad row costs itself alone. Other
signs that some call line ends (U+2028, U+0085) stay inside their row. A quoted CSV field may hold the delimiter and
doubled quotes, but no line end, which no column of a session can use.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.bodies import read_object
from shared.errors import Invalid, Refused

ROWS = 1000
ROW_BYTES = 4096
NDJSON, CSV = "application/x-ndjson", "text/csv"
COLUMNS = ("journey_id", "reference", "activity", "occurred_on", "attendance", "minutes", "reason")

_MARK = b"\xef\xbb\xbf"
# Possessive, and only on a body without blanks at its end: no start is tried twice.
_LINE = re.compile(rb"\s*+([^\n]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read: its fields, or what is wrong with it."""

    number: int
    fields: dict[str, Any]
    refused: Refused | None = None


def read_rows(body: bytes, media_type: str) -> Iterator[Row]:
    """The rows of a file. Raises Refused for the file as a whole before the first row is read: too many rows, or none,
    or a header row that names anything but COLUMNS.
    """
    lines = _lines(body.removeprefix(_MARK).rstrip())
    if media_type == CSV:
        delimiter, header = _header(next(lines, b""))
        return _csv_rows(_counted(lines), delimiter, header)
    return _ndjson_rows(_counted(lines))


def _lines(body: bytes) -> Iterator[bytes]:
    """The lines that are not blank, each without blanks before it, cut off one byte beyond what a row may have."""
    for found in _LINE.finditer(body):
        start, end = found.span(1)
        yield body[start : min(end, start + ROW_BYTES + 1)].rstrip(b"\r")


def _counted(lines: Iterator[bytes]) -> Sequence[bytes]:
    rows: list[bytes] = []
    for line in lines:
        if len(rows) == ROWS:
            raise Refused("body-too-large", f"At most {ROWS} rows.")
        rows.append(line)
    if not rows:
        raise Invalid({"body": ["There are no rows."]})
    return rows


def bare(refused: Refused) -> Refused:
    """The refusal without the frames it came through, which hold what was read."""
    refused.__context__ = refused.__cause__ = None
    return refused.with_traceback(None)


def _text(line: bytes) -> str:
    if len(line) > ROW_BYTES:
        raise Refused("body-too-large", f"A row has at most {ROW_BYTES} bytes.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("unreadable-body", "The row is not UTF-8.") from None


# --- NDJSON ----------------------------------------------------------------------------------------------


def _ndjson_rows(lines: Sequence[bytes]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        try:
            yield Row(number, _object(line))
        except Refused as refused:
            yield Row(number, {}, bare(refused))


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > ROW_BYTES:
        raise Refused("body-too-large", f"A row has at most {ROW_BYTES} bytes.")
    fields = read_object(line)
    if len(fields) > 2 * len(COLUMNS):
        raise Invalid({"row": [f"Has fields other than {', '.join(COLUMNS)}."]})
    return fields


# --- CSV -------------------------------------------------------------------------------------------------


def _header(line: bytes) -> tuple[str, list[str]]:
    """The delimiter and the columns that a header row names. Raises Refused for the whole file."""
    delimiter = ";" if line.count(b";") > line.count(b",") else ","
    try:
        names = [name.strip() for name in _cells(line, delimiter)]
    except Refused:
        names = []
    if not names or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
        raise Invalid({"body": [f"The header row must name columns of {', '.join(COLUMNS)}, each once."]})
    return delimiter, names


def _csv_rows(lines: Sequence[bytes], delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        try:
            yield Row(number, _fields(_cells(line, delimiter), header))
        except Refused as refused:
            yield Row(number, {}, bare(refused))


def _cells(line: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([_text(line)], delimiter=delimiter, strict=True), [])
    except csv.Error:
        reason = "The row is not valid CSV: a quote is stray, or open at the end of its line."
        raise Refused("unreadable-body", reason) from None


def _fields(cells: Sequence[str], header: Sequence[str]) -> dict[str, Any]:
    """Empty cells, and those that are not there, are absent fields; minutes become a number."""
    if len(cells) > len(header):
        raise Invalid({"row": ["Has more cells than the header row."]})
    fields: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()
    }
    minutes = fields.get("minutes", "")
    if minutes.isascii() and minutes.isdecimal() and len(minutes) <= 6:
        fields["minutes"] = int(minutes)
    return fields
