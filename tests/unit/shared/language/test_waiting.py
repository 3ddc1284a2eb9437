"""A page of what waits goes over several kinds without leaving one out or telling one twice."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.waiting import place_of, show_waiting
from shared.language.decision import Skip
from shared.language.errors import Invalid
from shared.language.waiting import Fetch, Source, Waiting, Waits, gathered

TODAY = date(2016, 6, 6)


def waits(kind: str, place: str, due: date | None = None) -> Waits:
    return Waits(kind=kind, subject=place, place=place, unit="shop", since=TODAY, due=due, path=f"/{kind}")


def source(kind: str, count: int) -> Source:
    every = [waits(kind, f"{number:03}") for number in range(count)]

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        return [one for one in every if after is None or one.place > after][:most]

    found: Fetch = fetch
    return kind, found


@given(st.lists(st.integers(min_value=0, max_value=7), min_size=1, max_size=4), st.integers(1, 9))
def test_the_pages_together_are_all_that_waits(counts: list[int], limit: int) -> None:
    sources = [source(f"kind-{number}", count) for number, count in enumerate(counts)]
    every = gathered(sources, after=None, limit=100)
    assert len(every) == sum(counts)
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        after = place_of(cursor)
        entries = gathered(sources, after=after, limit=limit)
        shown = show_waiting(limit)(Waiting(entries=entries, today=TODAY))
        found += [(one["kind"], one["subject"]) for one in shown["waiting"]]
        cursor = shown["next_cursor"]
        if cursor is None:
            break
    assert found == [(one.kind, one.subject) for one in every]
    assert gathered(sources, after=Skip(2), limit=limit) == every[2 : 2 + limit]


def test_what_is_past_its_last_day_is_overdue() -> None:
    dues = (None, date(2016, 6, 5), TODAY, date(2016, 6, 7))
    shown = show_waiting(9)(Waiting(entries=[waits("a", "1", due) for due in dues], today=TODAY))
    assert [one["overdue"] for one in shown["waiting"]] == [False, True, False, False]
    assert shown["waiting"][0]["act"] == {"method": "POST", "path": "/v1/a"}


@pytest.mark.parametrize("cursor", ["", "nonsense", "OjE", "YTrCpA", "YWJj"])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        gathered([source("a", 2)], after=place_of(cursor), limit=2)


def test_a_cursor_of_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(Invalid):
        gathered([source("a", 2)], after=("b", "001"), limit=2)
