"""The columns of a file of sessions: what each may be called, and what its cells may say in a spreadsheet's own way.

Taken is what can only mean one thing. A date is written yyyy-mm-dd and no other way: 02/03/2017 is two days.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from shared.edge.texts import LONGEST
from shared.language.signs import normal_form

COLUMNS = ("journey_id", "reference", "activity", "occurred_on", "attendance", "minutes", "reason")
OPTIONAL = frozenset({"reason"})
LEAST = len(COLUMNS) - len(OPTIONAL)
"""Cells of a row that says a session."""
NAMES: Mapping[str, Sequence[str]] = {
    "journey_id": ("väg", "deltagarväg", "väg till arbete", "väg-id", "journey"),
    "reference": ("referens", "egen referens"),
    "activity": ("aktivitet",),
    "occurred_on": ("datum", "dag", "date", "day"),
    "attendance": ("närvaro",),
    "minutes": ("minuter", "antal minuter", "min"),
    "reason": ("orsak", "frånvaroorsak", "orsak till frånvaro"),
}
"""What a column may be called besides its own name; capitals, blanks, signs and accents make no difference."""
EXPECTED = (
    f"Expected are {', '.join(one for one in COLUMNS if one not in OPTIONAL)} and, where somebody was absent, reason; "
    f"or in Swedish {', '.join(NAMES[one][0] for one in COLUMNS)}; each once, in any order, in the first row."
)
TOLD = ("line", "row", "status", "code", "wrong")
"""Columns of the sheet of refused rows that tell what is wrong; read over where such a sheet comes back, mended."""
ATTENDANCES: Mapping[str, str] = {
    **dict.fromkeys(("yes", "ja", "närvarande"), "yes"),
    **dict.fromkeys(("late", "sen", "försenad"), "late"),
    **dict.fromkeys(("no", "nej", "frånvarande"), "no"),
}
MOST_TOLD = 10
"""Faults of one header row that are told."""

DAMAGED = "A spreadsheet has shortened it, or has an error in its place; make the column one of text."

_NAMEABLE = re.compile(r"[a-zåäö_]{1,40}", re.IGNORECASE)
_MINUTES = re.compile(r"([0-9]{1,6})(?:[.,]0{1,2})?")
_THOUSANDS = re.compile(r"([0-9])[ \u00a0\u202f]([0-9]{3})(?:[.,]0{1,2})?")
_DAMAGED = re.compile(r"[0-9][.,][0-9]+E\+[0-9]{2,3}|#[A-ZÅÄÖ]+(?:/0)?[!?]|#N/A|#+")
_FORCED = re.compile(r'="([^"]*)"')
_GUARDED = re.compile(r"\A'(?='*[=+\-@])")
_ACTIVE = re.compile(r"[\t\r]|'*[=+\-@]")


def _folded(name: str) -> str:
    """The name without what tells nothing: capitals, accents, blanks, signs."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


_KNOWN = {_folded(one): name for name in COLUMNS for one in (name, *NAMES[name])}


def column_of(cell: str) -> str | None:
    """The column that a cell of the header row names, or None."""
    return _KNOWN.get(_folded(cell))


def faults_of(header: Sequence[str]) -> list[str]:
    """What is wrong with a header row, without repeating what may identify somebody; nothing where it will do."""
    header = without_told(header)
    named = [column_of(cell) for cell in header]
    found = Counter(name for name in named if name is not None)
    if not found:
        return ["None of its cells names a column."]
    faults = list(_strange(header, named))
    faults += [f"{name} is named {times} times." for name, times in found.items() if times > 1]
    faults += [f"{name} is missing." for name in COLUMNS if name not in found and name not in OPTIONAL]
    more = len(faults) - MOST_TOLD
    return faults if more <= 0 else [*faults[:MOST_TOLD], f"And {more} more."]


def without_told(header: Sequence[str]) -> list[str]:
    """The header row without the columns of TOLD, where all of them are there: else such a name is the sender's own."""
    told = {_folded(cell) for cell in header}.issuperset(TOLD)
    return ["" if told and _folded(cell) in TOLD else cell for cell in header]


def _strange(header: Sequence[str], named: Sequence[str | None]) -> Iterator[str]:
    for number, (cell, name) in enumerate(zip(header, named, strict=True), start=1):
        if name is None and cell:
            shown = f" ({cell})" if _NAMEABLE.fullmatch(cell) else ""
            yield f"Cell {number}{shown} names no column."


def said_in(column: str, cell: str) -> str | int:
    """What a cell of that column says. Signs that show nothing are no part of it; a reference sees to its own."""
    if column == "reference":
        return cell
    plain = cell if cell.isascii() or len(cell) > LONGEST else normal_form(cell)
    return _SAID.get(column, str)(plain)


def is_damaged(reference: str) -> bool:
    """Whether a spreadsheet wrote something else than it held, by which many rows would be called the same."""
    return _DAMAGED.fullmatch(reference) is not None


def _attendance(cell: str) -> str:
    return ATTENDANCES.get(cell.casefold(), cell)


def _minutes(cell: str) -> str | int:
    """Whole minutes: 180, `180,0`, `180.00`, `1 000`. Not `1,000`, which is one or a thousand."""
    whole = _MINUTES.fullmatch(cell)
    if whole is not None:
        return int(whole[1])
    thousands = _THOUSANDS.fullmatch(cell)
    return cell if thousands is None else int(thousands[1] + thousands[2])


_SAID: Mapping[str, Callable[[str], str | int]] = {
    "journey_id": str.lower,
    "activity": str.lower,
    "reason": str.lower,
    "attendance": _attendance,
    "minutes": _minutes,
}


def text_of(cell: str) -> str:
    """A cell's text: without blanks around it, the form `="…"` that keeps zeros, and the guard of `guarded`."""
    text = cell.strip()
    forced = _FORCED.fullmatch(text)
    return _GUARDED.sub("", forced[1].strip() if forced else text, count=1) if text[:1] in "='" else text


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula; `text_of` gives it back."""
    return f"'{text}" if _ACTIVE.match(text) else text
