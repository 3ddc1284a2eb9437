r"""The rows of a file, read one at a time and never more of them than a file may have.

A file is NDJSON, CSV or a JSON array.

A row is a line that is not blank, and a line ends at `\n` and nowhere else: so one bad row costs itself alone. Other
signs that some call line ends (U+2028, U+0085) stay inside their row. What is held is the body and one row.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from shared.edge.bodies import MARK, Doubled, content_of, read_object
from shared.edge.columns import Columns
from shared.edge.headers import JSON
from shared.edge.spreadsheet import Sheet, Unfit
from shared.language.errors import Invalid, Refused

ROWS = 10_000
ROW_BYTES = 4096
CSV = "text/csv"

# Possessive, and only on a body without blanks at its end: no start is tried twice.
_PART = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},"]', re.DOTALL)
"""What the parts of an array can be told by: a whole string, or a sign outside strings."""
_LINE = re.compile(rb"\s*+([^\n]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read: its number among rows, its line in the file, its fields, or what is wrong with it."""

    number: int
    line: int
    fields: dict[str, Any]
    refused: Refused | None = None


class RowFile:
    """A file, whose rows can be gone through again and again; each time they are read anew.

    charset: of CSV, where its sender names one. delimiter: what a table for its sender is written with. is_sheet:
    whether it is CSV. content: what the file says, however it was written. Raises Refused for the file as a whole: too
    many rows, no rows, a header row that names other columns, or one reading fault in every row.
    """

    def __init__(self, body: bytes, media_type: str, charset: str | None = None, *, columns: Columns) -> None:
        self._lines: Callable[[], Iterator[tuple[int, bytes]]]
        self._fields: Callable[[bytes], dict[str, Any] | None]
        reads = functools.partial(_object, columns=columns)
        self.is_sheet = media_type == CSV
        if self.is_sheet:
            sheet = Sheet(body, charset, columns, row_bytes=ROW_BYTES, most=ROWS)
            self._lines, self._fields, self.delimiter = sheet.lines, sheet.fields, sheet.delimiter
        elif media_type == JSON:
            self._lines, self._fields, self.delimiter = lambda: _elements(body, columns), reads, ","
        else:
            trimmed = body.removeprefix(MARK).rstrip()
            self._lines, self._fields, self.delimiter = lambda: _lines(trimmed), reads, ","
        self.content = self._digested()

    def __iter__(self) -> Iterator[Row]:
        numbers = count(1)
        for line, text in self._lines():
            try:
                fields = self._fields(text)
            except Refused as refused:
                found = refused.fields if isinstance(refused, Unfit) else {}
                yield Row(next(numbers), line, found, bare(refused))
            else:
                if fields is not None:
                    yield Row(next(numbers), line, fields)

    def _digested(self) -> bytes:
        digest, rows, common = hashlib.sha256(), 0, _Common()
        for number, (_, text) in enumerate(self._lines()):
            if number == ROWS:
                raise Refused("body-too-large", f"At most {ROWS} rows.")
            wrong = None
            try:
                fields = self._fields(text)
                said = None if fields is None else _said(fields, text)
            except Refused as refused:
                said, wrong = text, bare(refused)
            if said is not None:
                digest.update(b"%d:%b" % (len(said), said))
                rows += 1
                common.add(wrong)
        if not rows:
            raise Invalid({"body": ["There are no rows."]})
        if rows > 1 and common.fault is not None:
            fault = common.fault
            raise Refused(fault.code, f"No row of the file can be read. {fault.detail}", fault.errors)
        return digest.digest()


class _Common:
    """The one fault that all rows have, if they have: it is the file's, and said once."""

    def __init__(self) -> None:
        self.fault: Refused | None = None
        self._begun = False

    def add(self, fault: Refused | None) -> None:
        """Another row has this fault, or none."""
        if not self._begun:
            self._begun, self.fault = True, fault
        elif self.fault is not None and (fault is None or not _alike(self.fault, fault)):
            self.fault = None


def _alike(one: Refused, other: Refused) -> bool:
    return (one.code, one.detail, one.errors) == (other.code, other.detail, other.errors)


def _said(fields: dict[str, Any], text: bytes) -> bytes:
    """What a row says, however it was written; of one that holds more than single values, its bytes."""
    flat = not any(isinstance(one, dict | list) for one in fields.values())
    return content_of(fields) if flat else text


def bare(refused: Refused) -> Refused:
    """The refusal without the frames it came through, which hold what was read."""
    refused.__context__ = refused.__cause__ = None
    return refused.with_traceback(None)


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, without blanks before them, cut off one byte beyond what a row may have."""
    number, last = 1, 0
    for found in _LINE.finditer(body):
        start, end = found.span(1)
        number, last = number + body.count(b"\n", last, start), start
        yield number, body[start : min(end, start + ROW_BYTES + 1)].rstrip(b"\r")


def _elements(body: bytes, columns: Columns) -> Iterator[tuple[int, bytes]]:
    """The elements of a JSON array with the line where each begins, cut off one byte beyond what a row may have.

    Only brackets, commas and strings are looked at; what an element says is read later, one at a time. Raises Refused
    for what is no array, or does not end.
    """
    start = len(body) - len(body.removeprefix(MARK).lstrip())
    if body[start : start + 1] != b"[":
        raise Invalid({"body": [f"Must be a JSON array of {columns.of}."]})
    depth, begins, number, last, any_yet = 0, start + 1, 1, 0, False
    for found in _PART.finditer(body, start):
        sign = found[0]
        if sign in (b"[", b"{"):
            depth += 1
        elif sign == b'"' or (depth == 1 and sign == b"}"):
            break
        elif depth > 1:
            depth -= sign in (b"]", b"}")
        elif sign in (b",", b"]"):
            element = body[begins : found.start()].strip()
            if element:
                at = begins + body[begins : found.start()].index(element[:1])
                number, last, any_yet = number + body.count(b"\n", last, at), at, True
                yield number, element[: ROW_BYTES + 1]
            elif sign == b"," or any_yet:
                break
            if sign == b"]":
                if body[found.end() :].strip():
                    break
                return
            begins = found.end()
    raise Refused("unreadable-body", "It is not a JSON array in UTF-8.")


def _object(line: bytes, columns: Columns) -> dict[str, Any] | None:
    if len(line) > ROW_BYTES:
        raise Refused("body-too-large", f"A row has at most {ROW_BYTES} bytes.")
    try:
        fields = read_object(line)
    except Doubled as doubled:
        raise Unfit(doubled.errors or {}, doubled.once) from None
    if len(fields) > 2 * len(columns.all):
        raise Unfit({"row": [f"Has fields other than {', '.join(columns.all)}."]}, fields)
    return fields
