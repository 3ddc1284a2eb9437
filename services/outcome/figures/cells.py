"""How a cell's name is made of a figure's code and a group; the codes stand in `declared_*`.

A cell is a figure, and where it is broken down a group: `started`, `started@gender=woman`,
`started@municipality=2482`, `days/answer/12`. One programme's cells are summed over all its versions.
"""

from services.outcome.figures.figure import Breakdown

DAYS = "day_cells"
"""Documents {programme, day, provider, municipality, shard, n: {code: amount}}: what counts on one day.

A period is the sum over its days, so no document is for a period, and none is read again when a day has passed.
"""

GENDERS: tuple[str, ...] = ("woman", "man", "non_binary", "not_known")
PLACES: tuple[str, ...] = (
    "received",
    "accepted",
    "started",
    "ready",
    "exited",
    "closed",
    "declined",
    "withdrawn",
)
"""Where a journey can be now: its stage, mistakes left out."""
WAYS: tuple[str, ...] = ("by_plan", "interrupted", "moved", "deceased")
EMPLOYED_AT_EXIT = "employed_at_exit_employed"


def grouped(figure: str, breakdown: Breakdown, group: str) -> str:
    """The cell of one figure for one group."""
    return f"{figure}@{breakdown}={group}"


def employed_at(follow_up: str) -> str:
    """The figure of those employed at a follow-up."""
    return f"employed_{follow_up}"


def follow_up_cell(follow_up: str, part: str) -> str:
    """The cell of one follow-up's `due`, `answered` or `missed`."""
    return f"follow_up/{follow_up}/{part}"


def days_cell(step: str, days: int) -> str:
    """The cell that counts how often a step took so many whole days."""
    return f"days/{step}/{days}"


def output_cell(output: str) -> str:
    """The figure of a programme's output."""
    return f"output/{output}"
