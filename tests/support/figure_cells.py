"""The cells that tests expect, named by hand, and all cells that one subject counts in."""

from collections import Counter

from services.outcome.figures.contributions import add_sessions, of_facts, of_output, of_register
from services.outcome.figures.state import Figures, OutputFigures, RegisterFigures

PLACES = ("received", "accepted", "started", "ready", "exited", "closed", "declined", "withdrawn")
"""Where a journey can be now: its stage, mistakes left out."""
WAYS_OUT = ("by_plan", "interrupted", "moved", "deceased")
EMPLOYED_AT_EXIT = "employed_at_exit_employed"


def employed_at(follow_up: str) -> str:
    """The figure of those employed at a follow-up."""
    return f"employed_{follow_up}"


def follow_up_cell(follow_up: str, part: str) -> str:
    """The cell of one follow-up's `due`, `answered` or `missed`."""
    return f"follow_up/{follow_up}/{part}"


def contributions(state: Figures) -> Counter[str]:
    """The cells that the subject counts in now, with amounts, as if it were counted for the first time."""
    if isinstance(state, OutputFigures):
        return +Counter(of_output(None, state).cells)
    if isinstance(state, RegisterFigures):
        return +Counter(of_register(None, state).cells)
    found = of_facts(None, state)
    add_sessions(found, None, state)
    return +Counter(found.cells)
