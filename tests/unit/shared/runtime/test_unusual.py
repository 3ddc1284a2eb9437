"""Who asks for unusually many people within an hour: as exact as counting all rows, from a bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.reads import moment_of
from shared.runtime.unusual import UNUSUAL, WINDOW, Readers

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def kept(readers: Readers) -> int:
    return sum(map(len, readers._readers.values()))


def test_one_more_than_usual_within_the_hour_is_told_until_it_has_passed() -> None:
    readers = Readers()
    for number in range(UNUSUAL):
        readers.note(("h-1", "urkraft"), f"journey/{number}", BEGAN)
    assert readers.unusual(BEGAN) == []
    readers.note(("h-1", "other"), "journey/x", BEGAN)
    readers.note(("h-1", "urkraft"), "journey/1", BEGAN)
    assert readers.unusual(BEGAN) == [], "another's, and one asked for again, count for nothing"
    readers.note(("h-1", "urkraft"), "journey/x", BEGAN)
    assert readers.unusual(BEGAN) == [("h-1", "urkraft")]
    assert readers.unusual(BEGAN + WINDOW) == []
    assert len(readers) == 0


def test_who_reads_a_hundred_thousand_costs_what_fifty_one_cost_and_readers_are_bounded_too() -> None:
    readers = Readers(most=10)
    for number in range(100_000):
        readers.note(("h-1", "urkraft"), f"journey/{number}", BEGAN)
    assert kept(readers) == UNUSUAL + 1
    for number in range(1000):
        readers.note((f"h-{number}", "stranger"), "journey/1", BEGAN)
    assert len(readers) == 10


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, UNUSUAL + 12), st.integers(0, 90)),
        min_size=UNUSUAL,
        max_size=400,
    )
)
def test_it_tells_whom_counting_every_row_tells(rows: list[tuple[int, int, int]]) -> None:
    readers, now, seen = Readers(), BEGAN, []
    for reader, subject, seconds in rows:
        now += timedelta(seconds=seconds)
        who = (f"h-{reader}", "urkraft")
        readers.note(who, f"journey/{subject}", now)
        seen.append((who, subject, now))
    within = {
        who: {subject for one, subject, at in seen if one == who and at > now - WINDOW} for who, _, _ in seen
    }
    assert set(readers.unusual(now)) == {who for who, subjects in within.items() if len(subjects) > UNUSUAL}


@pytest.mark.parametrize("key", ["", "zz", "ffffffffffffffff-1", "-1", "0x"])
def test_a_key_of_another_form_is_old_and_stops_nobody(key: str) -> None:
    assert moment_of(key) <= datetime(1970, 1, 2, tzinfo=UTC)
