r"""A CSV file as spreadsheets write it: its signs, its delimiter, its header row, and the lines that are rows.

Marks and charsets are used only where they have one meaning. Without either, bytes that are no UTF-8 are
Windows-1252. The exception are bytes between 0x80 and 0x9f, where other charsets have their letters. A line ends at
`\n`, or without any at `\r`; a quoted cell may hold the delimiter and doubled quotes, but no line end. Lines and rows
that hold nothing but blanks, quotes and delimiters are no rows.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from shared.edge.columns import DAMAGED, Columns, is_damaged, text_of, without_told
from shared.language.errors import FieldErrors, Invalid, Refused

DELIMITERS = ";,\t"
CHARSETS = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("us-ascii", "ascii"), "ascii"),
    **dict.fromkeys(("windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-1", "latin1"), "iso-8859-1"),
    "iso-8859-15": "iso-8859-15",
    "macintosh": "mac_roman",
    "utf-16": "utf-16-be",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
}
"""{what a charset parameter may say: Python's name of it}."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_AMBIGUOUS = re.compile(rb"[\x80-\x9f]")
# 0xa0 is a no-break space, alone or behind 0xc2 as UTF-8 writes it; elsewhere 0xc2 is a letter.
_BLANKS, _UTF_8_BLANKS = b' \t\r\v\f,;"\xa0', b' \t\r\v\f,;"\xa0\xc2'
# Blank lines, back to the end of the last one; then a line, at the file's end an empty one: no start is tried twice.
_LINES = {one: re.compile(rb"(?:[%b\n]*\n)?([^\n]*)" % one) for one in (_BLANKS, _UTF_8_BLANKS)}
_SEPARATOR = re.compile(r'"?sep=(\\t|.?)"?[;,\t ]*', re.IGNORECASE)
_SEPARATED = {**{sign: sign for sign in ";,\t|"}, "\\t": "\t"}
"""{what a line `sep=` may say: the delimiter}."""


class Sheet:
    """One CSV file. Raises Refused for the file as a whole where it cannot be read as one with these columns.

    row_bytes: how long a row may be; most: how many lines are looked at for what the file is written in.
    """

    def __init__(
        self, body: bytes, charset: str | None, columns: Columns, *, row_bytes: int, most: int
    ) -> None:
        self._row_bytes = row_bytes
        self._of = columns
        self._body, self._charset = _unmarked(body, charset)
        if b"\n" not in self._body:
            self._body = self._body.replace(b"\r", b"\n")
        lines = self._lines()
        if not self._charset:
            self._charset = _guessed(islice(self._lines(), most))
        self.delimiter, self._header, self._header_line = self._head(lines)
        self._columns = [columns.column_of(cell) for cell in self._header]
        shown = without_told(self._header)
        self._told = [cell != kept for cell, kept in zip(self._header, shown, strict=True)]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines below the header row, with their number in the file."""
        return ((number, line) for number, line in self._lines() if number > self._header_line)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        number, last = 1, 0
        blanks = _UTF_8_BLANKS if self._charset == "utf-8" else _BLANKS
        for found in _LINES[blanks].finditer(self._body):
            start, end = found.span(1)
            number, last = number + self._body.count(b"\n", last, start), start
            line = self._body[start : min(end, start + self._row_bytes + 1)].rstrip(b"\r")
            if len(line) > self._row_bytes or line.strip(blanks):
                yield number, line

    def _head(self, lines: Iterator[tuple[int, bytes]]) -> tuple[str, list[str], int]:
        expected = self._of.expected
        try:
            number, line = next(lines)
            text = self._text(line)
            told = _SEPARATOR.fullmatch(text)
            if told is not None:
                number, line = next(lines)
                text = self._text(line)
        except StopIteration:
            raise Invalid({"body": ["There are no rows."]}) from None
        except Refused as refused:
            raise Invalid({"header": [refused.detail, expected]}) from None
        if "\0" in text:
            hint = "It is written in UTF-16 without a mark: save it as CSV in UTF-8."
            raise Invalid({"header": [hint, expected]})
        if told is not None and told[1] not in _SEPARATED:
            raise Invalid({"header": ["The line sep= takes one of ; , | or a tab.", expected]})
        delimiter, header = _likeliest(text, _SEPARATED[told[1]] if told else DELIMITERS, self._of)
        faults = self._of.faults_of(header)
        if faults and told and not self._of.faults_of(_likeliest(text, DELIMITERS, self._of)[1]):
            faults = ["It is separated by another sign than the line sep= names."]
        if faults and text.count('"') % 2:
            faults.insert(0, "A quote is open at its end; no cell holds a line end.")
        if faults:
            raise Invalid(
                {"header": [*faults, expected]}, f"The file's header row is not one of {self._of.of}."
            )
        return delimiter, header, number

    def fields(self, line: bytes) -> dict[str, Any] | None:
        """What a row says, by column; cells that are empty, or not there, say nothing. None where all are.

        Raises Refused; Unfit for a value under no column's name, and for an own name that is none any more.
        """
        text = self._text(line)
        said = [text_of(cell) for cell in _cells(text, self.delimiter)]
        if sum(map(bool, said)) == 1 and self._separated_otherwise(text):
            raise Invalid({"row": ["Is separated by another sign than the header row."]})
        fields = {
            column: self._of.said_in(column, cell)
            for column, cell in zip(self._columns, said, strict=False)
            if column is not None and cell
        }
        own = self._of.own
        if own is not None and is_damaged(str(fields.get(own, ""))):
            raise Unfit({own: [DAMAGED]}, fields)
        if any(said[len(self._columns) :]):
            raise Unfit({"row": ["Has more cells than the header row."]}, fields)
        named = zip(self._columns, self._told, said, strict=False)
        if any(cell for column, told, cell in named if column is None and not told):
            raise Unfit({"row": ["Has a cell under no column's name."]}, fields)
        return fields or None

    def _separated_otherwise(self, text: str) -> bool:
        """Whether what is one cell here would be a whole row by another sign."""
        return any(
            len(text.split(one)) >= self._of.least for one in _SEPARATED.values() if one != self.delimiter
        )

    def _text(self, line: bytes) -> str:
        if len(line) > self._row_bytes:
            raise Refused("body-too-large", f"A row has at most {self._row_bytes} bytes.")
        if self._charset == GUESSED and _AMBIGUOUS.search(line):
            raise Refused(
                "unreadable-body", "The row is neither UTF-8 nor Windows-1252; name the file's charset."
            )
        try:
            return line.decode("cp1252" if self._charset == GUESSED else self._charset)
        except UnicodeDecodeError:
            raise Refused("unreadable-body", f"The row is not {SHOWN[self._charset]}.") from None


GUESSED = "windows-1252, guessed"
SHOWN = {python: name for name, python in reversed(CHARSETS.items())}
"""{Python's name of a charset: what it is called outside}."""


class Unfit(Invalid):
    """A row whose cells do not fit, whatever they say. fields: what they say."""

    def __init__(self, errors: FieldErrors, fields: Mapping[str, Any]) -> None:
        super().__init__(errors)
        self.fields = dict(fields)


def _unmarked(body: bytes, charset: str | None) -> tuple[bytes, str]:
    """The file without a mark, in a charset that writes ASCII as ASCII; and that charset, empty where nothing tells."""
    if body.startswith(_WORKBOOKS):
        raise Invalid({"body": ["It is a workbook; save the sheet as CSV (UTF-8) and send that."]})
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _as_utf8(body[len(mark) :], name)
    if charset is None:
        return body, ""
    known = CHARSETS.get(charset.lower())
    if known is None:
        raise Refused("unsupported-media-type", f"Charsets are {', '.join(SHOWN.values())}.")
    return _as_utf8(body, known)


def _as_utf8(body: bytes, charset: str) -> tuple[bytes, str]:
    if not charset.startswith("utf-16"):
        return body, charset
    try:
        return body.decode(charset).removeprefix("\ufeff").encode(), "utf-8"
    except UnicodeDecodeError:
        raise Refused("unreadable-body", "The file is not UTF-16 throughout.") from None


def _guessed(lines: Iterator[tuple[int, bytes]]) -> str:
    """UTF-8 where any line shows it, or none shows anything; else Windows-1252."""
    broken = False
    for _, line in lines:
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                broken = True
            else:
                return "utf-8"
    return GUESSED if broken else "utf-8"


def _likeliest(text: str, delimiters: str, columns: Columns) -> tuple[str, list[str]]:
    """The delimiter by which most cells of the header row name a column, and the cells."""
    return max(
        ((one, _header(text, one)) for one in delimiters),
        key=lambda pair: sum(columns.column_of(cell) is not None for cell in pair[1]),
    )


def _header(text: str, delimiter: str) -> list[str]:
    """The cells of a header row, without the empty ones at its end; none where it is no CSV."""
    try:
        cells = [text_of(cell) for cell in _cells(text, delimiter)]
    except Refused:
        return []
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _cells(text: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        reason = "The row is not valid CSV: a quote is stray, or open at the end of its line."
        raise Refused("unreadable-body", reason) from None
