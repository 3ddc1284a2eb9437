"""What one row of a file, or one record, says of a day's register: a mark, and the day that it is of."""

import re
from collections.abc import Mapping, Sequence

from services.activity_tracking.api.columns import NAMES as OF_SESSIONS
from services.activity_tracking.api.fields import day_field
from services.activity_tracking.api.registers import MarkBody
from services.activity_tracking.domain.groups import GROUPS
from services.activity_tracking.domain.held import MARKS, mark_key, stretch_of
from services.activity_tracking.domain.marks import DayMark
from services.activity_tracking.domain.plan import PLANNED, plan_key
from services.activity_tracking.domain.session_days import DAYS, day_key
from shared.edge.columns import Columns
from shared.runtime.many import Wanted

NAMES: Mapping[str, Sequence[str]] = {
    "day": ("dag", "datum", "date"),
    "journey_id": OF_SESSIONS["journey_id"],
    "plan": ("planerad aktivitet",),
    "hour": ("klockslag", "tid", "börjar"),
    "presence": ("närvaro", "attendance"),
    "came_at": ("kom", "kom klockan"),
    "left_at": ("gick", "gick klockan"),
    "reason": OF_SESSIONS["reason"],
    "text": OF_SESSIONS["text"],
    "marked_at": ("markerad", "markerades"),
    "activity": OF_SESSIONS["activity"],
    "ends_at": ("slutar", "slutar klockan"),
    "group": ("grupp",),
}
"""What a column may be called besides its own name; capitals, blanks, signs and accents make no difference."""
OPTIONAL = frozenset(
    {"plan", "activity", "ends_at", "group", "came_at", "left_at", "reason", "text", "marked_at"}
)
EXPECTED = (
    f"Expected are {', '.join(one for one in NAMES if one not in OPTIONAL)} and, where they are needed, "
    f"{', '.join(one for one in NAMES if one in OPTIONAL)}; or in Swedish "
    f"{', '.join(one[0] for one in NAMES.values())}; each once, in any order, in the first row."
)
PRESENCES: Mapping[str, str] = {
    **dict.fromkeys(("present", "här", "ja", "yes", "närvarande"), "present"),
    **dict.fromkeys(("absent", "borta", "nej", "no", "frånvarande"), "absent"),
    **dict.fromkeys(("unmarked", "omarkerad", "inte markerad"), "unmarked"),
}
_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]00)?")


def _presence(cell: str) -> str:
    return PRESENCES.get(cell.casefold(), cell)


def _clock(cell: str) -> str:
    """A time of day: 09:00, and as spreadsheets write it 9:00, 9.00, 09:00:00."""
    found = _CLOCK.fullmatch(cell)
    return cell if found is None else f"{int(found[1]):02}:{found[2]}"


COLUMNS = Columns(
    of="marks",
    names=NAMES,
    optional=OPTIONAL,
    expected=EXPECTED,
    says={
        "journey_id": str.lower,
        "plan": str.lower,
        "activity": str.lower,
        "group": str.lower,
        "reason": str.lower,
        "presence": _presence,
        **dict.fromkeys(("hour", "ends_at", "came_at", "left_at"), _clock),
    },
)


class RowOfMark(MarkBody):
    """One mark and its day. The person, the planned activity, the day and the hour name the stretch that is marked.

    Who came unplanned is marked without `plan`, with `activity` and `ends_at`, or with the `group` that meets then.
    """

    makes = DayMark
    day = day_field(required=True)


def rows_of(mark: DayMark) -> tuple[Wanted, ...]:
    """The rows that a mark asks for, beside its journey's pauses: many marks fetch them at once."""
    planned = (
        (() if mark.group is None else (Wanted(GROUPS, mark.group),))
        if mark.plan is None
        else (Wanted(PLANNED, plan_key(mark.journey_id, mark.plan), leads=(GROUPS, "group")),)
    )
    return (
        *planned,
        Wanted(
            MARKS,
            mark_key(mark.journey_id, stretch_of(mark.plan, mark.activity, mark.group), mark.day, mark.hour),
            leads=("sessions", "session_id"),
        ),
        Wanted(DAYS, day_key(mark.journey_id, mark.day)),
    )
