"""The shape of a figure's declaration, and what every list of declarations must keep.

A figure is declared once, in `declared`. From its declaration follow its cells, the rows of the report and of the
CSV, and the relations for disclosure control. So do the texts of the page, and whether a programme may set it as a
target. How to add one: docs/how-to/add-a-figure.md.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.outcome.figures.state import FollowUpFigure, JourneyFacts, RegisterFigures, Sessions
from shared.language.events import ActivityMinutes
from shared.language.figures import EACH
from shared.language.passage import Stage
from shared.language.programmes import Name

Counts = Literal["persons", "journeys", "handovers", "sessions", "minutes", "outputs", "registers"]
"""What a figure counts. A figure of handovers counts offers; minutes are those of attended sessions; a
register is a unit's of one day, in one municipality.

Persons are counted once a programme, however many journeys they have there.
"""
FEW_ARE_HIDDEN: frozenset[Counts] = frozenset({"persons", "journeys", "handovers"})
"""Counts that can point at a person: published, a value of 0 to 4 is hidden."""

Which = Literal["each", "entry", "now"]
"""Which of a person's journeys in the programme a figure looks at.

each: all of them. entry: the one that says what the person was at entry. now: the one that says where the person is
now, and what came of it; a later journey so withdraws what an earlier one said.
"""

Section = Literal[
    "figures",
    "exits",
    "handovers",
    "sessions",
    "employed_at_exit",
    "follow_ups",
    "where_now",
    "activities",
    "outputs",
]
"""Where in the report the figure stands. Activities stand in periods alone."""
Breakdown = Literal["gender", "municipality"]
"""How the figures as they are now are broken down; a period's are, all of them, by provider or by municipality."""

PEOPLE: tuple[Breakdown, ...] = ("gender", "municipality")

Dated = Iterable[tuple[date | None, int]]
"""How many, by the day that places them in a period; None: on no known day."""


@dataclass(frozen=True, slots=True)
class OfJourney:
    """Counts a journey once. holds: whether it counts. on: the day that places it; None where it has none."""

    holds: Callable[[JourneyFacts], bool]
    on: Callable[[JourneyFacts], date | None] | None = None


@dataclass(frozen=True, slots=True)
class OfStage:
    """Counts the journeys that stand at a stage now; no day places them."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class OfHandovers:
    """Counts a journey's handovers, each on a day of its own."""

    dated: Callable[[JourneyFacts], Dated]


@dataclass(frozen=True, slots=True)
class OfFollowUp:
    """Counts each follow-up of a journey that has left, on the day that it asks about."""

    holds: Callable[[FollowUpFigure], bool]


@dataclass(frozen=True, slots=True)
class OfSessions:
    """Counts sessions, each on its own day. amount: a sum over sessions, so that any two parts add up to the whole."""

    amount: Callable[[Sessions], int]
    dated: bool = True


@dataclass(frozen=True, slots=True)
class OfActivities:
    """Counts minutes of each of the programme's activities, on the session's day; of a period alone.

    Those whose names would reveal health have none.
    """

    amount: Callable[[ActivityMinutes], int]


@dataclass(frozen=True, slots=True)
class OfOutputs:
    """Counts the quantity of each output, on the day of the result."""


@dataclass(frozen=True, slots=True)
class OfRegisters:
    """Counts a unit's registers of a day, on that day. holds: whether one counts."""

    holds: Callable[[RegisterFigures], bool]


