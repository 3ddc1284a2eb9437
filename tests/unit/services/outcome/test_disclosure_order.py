"""What is given up for the few: details and small groups, and a headline total only where nothing else would do."""

import copy
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from services.outcome.figures import cells as c
from services.outcome.figures.disclosure import FEW, attack, conceal, headlines, publish
from services.outcome.figures.relations import Figures, figures_of, solved
from services.outcome.figures.report import build
from tests.support.any_cohort import COHORTS
from tests.support.cohort import make_cohort
from tests.support.fakes import noon
from tests.support.outcome_programme import PROGRAMME, TODAY
from tests.support.page_server import read_programme
from tests.unit.services.outcome.test_disclosure import persons
from tests.unit.services.outcome.test_disclosure import solved as reckoned

ENDED_ON = date(2021, 6, 1)


def apart(report: dict[str, Any]) -> Figures:
    return figures_of(copy.deepcopy(report))


def masks_of(report: dict[str, Any]) -> tuple[Figures, dict[str, bool]]:
    figures = apart(report)
    return figures, conceal(figures.values, figures.relations, headlines(report))


def told(figures: Figures, masks: dict[str, bool]) -> set[str]:
    """The few that can be worked out though these are hidden."""
    bounds, _ = attack(figures.values, masks, figures.relations)
    known = {name for name in masks if bounds[name][0] == bounds[name][1]} | solved(masks, figures.relations)
    return {name for name in known if figures.values[name] < FEW}


@given(COHORTS)
@settings(max_examples=60)
def test_nothing_gives_a_hidden_few_away(report: dict[str, Any]) -> None:
    figures, masks = masks_of(report)
    assert {name for name, value in figures.values.items() if value < FEW} <= set(masks)
    assert told(figures, masks) == set()
    exact = persons(report)
    assert {name for name in reckoned(publish(report)) if exact[name] < FEW} == set()


@given(COHORTS)
@settings(max_examples=60)
def test_a_headline_total_is_hidden_only_where_hiding_all_else_would_not_do(report: dict[str, Any]) -> None:
    figures, masks = masks_of(report)
    wanted = [name for name in headlines(report) if figures.values[name] >= FEW]
    for at, name in enumerate(wanted):
        if name in masks:
            kept = {*(one for one in wanted[:at] if one not in masks), name}
            assert told(figures, {one: False for one in figures.values if one not in kept})


def rows(figures: Figures) -> Iterator[dict[str, str]]:
    """Each figure's groups of one breakdown: {group: count's name}."""
    for breakdown, groups in (("gender", c.GENDERS), ("municipality", ("2482", "2417"))):
        for figure in [
            name for name in figures.values if f"{name}@{breakdown}={groups[0]}" in figures.values
        ]:
            yield {group: f"{figure}@{breakdown}={group}" for group in groups}


@given(COHORTS)
@settings(max_examples=60)
def test_a_small_group_is_hidden_before_one_twice_its_size(report: dict[str, Any]) -> None:
    figures, masks = masks_of(report)
    for row in rows(figures):
        for name in row.values():
            if name in masks and figures.values[name] >= FEW:
                for other in row.values():
                    if 2 * size(figures, other) <= size(figures, name):
                        assert other in masks


def size(figures: Figures, name: str) -> int:
    return figures.values[f"received@{name.partition('@')[2]}"]


@given(COHORTS)
@settings(max_examples=40)
def test_no_total_and_no_largest_group_is_hidden_without_need(report: dict[str, Any]) -> None:
    figures, masks = masks_of(report)
    larger = {
        name: [other for other in row.values() if 2 * size(figures, other) > size(figures, name)]
        for row in rows(figures)
        for name in row.values()
    }
    for name in [one for one in masks if figures.values[one] >= FEW]:
        beside = [one for one in larger.get(name, []) if one != name]
        if not any(one in masks and figures.values[one] >= FEW for one in beside):
            assert told(figures, {one: few for one, few in masks.items() if one != name})


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_after_the_end_the_programme_still_shows_what_it_promised(seed: int) -> None:
    """Nobody takes part any more: a nought, so hidden. Those who left give way to it, never those who started."""
    report = build(make_cohort(seed).cells_on(ENDED_ON), read_programme(), datetime(2021, 6, 1, tzinfo=UTC))
    published = publish(report)
    for figure in ("received", "accepted", "started"):
        assert published["figures"][figure] == report["figures"][figure]
    assert report["figures"]["active"] == 0
    assert published["figures"]["active"]["few"]
    assert published["figures"]["exited"] == {"value": None, "hidden": True, "few": False}
    assert published["targets"] == report["targets"]


def test_the_smallest_group_is_hidden_and_the_large_ones_are_shown() -> None:
    cells = {"employed_28d": 76, "follow_up/28d/due": 100, "follow_up/28d/answered": 90}
    for gender, referred, employed in (
        ("woman", 95, 38),
        ("man", 80, 32),
        ("non_binary", 8, 5),
        ("not_known", 12, 1),
    ):
        for figure in ("received", "accepted", "started", "exited"):
            cells[f"{figure}@gender={gender}"] = referred
            cells[f"{figure}@municipality=2482"] = cells[figure] = cells.get(figure, 0) + referred
        cells[f"employed_28d@gender={gender}"] = employed
    shown = {
        gender: row["employed_28d"]
        for gender, row in publish(build(cells, PROGRAMME, noon(TODAY)))["by_gender"].items()
    }
    assert (shown["woman"], shown["man"]) == (38, 32)
    assert shown["non_binary"] == {"value": None, "hidden": True, "few": False}


def test_the_complements_stay_while_the_large_groups_change_places() -> None:
    hidden = []
    for women, men in ((40, 41), (41, 41), (42, 41)):
        cells = {"received": women + men, "where/received": women + men}
        cells |= {"received@gender=woman": women, "received@gender=man": men}
        cells["received@municipality=2482"] = cells["received"]
        figures, masks = masks_of(build(cells, PROGRAMME, noon(TODAY)))
        hidden.append({name for name in masks if "gender" in name and figures.values[name] >= FEW})
    assert hidden == [{"received@gender=man"}] * 3
