"""What a waiting event waits for, by its subject's vector alone."""

from hypothesis import given
from hypothesis import strategies as st

from shared.operations.missing import Missing, Waiting, missing

SUBJECT = "journey/j-1"


def waits(source: str, seq: int, needs: str | None = None, **after: int) -> Waiting:
    return Waiting(
        source=source, seq=seq, after={k.replace("_", "-"): v for k, v in after.items()}, needs=needs
    )


def lacking(
    *rows: Waiting, applied: dict[str, int], own: str | None = "handover", here: set[str] | None = None
) -> set[tuple[str, int, int]]:
    found = missing(SUBJECT, rows, applied, own_source=own, programmes=here or set())
    return {(one.source, one.seq, one.last) for one in found}


def test_the_numbers_before_it_of_its_own_source() -> None:
    assert lacking(waits("intake", 5), applied={"intake": 2}) == {("intake", 3, 4)}


def test_only_up_to_what_is_parked_already() -> None:
    rows = (waits("intake", 4), waits("intake", 7))
    assert lacking(*rows, applied={"intake": 2}) == {("intake", 3, 3)}
    assert lacking(*rows, applied={"intake": 3}) == set()


def test_what_its_emitter_had_seen_of_others_and_this_service_has_not() -> None:
    assert lacking(waits("outcome", 1, intake=3), applied={"intake": 1}) == {("intake", 2, 3)}


def test_a_cause_that_is_parked_here_is_not_missing_but_what_it_waits_for_is() -> None:
    rows = (waits("outcome", 1, intake=3), waits("intake", 3))
    assert lacking(*rows, applied={"intake": 1}) == {("intake", 2, 2)}


def test_the_service_s_own_events_are_never_missing_but_a_projection_hears_them_too() -> None:
    row = waits("outcome", 1, handover=2)
    assert lacking(row, applied={}) == set()
    assert lacking(row, applied={}, own=None) == {("handover", 1, 2)}


def test_nothing_is_missing_when_it_can_be_applied_now() -> None:
    assert lacking(waits("intake", 3, outcome=1), applied={"intake": 2, "outcome": 1}) == set()


def test_a_programme_version_that_has_not_come() -> None:
    row = waits("intake", 1, "coactive@2")
    found = missing(SUBJECT, [row], {}, own_source=None)
    assert found == {Missing("intake", "programme/coactive@2", 1, 1)}
    assert lacking(row, applied={}, here={"coactive@2"}) == set()


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8, unique=True), st.integers(0, 12))
def test_what_is_missing_closes_the_first_gap_and_asks_for_nothing_that_is_here(
    parked: list[int], applied: int
) -> None:
    rows = [waits("intake", seq) for seq in parked if seq > applied]
    found = lacking(*rows, applied={"intake": applied})
    gap = [seq for seq in range(applied + 1, max(parked, default=0)) if seq not in parked]
    if rows and applied + 1 not in parked:
        (one,) = found
        assert one[1] == applied + 1
        assert set(range(one[1], one[2] + 1)) <= set(gap)
        assert one[2] + 1 in parked
    else:
        assert found == set()
