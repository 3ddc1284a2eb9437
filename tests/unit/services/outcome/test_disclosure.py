"""What is published hides the few, and cannot be reckoned back: an attacker who knows the definitions tries."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outcome.figures.disclosure import FEW, publish
from services.outcome.figures.projection import project
from services.outcome.figures.report import build
from services.outcome.figures.state import Figures
from tests.support.fakes import noon
from tests.support.outcome_programme import PROGRAMME, PROGRAMMES, TODAY
from tests.support.random_journeys import RandomJourney, arrivals

COUNTS = (
    *("received", "declined", "withdrawn", "accepted", "started", "active", "ready", "handed_over"),
    *("exited", "re_referred"),
)
EMPLOYED = ("employed_at_exit_employed", "employed_28d", "employed_6m")
GENDERS = ("woman", "man", "non_binary", "not_known")
WHERE = ("received", "accepted", "started", "ready", "exited", "closed", "declined", "withdrawn")


def report_of(seed: int, journeys: int) -> dict[str, Any]:
    random = Random(seed)
    cells: Counter[str] = Counter()
    for number in range(journeys):
        state: Figures | None = None
        for received in arrivals(RandomJourney(number, random), random):
            change = project(state, received, PROGRAMMES)
            state = change.state
            for add in change.adds:
                if add.collection == "cells":
                    cells[add.also["cell"]] += add.cells["n"]
    return build(cells, PROGRAMME, noon(TODAY))


REPORTS = st.builds(report_of, st.integers(0, 2**32), st.integers(0, 60))


def persons(report: dict[str, Any]) -> dict[str, Any]:
    """Every count of persons or offers in the report, by its path."""
    figures = report["figures"]
    found = {name: figures[name] for name in (*COUNTS, "entries_complete")}
    for block in ("exits", "handovers", "employed_at_exit"):
        found |= {f"{block}.{name}": n for name, n in figures[block].items() if not _is_rate(name)}
    for code, parts in figures["follow_ups"].items():
        found |= {f"{code}.{name}": n for name, n in parts.items() if not _is_rate(name)}
    for block in ("by_gender", "by_municipality"):
        for group, row in report[block].items():
            found |= {f"{group}.{name}": n for name, n in row.items()}
    found |= {f"where.{place}": n for place, n in report["where_now"].items()}
    found |= {f"step.{row['step']}": row["journeys"] for row in report["steps"]}
    for row in report["targets"]:
        if row["figure"] != "workplace_carved":
            found[f"target.{row['figure']}.{row['municipality']}"] = row["reached"]
    return found


def _is_rate(name: str) -> bool:
    return name in ("rate", "missing_share")


def identities() -> Iterator[tuple[str, list[str]]]:
    """What a reader knows must hold: a count and those that it is the sum of. By the definitions alone."""
    for name in (*COUNTS, *EMPLOYED):
        total = {"employed_at_exit_employed": "employed_at_exit.employed"}.get(name, name)
        total = {"employed_28d": "28d.employed", "employed_6m": "6m.employed"}.get(total, total)
        yield total, [f"{gender}.{name}" for gender in GENDERS]
        yield total, [f"{place}.{name}" for place in ("2482", "2417")]
    for row in ("", *(f"{gender}." for gender in GENDERS), "2482.", "2417."):
        yield f"{row}started", [f"{row}active", f"{row}exited"]
    yield "received", [f"where.{place}" for place in WHERE]
    yield "exited", ["where.exited", "where.closed"]
    yield "active", ["where.started", "where.ready"]
    yield "declined", ["where.declined"]
    yield "withdrawn", ["where.withdrawn"]
    yield "exited", [f"exits.{way}" for way in ("by_plan", "interrupted", "moved", "deceased")]
    yield "exited", ["exits.deceased", "employed_at_exit.known", "employed_at_exit.missing"]
    yield "accepted", ["step.answer"]
    yield "started", ["step.start"]
    yield "ready", ["step.ready"]
    yield "exited", ["step.exit"]
    yield "started", ["target.started.None"]
    yield "2417.started", ["target.started.2417"]
    yield "6m.employed", ["target.employed_6m.None"]


PRIME = (1 << 61) - 1


def solved(published: dict[str, Any]) -> dict[str, int]:
    """Every hidden count that the identities determine, by elimination in whole numbers modulo a prime."""
    cells = persons(published)
    unknown = [name for name, n in cells.items() if isinstance(n, dict)]
    rows = []
    for whole, parts in identities():
        row, constant = dict.fromkeys(unknown, 0), 0
        for name, sign in [(whole, 1), *((part, -1) for part in parts)]:
            if name in row:
                row[name] += sign
            else:
                constant -= sign * cells[name]
        rows.append([value % PRIME for value in (*row.values(), constant)])
    pivots = 0
    for column in range(len(unknown)):
        found = next((at for at in range(pivots, len(rows)) if rows[at][column]), None)
        if found is None:
            continue
        rows[pivots], rows[found] = rows[found], rows[pivots]
        inverse = pow(rows[pivots][column], -1, PRIME)
        rows[pivots] = lead = [value * inverse % PRIME for value in rows[pivots]]
        for at, row_at in enumerate(rows):
            factor = row_at[column]
            if at != pivots and factor:
                rows[at] = [(one - factor * two) % PRIME for one, two in zip(row_at, lead, strict=True)]
        pivots += 1
    told = [row for row in rows if sum(value != 0 for value in row[:-1]) == 1]
    return {name: row[-1] for row in told for name, value in zip(unknown, row[:-1], strict=True) if value}


@given(REPORTS)
@settings(max_examples=50)
def test_no_count_under_five_is_shown(report: dict[str, Any]) -> None:
    for name, shown in persons(publish(report)).items():
        exact = persons(report)[name]
        if isinstance(shown, dict):
            assert shown["value"] is None
            assert shown["hidden"] is True
            assert exact < FEW or not shown["few"]
        else:
            assert shown == exact
            assert shown >= FEW


@given(REPORTS)
@settings(max_examples=50)
def test_no_hidden_few_can_be_reckoned_back_from_totals(report: dict[str, Any]) -> None:
    exact = persons(report)
    told = solved(publish(report))
    assert {name: value for name, value in told.items() if exact[name] < FEW} == {}


@given(REPORTS)
@settings(max_examples=50)
def test_no_subtraction_from_a_visible_total_leaves_a_hidden_few(report: dict[str, Any]) -> None:
    exact, shown = persons(report), persons(publish(report))
    for whole, parts in identities():
        hidden = [name for name in (whole, *parts) if isinstance(shown[name], dict)]
        assert len(hidden) != 1 or exact[hidden[0]] >= FEW


@given(REPORTS)
@settings(max_examples=50)
def test_a_rate_or_median_is_hidden_with_what_it_rests_on(report: dict[str, Any]) -> None:
    published = publish(report)
    for parts, rests_on in [
        (published["figures"]["employed_at_exit"], ("employed", "known")),
        (published["figures"]["follow_ups"]["28d"], ("employed", "answered")),
        (published["figures"]["follow_ups"]["6m"], ("employed", "answered")),
    ]:
        if any(isinstance(parts[name], dict) for name in rests_on):
            assert parts["rate"] is None or parts["rate"]["hidden"]
        else:
            assert isinstance(parts["rate"], float)
    for step in published["steps"]:
        if isinstance(step["journeys"], dict):
            assert step["median_days"] is None or step["median_days"]["hidden"]


@given(REPORTS)
@settings(max_examples=30)
def test_publishing_leaves_the_report_as_it_was_and_is_the_same_each_time(report: dict[str, Any]) -> None:
    before = repr(report)
    first = publish(report)
    assert repr(report) == before
    assert publish(report) == first
    assert first.keys() == report.keys()


def test_outputs_are_not_persons_and_stay() -> None:
    report = build({"output/workplace_carved": 2}, PROGRAMME, noon(TODAY))
    published = publish(report)
    assert published["outputs"] == report["outputs"]
    assert [row for row in published["targets"] if row["figure"] == "workplace_carved"] == [
        row for row in report["targets"] if row["figure"] == "workplace_carved"
    ]


def test_a_group_of_few_takes_one_more_group_with_it_but_not_the_total() -> None:
    report = build(
        {
            "received": 60,
            "received@gender=woman": 31,
            "received@gender=man": 29,
            "received@municipality=2482": 60,
            "where/received": 60,
        },
        PROGRAMME,
        noon(TODAY),
    )
    published = publish(report)
    assert published["figures"]["received"] == 60
    shown = {gender: row["received"] for gender, row in published["by_gender"].items()}
    assert shown["woman"] == 31
    assert shown["man"] == {"value": None, "hidden": True, "few": False}
    assert shown["non_binary"] == {"value": None, "hidden": True, "few": True}


def test_two_hidden_groups_that_cover_each_other_take_nobody_with_them() -> None:
    report = build(
        {
            "received": 64,
            "received@gender=woman": 31,
            "received@gender=man": 29,
            "received@gender=non_binary": 2,
            "received@gender=not_known": 2,
            "received@municipality=2482": 32,
            "received@municipality=2417": 32,
        },
        PROGRAMME,
        noon(TODAY),
    )
    by_gender = publish(report)["by_gender"]
    assert (by_gender["woman"]["received"], by_gender["man"]["received"]) == (31, 29)


@pytest.mark.parametrize(("started", "hidden"), [(3, True), (6, False)])
def test_sessions_of_few_participants_are_hidden(started: int, hidden: bool) -> None:
    report = build({"started": started, "session/logged": 40, "session/minutes": 900}, PROGRAMME, noon(TODAY))
    assert isinstance(publish(report)["figures"]["sessions"]["minutes"], dict) is hidden
