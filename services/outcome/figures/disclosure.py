"""What may be shown outside: the report with the few hidden, and whatever would give them away.

A count of 0-4 persons or offers is hidden, a zero too. Then the report is attacked as a reader would: every count
gets the bounds that follow from all that is still visible and from how the figures are defined (`relations`). As long
as those leave a hidden count a single value, one more count is masked, always the same ones first, so that two
snapshots keep the same complements. Source: domain.md, §5.

Weaker than §5 asks of official publications, where each of 0-4 must stay possible and figures come on fixed dates:
on a page that moves while people work, that rule would leave headline figures hidden most of the time. What the
difference of two snapshots tells is not covered either.
"""

import copy
from collections.abc import Container, Mapping, Sequence
from typing import Any

from services.outcome.figures import cells as c
from services.outcome.figures.relations import Relation, figures_of, solved

FEW = 5
"""A count below this is hidden."""

UNBOUNDED = 1 << 40

Hidden = dict[str, Any]
Bounds = tuple[int, int]
Blame = Mapping[str, Sequence[Relation]]


def publish(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it may be shown, in the same shape.

    In place of a hidden count or rate stands {"value": None, "hidden": True, "few": bool}. `few` True: it is under
    5 and may read so; False: it is hidden because it would give away another, and says nothing of its own size.
    A rate or median is hidden with the counts it rests on. Outputs are not persons and stay.
    """
    shown: dict[str, Any] = copy.deepcopy(dict(report))
    figures = figures_of(shown)
    masks = conceal(figures.values, figures.relations)
    for slot in figures.slots:
        if slot.name in masks:
            slot.holder[slot.key] = hidden(few=masks[slot.name])
    for derived in figures.derived:
        if any(name in masks for name in derived.names) and derived.holder[derived.key] is not None:
            derived.holder[derived.key] = hidden(few=False)
    if report["figures"]["started"] < FEW:
        shown["figures"]["sessions"] = {part: hidden(few=False) for part in c.SESSIONS}
    return shown


def hidden(*, few: bool) -> Hidden:
    """What stands in place of a hidden number."""
    return {"value": None, "hidden": True, "few": few}


def conceal(values: Mapping[str, int], relations: tuple[Relation, ...]) -> dict[str, bool]:
    """The counts to hide, each with whether it may be called few.

    Ends, because every round hides a visible count or unlabels a hidden one.
    """
    masks = {name: True for name, value in values.items() if value < FEW}
    while True:
        bounds, blame = attack(values, masks, relations)
        told = {name for name in masks if bounds[name][0] == bounds[name][1]}
        if not any(values[name] < FEW for name in told):
            told = solved(masks, relations)
            blame = {name: [one for one in relations if one.exact and name in one.members] for name in masks}
        exposed = next((name for name in masks if name in told and values[name] < FEW), None)
        if exposed is None or not _cover(exposed, masks, blame, told):
            return masks


def _cover(exposed: str, masks: dict[str, bool], blame: Blame, told: set[str]) -> bool:
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
        visible = [one for one in relation.members if one not in masks]
        if visible:
            masks[min(visible, key=_worth)] = False
            return True
    masks.update({member: False for relation in all_behind for member in relation.members})
    return masks != before


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

    A reader knows what is visible, that few means 0-4, and, if clever, that what is masked otherwise is 5 or more
    unless it is itself a few that lost its label.
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


def _worth(name: str) -> tuple[int, int, str]:
    """What is given up first: groups before totals, details before headlines; the same in every snapshot."""
    figure, _, group = name.partition("@")
    headline = {"started": 5, "received": 4, "employed_6m": 3, "exited": 1}.get(figure, 0)
    gender = group.partition("=")[2]
    order = GROUP_ORDER.index(gender) if gender in GROUP_ORDER else len(GROUP_ORDER)
    detail = 0 if group else 1 if "/" in figure else 2
    return detail + headline * (not group), headline * 10 + order, name
