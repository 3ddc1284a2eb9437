"""How the numbers of a report hang together: which are the same, which add up, which bound one another.

This is what a reader can reckon with, so it is what disclosure control must reckon with: the report's definitions
written as sums. Source: docs/field.md, Published figures.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from services.outcome.figures import cells as c


@dataclass(frozen=True, slots=True)
class Relation:
    """`whole` is the sum of `parts`, or, where not `exact`, at least that sum."""

    whole: str
    parts: tuple[str, ...]
    exact: bool

    @property
    def members(self) -> tuple[str, ...]:
        """Every count in it."""
        return (self.whole, *self.parts)

    def tighten(self, bounds: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, tuple[int, int]]]:
        """The bounds that this relation alone allows each member, given the others'."""
        low, high = bounds[self.whole]
        lows = sum(bounds[part][0] for part in self.parts)
        highs = sum(bounds[part][1] for part in self.parts)
        yield self.whole, (lows, highs if self.exact else high)
        for part in self.parts:
            part_low, part_high = bounds[part]
            least = low - (highs - part_high) if self.exact else part_low
            yield part, (least, high - (lows - part_low))


def solved(hidden: Container[str], relations: Iterable[Relation]) -> set[str]:
    """The hidden counts that the exact relations determine together, by elimination; needs no value."""
    pivots: dict[str, dict[str, Fraction]] = {}
    for relation in relations:
        if not relation.exact:
            continue
        signs = [(relation.whole, Fraction(1)), *((part, Fraction(-1)) for part in relation.parts)]
        row = {name: sign for name, sign in signs if name in hidden}
        for pivot in [name for name in row if name in pivots]:
            _subtract(row, pivots[pivot], row[pivot])
        if not row:
            continue
        lead, factor = next(iter(row.items()))
        row = {name: value / factor for name, value in row.items()}
        for other in pivots.values():
            if lead in other:
                _subtract(other, row, other[lead])
        pivots[lead] = row
    return {lead for lead, row in pivots.items() if len(row) == 1}


def _subtract(row: dict[str, Fraction], other: Mapping[str, Fraction], times: Fraction) -> None:
    for name, value in other.items():
        left = row.get(name, Fraction(0)) - times * value
        if left:
            row[name] = left
        else:
            del row[name]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the report where the count of that name stands."""

    name: str
    holder: dict[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A rate or a median, and the counts it rests on."""

    names: tuple[str, ...]
    holder: dict[str, Any]
    key: str


@dataclass(slots=True)
class Figures:
    """One report taken apart: every count of persons once, by name, and where each stands."""

    values: dict[str, int] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    relations: tuple[Relation, ...] = ()

    def count(self, name: str, holder: dict[str, Any], key: str) -> None:
        """Note where a count stands."""
        self.values[name] = holder[key]
        self.slots.append(Slot(name, holder, key))

    def rest(self, holder: dict[str, Any], key: str, *names: str) -> None:
        """Note a number that rests on counts."""
        self.derived.append(Derived(names, holder, key))


STEP_COUNTS = {
    "answer": "accepted",
    "start": "started",
    "ready": "ready",
    "handover": "moves",
    "exit": "exited",
}
"""Which count a step's number of journeys is."""


def figures_of(report: dict[str, Any]) -> Figures:
    """Take the report apart; the slots point into the report that was given."""
    found = Figures()
    _totals(found, report["figures"])
    for breakdown in ("gender", "municipality"):
        for group, row in report[f"by_{breakdown}"].items():
            for figure in row:
                found.count(f"{figure}@{breakdown}={group}", row, figure)
    for place in c.PLACES:
        found.count(f"where/{place}", report["where_now"], place)
    outputs = {output["output"] for output in report["outputs"]}
    for target in report["targets"]:
        place = target["municipality"]
        name = target["figure"] if place is None else f"{target['figure']}@municipality={place}"
        if target["figure"] not in outputs and name in found.values:
            found.count(name, target, "reached")
    for step in report["steps"]:
        name = STEP_COUNTS[step["step"]]
        if found.values.get(name, step["journeys"]) != step["journeys"]:
            name = f"step/{step['step']}"
        found.count(name, step, "journeys")
        found.rest(step, "median_days", name)
    found.relations = tuple(_relations(found.values, report))
    return found


