"""The columns of a file of rows: what each may be called, and what its cells may say in a spreadsheet's own way.

Taken is what can only mean one thing. A date is written yyyy-mm-dd and no other way: 02/03/2017 is two days.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.edge.texts import LONGEST
from shared.language.signs import normal_form

TOLD = ("line", "row", "status", "code", "wrong")
"""Columns of the sheet of refused rows that tell what is wrong; read over where such a sheet comes back, mended."""
MOST_TOLD = 10
"""Faults of one header row that are told."""

DAMAGED = "A spreadsheet has shortened it, or has an error in its place; make the column one of text."

_NAMEABLE = re.compile(r"[a-zåäö_]{1,40}", re.IGNORECASE)
_DAMAGED = re.compile(r"[0-9][.,][0-9]+E\+[0-9]{2,3}|#[A-ZÅÄÖ]+(?:/0)?[!?]|#N/A|#+")
_FORCED = re.compile(r'="([^"]*)"')
_GUARDED = re.compile(r"\A'(?='*[=+\-@])")
_ACTIVE = re.compile(r"[\t\r]|'*[=+\-@]")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of one kind of file.

    of: what its rows are, in the plural. names: {column: what it may be called besides}; capitals, blanks, signs and
    accents make no difference. own: the column of the sender's own name for a row, None where it has none. expected:
    the header row in words. says: {column: what a cell says}; other cells say their text.
    """

    of: str
    names: Mapping[str, Sequence[str]]
    optional: frozenset[str]
    expected: str
    own: str | None = None
    says: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """The columns, in their order."""
        return tuple(self.names)

    @property
    def least(self) -> int:
        """How many cells a row has at the least."""
        return len(self.names) - len(self.optional)

    def __post_init__(self) -> None:
        known = {_folded(one): name for name, more in self.names.items() for one in (name, *more)}
        object.__setattr__(self, "_known", known)

    def column_of(self, cell: str) -> str | None:
        """The column that a cell of the header row names, or None."""
        known: Mapping[str, str] = vars(self)["_known"]
        return known.get(_folded(cell))

    def faults_of(self, header: Sequence[str]) -> list[str]:
        """What is wrong with a header row, without repeating what may identify somebody; nothing where it will do."""
        header = without_told(header)
        named = [self.column_of(cell) for cell in header]
        found = Counter(name for name in named if name is not None)
        if not found:
            return ["None of its cells names a column."]
        faults = list(_strange(header, named))
        faults += [f"{name} is named {times} times." for name, times in found.items() if times > 1]
        lacking = (name for name in self.all if name not in found and name not in self.optional)
        faults += [f"{name} is missing." for name in lacking]
        more = len(faults) - MOST_TOLD
        return faults if more <= 0 else [*faults[:MOST_TOLD], f"And {more} more."]

    def said_in(self, column: str, cell: str) -> Any:
        """What a cell of that column says. Signs that show nothing are no part of it; an own name sees to itself."""
        if column == self.own:
            return cell
        plain = cell if cell.isascii() or len(cell) > LONGEST else normal_form(cell)
        return self.says.get(column, str)(plain)


def _folded(name: str) -> str:
    """The name without what tells nothing: capitals, accents, blanks, signs."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def without_told(header: Sequence[str]) -> list[str]:
    """The header row without the columns of TOLD, where all of them are there: else such a name is the sender's own."""
    told = {_folded(cell) for cell in header}.issuperset(TOLD)
    return ["" if told and _folded(cell) in TOLD else cell for cell in header]


def _strange(header: Sequence[str], named: Sequence[str | None]) -> Iterator[str]:
    for number, (cell, name) in enumerate(zip(header, named, strict=True), start=1):
        if name is None and cell:
            shown = f" ({cell})" if _NAMEABLE.fullmatch(cell) else ""
            yield f"Cell {number}{shown} names no column."


def is_damaged(own: str) -> bool:
    """Whether a spreadsheet wrote something else than it held, by which many rows would be called the same."""
    return _DAMAGED.fullmatch(own) is not None


def text_of(cell: str) -> str:
    """A cell's text: without blanks around it, the form `="…"` that keeps zeros, and the guard of `guarded`."""
    text = cell.strip()
    forced = _FORCED.fullmatch(text)
    return _GUARDED.sub("", forced[1].strip() if forced else text, count=1) if text[:1] in "='" else text


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula; `text_of` gives it back."""
    return f"'{text}" if _ACTIVE.match(text) else text
