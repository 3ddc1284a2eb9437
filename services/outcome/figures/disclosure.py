"""What may be shown outside: the report with the few hidden, and whatever would give them away.

A count of 0-4 persons or offers is hidden, a zero too. Then the report is attacked as a reader would. Every count
gets the bounds that follow from all visible counts and from the figures' definitions (`relations`). As long as those
leave a hidden count a single value, one more count is masked. The order decides which one, not the size, so that two
snapshots keep the same complements. Small groups come before large ones, groups before details, and details before
totals. A headline total (`headlines`) is masked only where masking everything else would not do. Source:
docs/disclosure.md.

This is weaker than in official publications, where each of 0-4 must stay possible and figures come on fixed dates. On
a page that moves while people work, that rule would hide headline figures most of the time. What the difference of
two snapshots tells is not covered either.
"""

import copy
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any

from services.outcome.figures.declared import FIGURES, SHARES
from services.outcome.figures.relations import Relation, figures_of, solved

FEW = 5
"""A count below this is hidden."""

UNBOUNDED = 1 << 40

Hidden = dict[str, Any]
Masks = dict[str, bool]
Bounds = tuple[int, int]
Blame = Mapping[str, Sequence[Relation]]
Order = tuple[int, int, int, int, str]


def publish(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it may be shown, in the same shape.

    In place of a hidden count or rate stands {"value": None, "hidden": True, "few": bool}. `few` True: it is under
    5 and may read so; False: it is hidden because it would give away another, and says nothing of its own size.
    A rate or median is hidden with the counts it rests on. Outputs are not persons and stay. What is declared to be
    shown with another figure (sessions, with those who started) is hidden while that one is under 5.
    """
    shown: dict[str, Any] = copy.deepcopy(dict(report))
    figures = figures_of(shown)
    masks = conceal(figures.values, figures.relations, headlines(report))
    for slot in figures.slots:
        if slot.name in masks:
            slot.holder[slot.key] = hidden(few=masks[slot.name])
    for derived in figures.derived:
        if any(name in masks for name in derived.names) and derived.holder[derived.key] is not None:
            derived.holder[derived.key] = hidden(few=False)
    few = {one.code for one in FIGURES if one.shown_with and report["figures"][one.shown_with] < FEW}
    places = [(one.code, one.section, one.part) for one in FIGURES]
    places += [(one.figure, one.section, one.part) for one in SHARES]
    for code, section, part in places:
        if code in few and section in shown["figures"]:
            shown["figures"][section][part] = hidden(few=False)
    return shown


def hidden(*, few: bool) -> Hidden:
    """What stands in place of a hidden number."""
    return {"value": None, "hidden": True, "few": few}


def headlines(report: Mapping[str, Any]) -> list[str]:
    """The totals that a reader comes for, the last to be hidden first."""
    promised = [target["figure"] for target in report["targets"] if target["municipality"] is None]
    last, *others = sorted((one for one in FIGURES if one.headline), key=lambda one: one.headline)
    return list(dict.fromkeys((last.code, *promised, *(one.code for one in others))))


def conceal(values: Mapping[str, int], relations: tuple[Relation, ...], foremost: Sequence[str]) -> Masks:
    """The counts to hide, each with whether it may be called few. foremost: never hidden where anything else will do.

    Ends, because every round hides a visible count or unlabels a hidden one.
    """
    kept = _tenable(values, relations, [name for name in foremost if values.get(name, 0) >= FEW])
    order = _Order(values, foremost)
    masks = {name: True for name, value in values.items() if value < FEW}
    while True:
        exposed, blame, told = _exposure(values, masks, relations)
        if exposed is None or not _cover(exposed, masks, blame, told, kept, order):
            return _settled(values, masks, relations, order)


def _exposure(
    values: Mapping[str, int], masks: Masks, relations: tuple[Relation, ...]
) -> tuple[str | None, Blame, set[str]]:
    """A hidden few that a reader can work out, why, and all the hidden counts that he can."""
    bounds, blame = attack(values, masks, relations)
    told = {name for name in masks if bounds[name][0] == bounds[name][1]}
    if not any(values[name] < FEW for name in told):
        told = solved(masks, relations)
        blame = {name: [one for one in relations if one.exact and name in one.members] for name in masks}
    return next((name for name in masks if name in told and values[name] < FEW), None), blame, told


def _safe(values: Mapping[str, int], masks: Masks, relations: tuple[Relation, ...]) -> bool:
    return _exposure(values, masks, relations)[0] is None


def _tenable(
    values: Mapping[str, int], relations: tuple[Relation, ...], wanted: Sequence[str]
) -> Collection[str]:
    """Those of the wanted that can stay visible together, the first before the later.

    One can where hiding everything else gives no few away, because to hide one more never tells more.
    """

    def stay(visible: Collection[str]) -> bool:
        return _safe(values, {name: False for name in values if name not in visible}, relations)

    if stay(wanted):
        return wanted
    kept: list[str] = []
    for name in wanted:
        if stay([*kept, name]):
            kept.append(name)
    return kept


def _cover(
    exposed: str, masks: Masks, blame: Blame, told: set[str], kept: Container[str], order: "_Order"
) -> bool:
    """Mask one visible count of the relations that exposed this one; if all are hidden, stop calling them few.

    Where a count that was masked earlier gave it away because it is told itself, that one is covered first. Returns
    whether anything could be done.
    """
    before = dict(masks)
    near = [
        relation for name in reversed(_behind(exposed, blame, told)) for relation in reversed(blame[name])
    ]
    all_behind = [relation for name in _behind(exposed, blame, masks) for relation in reversed(blame[name])]
    for relation in (*near, *all_behind):
        visible = [one for one in relation.members if one not in masks and one not in kept]
        if visible:
            masks[min(visible, key=order)] = False
            return True
    masks.update({member: False for relation in all_behind for member in relation.members if member in masks})
    return masks != before


def _settled(
    values: Mapping[str, int], masks: Masks, relations: tuple[Relation, ...], order: "_Order"
) -> Masks:
    """The masks without those that are not needed, tried from the weightiest on.

    Where a group is hidden, every smaller group is hidden too.
    """
    for name in [one for one in masks if values[one] >= FEW]:
        masks.update({one: False for one in order.smaller(name) if one not in masks})
    for name in sorted((one for one in masks if values[one] >= FEW), key=order, reverse=True):
        trial = {one: few for one, few in masks.items() if one != name}
        needed = any(one in trial and values[one] >= FEW for one in order.larger(name))
        if not needed and _safe(values, trial, relations):
            masks = trial
    return masks


def _behind(exposed: str, blame: Blame, among: Container[str]) -> list[str]:
    """The count, and those that tightened it, and those that tightened these, the nearest first."""
    chain = [exposed]
    for name in chain:
        members = [member for relation in blame[name] for member in relation.members]
        chain += [one for one in dict.fromkeys(members) if one in among and one in blame and one not in chain]
    return chain


def attack(
    values: Mapping[str, int], masks: Mapping[str, bool], relations: tuple[Relation, ...]
) -> tuple[dict[str, Bounds], Blame]:
    """The bounds that a reader can work out for every count, and the relations that tightened each, the last one last.

    A reader knows the visible counts, and that few means 0-4. A clever reader also knows that any other masked count
    is 5 or more, unless it is a few that lost its label.
    """
    bounds = {name: _known(value, masks.get(name), name in masks) for name, value in values.items()}
    blame: dict[str, list[Relation]] = {}
    moved = True
    while moved:
        moved = False
        for relation in relations:
            for name, (low, high) in relation.tighten(bounds):
                before = bounds[name]
                after = (max(before[0], low), min(before[1], high))
                if after != before and after[0] <= after[1] and name in masks:
                    bounds[name] = after
                    blame.setdefault(name, []).append(relation)
                    moved = True
    return bounds, blame


def _known(value: int, few: bool | None, masked: bool) -> Bounds:
    if not masked:
        return value, value
    if few:
        return 0, FEW - 1
    return (0 if value < FEW else FEW), UNBOUNDED


GROUP_ORDER = ("non_binary", "not_known", "man", "woman")


class _Order:
    """What is given up first: groups before details, details before totals, small groups before large ones.

    A group's size is the number of people ever referred in it, by doublings. That number only grows, so two groups
    change places seldom, and the complements stay the same from one snapshot to the next.
    """

    def __init__(self, values: Mapping[str, int], foremost: Sequence[str]) -> None:
        self._values = values
        self._ranks = {figure: rank for rank, figure in enumerate(reversed(foremost), 1)}
        self._orders = {name: self._order(name) for name in values}
        self._rows: dict[str, list[str]] = {}
        for name in values:
            self._rows.setdefault(name.partition("=")[0], []).append(name)

    def __call__(self, name: str) -> Order:
        """Sorts the first to be given up first."""
        return self._orders[name]

    def smaller(self, name: str) -> list[str]:
        """The groups that the same figure is given up in before this one."""
        return [one for one in self._beside(name) if self._orders[one] < self._orders[name]]

    def larger(self, name: str) -> list[str]:
        """The groups that the same figure is given up in after this one."""
        return [one for one in self._beside(name) if self._orders[one] > self._orders[name]]

    def _beside(self, name: str) -> list[str]:
        return self._rows[name.partition("=")[0]] if "@" in name else []

    def _order(self, name: str) -> Order:
        figure, _, group = name.partition("@")
        code = group.partition("=")[2]
        among = GROUP_ORDER.index(code) if code in GROUP_ORDER else len(GROUP_ORDER)
        size = self._values.get(f"received@{group}", 0).bit_length()
        rank = self._ranks.get(figure, 0)
        weight = 0 if group else 1 if "/" in figure else 2 + rank
        return weight, size, among, rank, name