def _totals(found: Figures, figures: dict[str, Any]) -> None:
    for figure in (*c.REACHED, "entries_complete"):
        found.count(figure, figures, figure)
    for way in c.WAYS:
        found.count(f"exit/{way}", figures["exits"], way)
    for answer in c.OFFERS:
        found.count(f"handover/{answer}", figures["handovers"], answer)
    at_exit = figures["employed_at_exit"]
    found.count(c.EMPLOYED_AT_EXIT, at_exit, "employed")
    known, missing = "employed_at_exit/known", "employed_at_exit/missing"
    found.count(known, at_exit, "known")
    found.count(missing, at_exit, "missing")
    found.rest(at_exit, "rate", c.EMPLOYED_AT_EXIT, known)
    found.rest(at_exit, "missing_share", known, missing)
    for code, parts in figures["follow_ups"].items():
        employed = c.employed_at(code)
        found.count(employed, parts, "employed")
        for part in ("due", "answered", "missed"):
            found.count(c.follow_up_cell(code, part), parts, part)
        answered, missed = c.follow_up_cell(code, "answered"), c.follow_up_cell(code, "missed")
        found.rest(parts, "rate", employed, answered)
        found.rest(parts, "missing_share", answered, missed)


def _relations(values: Mapping[str, int], report: dict[str, Any]) -> Iterator[Relation]:
    rows = ["", *(f"@gender={group}" for group in report["by_gender"])]
    rows += [f"@municipality={group}" for group in report["by_municipality"]]
    broken_down = list(next(iter(report["by_gender"].values())))
    for figure in broken_down:
        for breakdown in ("gender", "municipality"):
            groups = tuple(f"{figure}@{breakdown}={group}" for group in report[f"by_{breakdown}"])
            if groups:
                yield Relation(figure, groups, exact=True)
    employed = [figure for figure in broken_down if figure not in c.REACHED]
    for row in rows:
        yield from _row(row, employed)
    yield Relation("received", tuple(f"where/{place}" for place in c.PLACES), exact=True)
    yield Relation("exited", ("where/exited", "where/closed"), exact=True)
    yield Relation("active", ("where/started", "where/ready"), exact=True)
    yield Relation("declined", ("where/declined",), exact=True)
    yield Relation("withdrawn", ("where/withdrawn",), exact=True)
    yield Relation("ready", ("where/ready",), exact=False)
    yield Relation("exited", tuple(f"exit/{way}" for way in c.WAYS), exact=True)
    left = ("exit/deceased", "employed_at_exit/known", "employed_at_exit/missing")
    yield Relation("exited", left, exact=True)
    yield Relation("employed_at_exit/known", (c.EMPLOYED_AT_EXIT,), exact=False)
    yield Relation("accepted", ("entries_complete",), exact=False)
    yield Relation("received", ("entries_complete", "received@gender=not_known"), exact=False)
    yield Relation("moves", ("handed_over",), exact=False)
    yield Relation("handover/accepted", ("moves",), exact=False)
    yield Relation("handover/offered", tuple(f"handover/{answer}" for answer in c.OFFERS[1:]), exact=False)
    for code in report["figures"]["follow_ups"]:
        due, answered, missed = (c.follow_up_cell(code, part) for part in ("due", "answered", "missed"))
        yield Relation("exited", (due,), exact=False)
        yield Relation(due, (answered, missed), exact=False)
        yield Relation(answered, (c.employed_at(code),), exact=False)


def _row(row: str, employed: Sequence[str]) -> Iterator[Relation]:
    """What holds among the figures of everyone, of one gender, of one municipality."""

    def parts(*figures: str) -> tuple[str, ...]:
        return tuple(figure + row for figure in figures)

    yield Relation(f"started{row}", parts("active", "exited"), exact=True)
    yield Relation(f"accepted{row}", parts("started"), exact=False)
    yield Relation(f"received{row}", parts("accepted", "declined"), exact=False)
    yield Relation(f"received{row}", parts("started", "declined", "withdrawn"), exact=False)
    yield Relation(f"received{row}", parts("re_referred"), exact=False)
    yield Relation(f"started{row}", parts("ready"), exact=False)
    yield Relation(f"started{row}", parts("handed_over"), exact=False)
    for figure in employed:
        yield Relation(f"exited{row}", parts(figure), exact=False)
