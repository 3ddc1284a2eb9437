"""Which cells a journey or an output counts in now: a pure function of what the projector keeps of it.

Knows no figure: which there are, and how each is counted, stands in `declared`. May not read a clock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from services.outcome.figures import cells as c
from services.outcome.figures.declared import FIGURES, STEPS
from services.outcome.figures.figure import (
    Figure,
    OfActivities,
    OfFollowUp,
    OfHandovers,
    OfJourney,
    OfOutputs,
    OfRegisters,
    OfSessions,
    OfStage,
    Step,
    Which,
)
from services.outcome.figures.rules import entry_counts, follow_ups, says_entry, says_now
from services.outcome.figures.state import (
    JourneyFacts,
    JourneyFigures,
    OutputFigures,
    RegisterFigures,
    Sessions,
    Where,
    home,
    where,
)
from shared.language.events import ActivityMinutes

Amounts = tuple[tuple[str, tuple[tuple[date | None, int], ...]], ...]
"""Codes, and how many by day."""
Day = tuple[date, str, str]
"""A day, a provider, a municipality."""


@dataclass(frozen=True, slots=True)
class Groups:
    """What a subject's figures are broken down by; gender None: nobody's."""

    at: Where
    gender: str | None


@dataclass(slots=True)
class Counted:
    """Cells as they are now, and the same by the days that place them in a period: {day: {code: amount}}."""

    cells: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    days: dict[Day, defaultdict[str, int]] = field(default_factory=dict)

    def on(self, day: date, at: Where) -> defaultdict[str, int]:
        """What counts on the day, there."""
        return self.days.setdefault((day, at.provider, at.municipality), defaultdict(int))

    def add(self, figure: Figure, amounts: Amounts, groups: Groups, times: int) -> None:
        """Add the amounts of a figure, or, with times -1, take them away."""
        for code, dated in amounts:
            for day, amount in dated:
                n = times * amount
                self.cells[code] += n
                if "gender" in figure.by and groups.gender is not None:
                    self.cells[c.grouped(code, "gender", groups.gender)] += n
                if "municipality" in figure.by:
                    self.cells[c.grouped(code, "municipality", groups.at.municipality)] += n
                if day is not None and figure.dated:
                    self.on(day, groups.at)[code] += n


OF_SESSIONS: tuple[tuple[Figure, OfSessions], ...] = tuple(
    (one, one.rule) for one in FIGURES if isinstance(one.rule, OfSessions)
)
"""The figures that a session changes. No other can: the rules of the others are given no sessions."""
OF_ACTIVITIES: tuple[tuple[Figure, OfActivities], ...] = tuple(
    (one, one.rule) for one in FIGURES if isinstance(one.rule, OfActivities)
)
OF_OUTPUTS: tuple[Figure, ...] = tuple(one for one in FIGURES if isinstance(one.rule, OfOutputs))
OF_REGISTERS: tuple[tuple[Figure, OfRegisters], ...] = tuple(
    (one, one.rule) for one in FIGURES if isinstance(one.rule, OfRegisters)
)
OF_STAGE: dict[str, str] = {one.rule.stage: one.code for one in FIGURES if isinstance(one.rule, OfStage)}


def _rule(figure: Figure) -> Callable[[JourneyFacts], Amounts] | None:
    """The figure's rule as one function of a journey's facts; None for a figure of anything else."""
    match figure.rule:
        case OfJourney(holds, None):
            return lambda state: ((figure.code, ((None, 1),)),) if holds(state) else ()
        case OfJourney(holds, on) if on is not None:
            return lambda state: ((figure.code, ((on(state), 1),)),) if holds(state) else ()
        case OfHandovers(dated):
            return lambda state: ((figure.code, tuple(dated(state))),)
        case OfFollowUp(holds_of):
            return lambda state: tuple(
                (figure.code_of(key), ((one.due_on, 1),))
                for key, one in follow_ups(state).items()
                if holds_of(one)
            )
        case _:
            return None


OF_FACTS: tuple[tuple[Figure, Callable[[JourneyFacts], Amounts]], ...] = tuple(
    (one, rule) for one in FIGURES if (rule := _rule(one)) is not None
)


def of_output(before: OutputFigures | None, after: OutputFigures) -> Counted:
    """What an output counts now and did not before."""
    found = Counted()
    for times, state in ((-1, before), (1, after)):
        if state is not None:
            for figure in OF_OUTPUTS:
                amounts = ((figure.code_of(state.output), ((state.logged_on, state.quantity),)),)
                found.add(figure, amounts, Groups(where(state), None), times)
    return found


def of_register(before: RegisterFigures | None, after: RegisterFigures) -> Counted:
    """What a register counts now and did not before."""
    found = Counted()
    for times, state in ((-1, before), (1, after)):
        if state is not None:
            for figure, rule in OF_REGISTERS:
                if rule.holds(state):
                    found.add(figure, ((figure.code, ((state.on, 1),)),), Groups(where(state), None), times)
    return found


@dataclass(frozen=True, slots=True)
class Counting:
    """How a journey counts. persons, journeys: what figures of each are broken down by; looked_at: by which."""

    state: JourneyFacts
    persons: Groups
    journeys: Groups
    looked_at: frozenset[Which]

    def of(self, figure: Figure | Step) -> Groups:
        """What this figure is broken down by."""
        return self.journeys if figure.of == "each" else self.persons


def of_facts(before: JourneyFacts | None, after: JourneyFacts) -> Counted:
    """What a journey counts now and did not before, but for its sessions. Figures that did not change cost a look only.

    Of a person's journeys one counts the person at entry, and one says what the person came to.
    """
    found = Counted()
    was, now = _counting(before), _counting(after)
    same = was is not None and now is not None and (was.persons, was.journeys) == (now.persons, now.journeys)
    for figure, rule in OF_FACTS:
        gone: Amounts = rule(was.state) if was is not None and figure.of in was.looked_at else ()
        come: Amounts = rule(now.state) if now is not None and figure.of in now.looked_at else ()
        if same and gone == come:
            continue
        if was is not None and gone:
            found.add(figure, gone, was.of(figure), -1)
        if now is not None and come:
            found.add(figure, come, now.of(figure), 1)
    for times, one in ((-1, was), (1, now)):
        if one is not None:
            if "now" in one.looked_at:
                found.cells[OF_STAGE[one.state.passage.stage]] += times
            for step, day, days in _steps(one):
                cell = c.days_cell(step.code, days)
                found.cells[cell] += times
                found.on(day, one.of(step).at)[cell] += times
    return found


_ALONE: frozenset[Which] = frozenset({"each", "entry", "now"})


def _counting(state: JourneyFacts | None) -> Counting | None:
    """How the journey counts; None: it counts nowhere."""
    if state is None or state.passage.mistake:
        return None
    own = state.gender if entry_counts(state) else "not_known"
    if state.together is None:
        groups = Groups(where(state), own)
        return Counting(state, groups, groups, _ALONE)
    gender = own if state.together.is_first else state.first_gender
    looked_at: set[Which] = {"each"}
    if says_entry(state):
        looked_at.add("entry")
    if says_now(state):
        looked_at.add("now")
    return Counting(state, Groups(home(state), gender), Groups(where(state), gender), frozenset(looked_at))


def _steps(one: Counting) -> Iterator[tuple[Step, date, int]]:
    for step in STEPS:
        if step.of in one.looked_at:
            for first, last in step.spans(one.state):
                # Two services may each move a day past the other's before either has heard of it.
                if first and last and first <= last:
                    yield step, last, (last - first).days


def add_sessions(found: Counted, before: JourneyFigures | None, after: JourneyFigures) -> None:
    """Add what the sessions count now and did not before, as a whole."""
    for times, state in ((-1, before), (1, after)):
        if state is not None and not state.passage.mistake:
            for figure, rule in OF_SESSIONS:
                found.cells[figure.code] += times * rule.amount(state.sessions)


def add_moved(
    found: Counted,
    day: date,
    at: Where,
    sessions: Sessions,
    activities: Iterable[ActivityMinutes],
    times: int,
    *,
    also_cells: bool,
) -> None:
    """Add sessions of one day, or, with times -1, take them away. also_cells: to the present counts too."""
    codes = found.on(day, at)
    for one in activities:
        for of_each, counting in OF_ACTIVITIES:
            codes[of_each.code_of(one.activity)] += times * counting.amount(one)
    for figure, rule in OF_SESSIONS:
        amount = times * rule.amount(sessions)
        if amount:
            if figure.dated:
                codes[figure.code] += amount
            if also_cells:
                found.cells[figure.code] += amount
