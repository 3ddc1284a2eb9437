"""What a comparison of two projections says, and what it leaves out."""

from typing import Any

from shared.operations.comparing import compare_counters, compare_states


def state(n: int, *, applied: int = 1, chain: int | None = 7, **kept: Any) -> dict[str, Any]:
    return {
        "_id": f"journey/j-{n}",
        "in": {"intake": applied},
        "chain": {"intake": chain} if chain else {},
        "blocked": False,
        "waits": 0,
        "state": {"minutes": 1, **kept},
    }


def test_equal_runs_are_the_same() -> None:
    found = compare_states([state(1), state(2)], [state(1), state(2)], together=True)
    assert (found.same, found.different, found.only_live, found.only_rebuilt, found.elsewhere) == (
        2,
        0,
        0,
        0,
        0,
    )


def test_a_difference_is_told_by_field_and_never_by_value() -> None:
    found = compare_states([state(1, gender="woman")], [state(1, gender="man")], together=True)
    assert found.different == 1
    assert found.first == [{"subject": "journey/j-1", "fields": ["state.gender"]}]


def test_other_events_in_the_same_number_are_a_difference() -> None:
    found = compare_states([state(1, chain=7)], [state(1, chain=8)], together=True)
    assert found.first == [{"subject": "journey/j-1", "fields": ["chain.intake"]}]


def test_a_state_from_before_chains_is_compared_without() -> None:
    assert compare_states([state(1, chain=None)], [state(1, chain=8)], together=True).same == 1


def test_a_subject_that_is_ahead_in_one_is_not_judged() -> None:
    found = compare_states([state(1, applied=2, minutes=9)], [state(1)], together=False)
    assert (found.elsewhere, found.different, found.first) == (1, 0, [])


def test_what_only_one_has_is_counted_wherever_it_stands() -> None:
    found = compare_states([state(1), state(3)], [state(2), state(3)], together=True)
    assert (found.only_live, found.only_rebuilt, found.same) == (1, 1, 1)
    assert [one["subject"] for one in found.first] == ["journey/j-1", "journey/j-2"]


def test_only_the_first_few_are_named_and_no_participant() -> None:
    many = [{**state(n), "_id": f"participant/p-{n:03d}"} for n in range(30)]
    found = compare_states(many, [{**one, "blocked": True} for one in many], together=True)
    assert (found.different, len(found.first)) == (30, 10)
    assert "p-0" not in str(found.first)


def test_counters_are_summed_over_their_shards_and_zero_is_as_good_as_none() -> None:
    live = [{"_id": "a|0", "key": "a", "shard": 0, "n": 3}, {"_id": "a|1", "key": "a", "shard": 1, "n": 2}]
    rebuilt = [{"_id": "a|3", "key": "a", "shard": 3, "n": 5}, {"_id": "b|0", "key": "b", "shard": 0, "n": 0}]
    assert compare_counters(live, rebuilt) == {"same": 2, "different": 0, "first": []}
    other = [{"_id": "a|3", "key": "a", "shard": 3, "n": 4}]
    assert compare_counters(live, other)["first"] == [{"counter": "a.n", "live": 5, "rebuilt": 4}]


def test_counts_within_a_field_are_compared_one_by_one() -> None:
    live = [{"_id": "a|0", "key": "a", "shard": 0, "n": {"started": 5, "session/minutes": 60}}]
    same = [
        {"_id": "a|1", "key": "a", "shard": 1, "n": {"started": 2}},
        {"_id": "a|2", "key": "a", "shard": 2, "n": {"started": 3, "session/minutes": 60}},
    ]
    assert compare_counters(live, same) == {"same": 2, "different": 0, "first": []}
    other = [{"_id": "a|1", "key": "a", "shard": 1, "n": {"started": 999, "session/minutes": 60}}]
    assert compare_counters(live, other)["first"] == [{"counter": "a.n.started", "live": 5, "rebuilt": 999}]
    assert compare_counters(live, [])["different"] == 2
