"""Which cells a journey or an output counts in now: a pure function of what the projector keeps of it.

Knows no figure: which there are, and how each is counted, stands in `declared`. May not read a clock.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.outcome.figures import cells as c
from services.outcome.figures.declared import FIGURES, STEPS
from services.outcome.figures.figure import (
    Dated,
    Figure,
    OfFollowUp,
    OfHandovers,
    OfJourney,
    OfOutputs,
    OfSessions,
)
from services.outcome.figures.rules import entry_counts, follow_ups
from services.outcome.figures.state import (
    Figures,
    JourneyFacts,
    JourneyFigures,
    OutputFigures,
    Sessions,
    Where,
    where,
)


class DayCell(NamedTuple):
    """A figure on one day, at one provider and in one municipality."""

    on: date
    at: Where
    code: str


@dataclass(slots=True)
class Counted:
    """What one subject counts: cells as they are now, and the same by the days that place them in a period."""

    cells: Counter[str] = field(default_factory=Counter)
    days: Counter[DayCell] = field(default_factory=Counter)

    def less(self, other: "Counted | None") -> "Counted":
        """Take away what another counts. Returns itself."""
        if other is not None:
            self.cells.subtract(other.cells)
            self.days.subtract(other.days)
        return self

    def with_sessions(self, before: JourneyFigures | None, after: JourneyFigures) -> "Counted":
        """Add what the sessions count now and did not before. Returns itself."""
        self.cells.update(session_cells(after))
        if before is not None:
            self.cells.subtract(session_cells(before))
        return self


OF_SESSIONS: tuple[tuple[Figure, OfSessions], ...] = tuple(
    (one, one.rule) for one in FIGURES if isinstance(one.rule, OfSessions)
)
"""The figures that a session changes. No other can: the rules of the others are given no sessions."""
OF_FACTS: tuple[Figure, ...] = tuple(
    one for one in FIGURES if not isinstance(one.rule, OfSessions | OfOutputs)
)
OF_OUTPUTS: tuple[Figure, ...] = tuple(one for one in FIGURES if isinstance(one.rule, OfOutputs))


def contributions(state: Figures) -> Counter[str]:
    """The cells that the subject counts in now, with amounts. Registered by mistake counts nowhere."""
    if isinstance(state, OutputFigures):
        return +of_output(state).cells
    return +(of_facts(state).cells + session_cells(state))


def of_output(state: OutputFigures) -> Counted:
    """What an output counts."""
    found = Counted()
    for figure in OF_OUTPUTS:
        _add(found, figure, figure.code_of(state.output), [(state.logged_on, state.quantity)], state, None)
    return found


def of_facts(state: JourneyFacts) -> Counted:
    """What a journey counts but for its sessions.

    A journey that began beside another of the same person counts no person: the other does. Its handovers count.
    """
    found = Counted()
    if state.passage.mistake:
        return found
    gender = state.gender if entry_counts(state) else "not_known"
    for figure in OF_FACTS:
        if state.beside is None or figure.counts != "journeys":
            for code, dated in _amounts(figure, state):
                _add(found, figure, code, dated, state, gender)
    if state.beside is None:
        _add_steps(found, state)
    return found


def session_cells(state: JourneyFigures) -> Counter[str]:
    """The cells of the sessions that stand."""
    if state.passage.mistake:
        return Counter()
    return amounts_of(state.sessions)


def amounts_of(sessions: Sessions) -> Counter[str]:
    """How much each figure of sessions is of these."""
    return Counter({figure.code: rule.amount(sessions) for figure, rule in OF_SESSIONS})


def dated_amounts_of(sessions: Sessions) -> dict[str, int]:
    """The same, of the figures that have a day."""
    return {figure.code: rule.amount(sessions) for figure, rule in OF_SESSIONS if figure.dated}


def _amounts(figure: Figure, state: JourneyFacts) -> Iterator[tuple[str, Dated]]:
    match figure.rule:
        case OfJourney(holds, on):
            if holds(state):
                yield figure.code, ((on(state) if on else None, 1),)
        case OfHandovers(dated):
            yield figure.code, dated(state)
        case OfFollowUp(holds_of):
            for key, one in follow_ups(state).items():
                if holds_of(one):
                    yield figure.code_of(key), ((one.due_on, 1),)
        case _:
            raise TypeError(f"{figure.code} is no figure of a journey's facts")


def _add(
    found: Counted, figure: Figure, code: str, dated: Dated, state: Figures | JourneyFacts, gender: str | None
) -> None:
    at = where(state)
    for on, amount in dated:
        if not amount:
            continue
        found.cells[code] += amount
        if "gender" in figure.by and gender is not None:
            found.cells[c.grouped(code, "gender", gender)] += amount
        if "municipality" in figure.by:
            found.cells[c.grouped(code, "municipality", at.municipality)] += amount
        if on is not None and figure.dated:
            found.days[DayCell(on, at, code)] += amount


def _add_steps(found: Counted, state: JourneyFacts) -> None:
    at = where(state)
    for step in STEPS:
        for first, last in step.spans(state):
            # Two services may each move a day past the other's before either has heard of it.
            if first and last and first <= last:
                cell = c.days_cell(step.code, (last - first).days)
                found.cells[cell] += 1
                found.days[DayCell(last, at, cell)] += 1
