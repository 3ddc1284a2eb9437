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


def grouped(figure: str, breakdown: Breakdown, group: str) -> str:
    """The cell of one figure for one group."""
    return f"{figure}@{breakdown}={group}"


def days_cell(step: str, days: int) -> str:
    """The cell that counts how often a step took so many whole days."""
    return f"days/{step}/{days}"


def output_cell(output: str) -> str:
    """The figure of a programme's output."""
    return f"output/{output}"
