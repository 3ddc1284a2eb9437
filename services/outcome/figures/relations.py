"""How the numbers of a report hang together: which are the same, which add up, which bound one another.

A reader can use these relations, so disclosure control must use them too: the relations that the figures declare, and
the sums over groups. Source: docs/field.md, "Published figures".
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from services.outcome.figures.declared import BREAKDOWNS, FIGURES, SHARES, STEPS
from services.outcome.figures.figure import FEW_ARE_HIDDEN, Figure, OfFollowUp
from shared.language.figures import EACH


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


PROTECTED: tuple[Figure, ...] = tuple(one for one in FIGURES if one.counts in FEW_ARE_HIDDEN)
"""The figures whose small counts are hidden."""


def figures_of(report: dict[str, Any]) -> Figures:
    """Take the report apart; the slots point into the report that was given."""
    found = Figures()
    _totals(found, report)
    for breakdown in BREAKDOWNS:
        for group, row in report[f"by_{breakdown}"].items():
            for figure in row:
                found.count(f"{figure}@{breakdown}={group}", row, figure)
    _where_now(found, report["where_now"])
    outputs = {output["output"] for output in report["outputs"]}
    for target in report["targets"]:
        place = target["municipality"]
        name = target["figure"] if place is None else f"{target['figure']}@municipality={place}"
        if target["figure"] not in outputs and name in found.values:
            found.count(name, target, "reached")
    counts = {step.code: step.count for step in STEPS}
    for step in report["steps"]:
        name = counts[step["step"]]
        if found.values.get(name, step["journeys"]) != step["journeys"]:
            name = f"step/{step['step']}"
        found.count(name, step, "journeys")
        found.rest(step, "median_days", name)
    found.relations = tuple(_relations(report))
    return found


def _holders(report: dict[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where a section's parts stand, for each follow-up that it is for."""
    figures = report["figures"]
    match section:
        case "figures":
            yield "", figures
        case "where_now":
            yield "", report["where_now"]
        case "activities":
            return
        case "follow_ups":
            yield from figures["follow_ups"].items()
        case _:
            yield "", figures[section]


def _totals(found: Figures, report: dict[str, Any]) -> None:
    for figure in PROTECTED:
        if figure.section != "where_now":
            for key, holder in _holders(report, figure.section):
                found.count(figure.code_of(key), holder, figure.part)
    for share in SHARES:
        for key, holder in _holders(report, share.section):
            names = dict.fromkeys(code.replace(EACH, key) for code in (share.figure, *share.among))
            found.rest(holder, share.part, *names)


def _where_now(found: Figures, where_now: dict[str, Any]) -> None:
    for figure in PROTECTED:
        if figure.section == "where_now":
            found.count(figure.code, where_now, figure.part)


def _relations(report: dict[str, Any]) -> Iterator[Relation]:
    rows = ["", *(f"@gender={group}" for group in report["by_gender"])]
    rows += [f"@municipality={group}" for group in report["by_municipality"]]
    in_groups = list(next(iter(report["by_gender"].values())))
    for figure in in_groups:
        for breakdown in BREAKDOWNS:
            groups = tuple(f"{figure}@{breakdown}={group}" for group in report[f"by_{breakdown}"])
            if groups:
                yield Relation(figure, groups, exact=True)
    declared = list(declared_relations(report["figures"]["follow_ups"]))
    broken_down = [one for one in declared if all(member in in_groups for member in one.members)]
    for row in rows:
        for one in broken_down:
            yield Relation(one.whole + row, tuple(part + row for part in one.parts), one.exact)
    yield from (one for one in declared if one not in broken_down)


def declared_relations(follow_ups: Iterable[str]) -> Iterator[Relation]:
    """The relations among totals that the figures declare. follow_ups: the codes of the programme's."""
    for figure in PROTECTED:
        for key in follow_ups if isinstance(figure.rule, OfFollowUp) else ("",):
            code = figure.code_of(key)
            for parts in figure.sum_of:
                yield Relation(code, _codes(parts, key), exact=True)
            for parts in figure.at_least:
                yield Relation(code, _codes(parts, key), exact=False)
            for whole in figure.within:
                yield Relation(whole.replace(EACH, key), (code,), exact=False)


def _codes(parts: Iterable[str], key: str) -> tuple[str, ...]:
    return tuple(part.replace(EACH, key) for part in parts)
