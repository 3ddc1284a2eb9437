"""The columns of a file of sessions, and what its cells may say in a spreadsheet's own way."""

import re
from collections.abc import Mapping, Sequence

from shared.edge.columns import Columns

COLUMNS = ("journey_id", "reference", "activity", "occurred_on", "attendance", "minutes", "reason", "text")
OPTIONAL = frozenset({"reason", "text"})
NAMES: Mapping[str, Sequence[str]] = {
    "journey_id": ("väg", "deltagarväg", "väg till arbete", "väg-id", "journey"),
    "reference": ("referens", "egen referens"),
    "activity": ("aktivitet",),
    "occurred_on": ("datum", "dag", "date", "day"),
    "attendance": ("närvaro",),
    "minutes": ("minuter", "antal minuter", "min"),
    "reason": ("orsak", "frånvaroorsak", "orsak till frånvaro"),
    "text": ("egna ord", "orsak med egna ord", "kommentar till orsak"),
}
"""What a column may be called besides its own name; capitals, blanks, signs and accents make no difference."""
EXPECTED = (
    f"Expected are {', '.join(one for one in COLUMNS if one not in OPTIONAL)} and, where somebody was absent, reason "
    f"and text; or in Swedish {', '.join(NAMES[one][0] for one in COLUMNS)}; each once, in any order, in the first row."
)
ATTENDANCES: Mapping[str, str] = {
    **dict.fromkeys(("yes", "ja", "närvarande"), "yes"),
    **dict.fromkeys(("late", "sen", "försenad"), "late"),
    **dict.fromkeys(("no", "nej", "frånvarande"), "no"),
}
_MINUTES = re.compile(r"([0-9]{1,6})(?:[.,]0{1,2})?")
_THOUSANDS = re.compile(r"([0-9])[ \u00a0\u202f]([0-9]{3})(?:[.,]0{1,2})?")


def _attendance(cell: str) -> str:
    return ATTENDANCES.get(cell.casefold(), cell)


def _minutes(cell: str) -> str | int:
    """Whole minutes: 180, `180,0`, `180.00`, `1 000`. Not `1,000`, which is one or a thousand."""
    whole = _MINUTES.fullmatch(cell)
    if whole is not None:
        return int(whole[1])
    thousands = _THOUSANDS.fullmatch(cell)
    return cell if thousands is None else int(thousands[1] + thousands[2])


SESSIONS = Columns(
    of="sessions",
    names={one: NAMES[one] for one in COLUMNS},
    optional=OPTIONAL,
    own="reference",
    expected=EXPECTED,
    says={
        "journey_id": str.lower,
        "activity": str.lower,
        "reason": str.lower,
        "attendance": _attendance,
        "minutes": _minutes,
    },
)