Rule = OfJourney | OfStage | OfHandovers | OfFollowUp | OfSessions | OfActivities | OfOutputs | OfRegisters


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    of: which of a person's journeys it looks at; persons are counted on one of them.

    code: its name in cells, CSV, targets and labels. section, part: where the report says it. source: of its
    definition. by: how it is broken down. within: figures that it never exceeds. sum_of: each tuple adds up to it
    exactly. at_least: each tuple adds up to it at most. alone: why it is in no relation, where it is in none. no_day:
    why no day places it, where none does. headline: rank among the totals that are hidden last, 1 the very last; 0 is
    none. shown_with: a published report hides it while that figure is below five.
    """

    code: str
    section: Section
    part: str
    source: str
    counts: Counts
    rule: Rule
    of: Which = "each"
    name: Name
    means: Name
    by: tuple[Breakdown, ...] = ()
    within: tuple[str, ...] = ()
    sum_of: tuple[tuple[str, ...], ...] = ()
    at_least: tuple[tuple[str, ...], ...] = ()
    alone: str = ""
    no_day: str = ""
    headline: int = 0
    shown_with: str = ""
    may_be_target: bool = False
    in_groups_on_page: bool = False

    @property
    def dated(self) -> bool:
        """Whether a day places it in a period."""
        return not self.no_day

    def code_of(self, key: str) -> str:
        """The code for one follow-up, activity or output; of other figures it is the same for all."""
        return self.code.replace(EACH, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A rate: a figure's part of the sum of others. Both stand in the same section."""

    section: Section
    part: str
    figure: str
    among: tuple[str, ...]
    name: Name
    means: Name

    @property
    def code(self) -> str:
        """Its name in the rows of a period."""
        return f"{self.among[0].rpartition('/')[0]}/{self.part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Whole days between two acts, as a median. spans: first and last days, one pair for each journey or handover.

    of: which of a person's journeys it looks at: those that `count` does, so that no difference of two numbers tells
    how many came back. count: the figure that its number of journeys equals; a name of its own where no figure does.
    """

    code: str
    source: str
    spans: Callable[[JourneyFacts], Iterable[tuple[date | None, date | None]]]
    count: str
    of: Which = "each"
    name: Name
    means: Name


class WronglyDeclared(ValueError):
    """A list of figures that would count or publish something wrong; whoever changed it must act."""


def checked(figures: Sequence[Figure], steps: Sequence[Step]) -> tuple[Figure, ...]:
    """The figures, once they keep the rules that nobody would notice the breach of. Raises WronglyDeclared.

    A count of persons in no relation could be computed from others although it is hidden. A figure without a day
    would be missing from every period. Each must be there, or say why not. Figures of sessions are hidden with a count
    of persons. A figure of persons looks at one journey of each.
    """
    known = {one.code for one in figures} | {one.count for one in steps}
    if len({one.code for one in figures}) < len(figures):
        raise WronglyDeclared("A code is declared twice.")
    for one in figures:
        _check_relations(one, known, figures)
        if (one.counts == "persons") != (one.of != "each"):
            raise WronglyDeclared(
                f"{one.code} counts persons on one journey of each, or something else on all."
            )
        undated = isinstance(one.rule, OfStage) or (isinstance(one.rule, OfJourney) and one.rule.on is None)
        undated = undated or (isinstance(one.rule, OfSessions) and not one.rule.dated)
        if undated != bool(one.no_day):
            raise WronglyDeclared(f"{one.code} needs a day, or the reason why it has none.")
        if isinstance(one.rule, OfSessions | OfActivities) and not one.shown_with:
            raise WronglyDeclared(f"{one.code} needs shown_with: few people may stand behind many sessions.")
    return tuple(figures)


def _check_relations(one: Figure, known: Collection[str], figures: Sequence[Figure]) -> None:
    for name in (*one.within, *_flat(one.sum_of), *_flat(one.at_least)):
        if name.partition("@")[0] not in known:
            raise WronglyDeclared(f"{one.code} is related to {name}, which is no figure.")
    named = {
        name for other in figures for name in (*other.within, *_flat(other.sum_of), *_flat(other.at_least))
    }
    related = bool(one.within or one.sum_of or one.at_least) or one.code in named
    if related == bool(one.alone):
        raise WronglyDeclared(
            f"{one.code} is within, the sum of or at least others, or says why it is alone."
        )


def _flat(groups: Iterable[tuple[str, ...]]) -> list[str]:
    return [name for group in groups for name in group]
