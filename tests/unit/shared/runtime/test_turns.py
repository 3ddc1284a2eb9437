"""By turns: however much one topic has, every other one that has anything is in the next batch."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.arrived import Arrived
from shared.runtime.kafka import Partition
from shared.runtime.turns import RECORD_BYTES, Share, Turns

PARTITIONS = [Partition(topic, number) for topic in ("a", "b", "c") for number in (0, 1)]


def records(at: Partition, first: int, count: int, size: int = 0) -> list[Arrived]:
    return [Arrived(*at, first + n, [], b"x" * size) for n in range(count)]


def filled(**counts: int) -> Turns:
    turns = Turns(Share(batch=6))
    for topic, count in counts.items():
        turns.add(Partition(topic, 0), records(Partition(topic, 0), 0, count))
    return turns


def test_a_flood_leaves_room_for_everybody_else() -> None:
    turns = filled(a=20_000, b=1, c=2)
    taken = turns.take(3000)
    assert {at.topic: len(found) for at, found in taken.items()} == {"a": 3, "b": 1, "c": 2}
    assert {at.topic: len(found) for at, found in turns.take(3000).items()} == {"a": 6}


def test_two_partitions_of_one_topic_have_one_turn_between_them() -> None:
    turns = filled(a=0, b=9)
    for number in (0, 1):
        turns.add(Partition("a", number), records(Partition("a", number), 0, 9))
    taken = turns.take(6)
    assert {at: len(found) for at, found in taken.items()} == {
        Partition("a", 0): 2,
        Partition("a", 1): 1,
        Partition("b", 0): 3,
    }


def test_a_batch_of_one_goes_round() -> None:
    turns = filled(a=5, b=5, c=5)
    assert [next(iter(turns.take(1))).topic for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_one_is_full_by_number_or_by_bytes_and_low_when_half_has_gone() -> None:
    turns, at = Turns(Share(records=4, size=10_000, batch=10)), Partition("a", 0)
    turns.add(at, records(at, 0, 4))
    assert (set(turns.full()), set(turns.low())) == ({at}, set())
    turns.take(2)
    assert (set(turns.full()), set(turns.low())) == (set(), {at})
    turns.add(at, records(at, 4, 1, size=10_000))
    assert turns.full() == {at}
    turns.take(3)
    assert (set(turns.full()), set(turns.low()), len(turns)) == (set(), {at}, 0)


@pytest.mark.parametrize("size", [0, 300, 60_000])
@pytest.mark.parametrize("agencies", [1, 16, 400, 50_000])
def test_what_is_held_of_all_is_bounded_however_many_agencies_send(agencies: int, size: int) -> None:
    share = Share()
    turns = Turns(share)
    turns.begin(agencies)
    sending = [Partition(f"t{number}", 0) for number in range(min(agencies, 400))]
    for at in sending:
        for offset in range(share.records):
            turns.add(at, records(at, offset, 1, size))
            if turns._part_of(at) >= 1:
                break
        assert turns._part_of(at) >= 1
    held = sum(len(one.value) + RECORD_BYTES for found in turns._held.values() for one in found)
    assert held <= share.total + len(sending) * (size + RECORD_BYTES), (
        "the share, and a record of each beyond it"
    )
    assert {at.topic for at in turns.take(share.batch)} == {at.topic for at in sending[: share.batch]}


def test_few_agencies_have_as_much_as_before() -> None:
    assert Share().among(16) == Share()
    assert Share().among(0) == Share()
    assert Share().among(32).size == Share().size // 2


@given(
    st.lists(
        st.tuples(st.sampled_from(PARTITIONS), st.integers(1, 30)) | st.integers(1, 12),
        max_size=40,
    )
)
def test_each_record_is_handed_on_once_and_in_its_partition_s_order(
    steps: list[tuple[Partition, int] | int],
) -> None:
    turns = Turns(Share(batch=10))
    came: defaultdict[Partition, int] = defaultdict(int)
    handed: defaultdict[Partition, list[int]] = defaultdict(list)

    def take(most: int) -> None:
        waiting = {at.topic for at in came if came[at] > len(handed[at])}
        taken = turns.take(most)
        assert sum(map(len, taken.values())) <= min(most, 10)
        if most >= len(waiting):
            assert {at.topic for at in taken} == waiting, "nobody who has anything is left out"
        for at, found in taken.items():
            handed[at] += [one.offset for one in found]

    for step in steps:
        if isinstance(step, int):
            take(step)
        else:
            at, count = step
            turns.add(at, records(at, came[at], count))
            came[at] += count
    while len(turns):
        take(10)
    assert {at: list(range(count)) for at, count in came.items()} == {at: handed[at] for at in came}


def test_what_is_forgotten_is_gone() -> None:
    turns = filled(a=9, b=9)
    turns.forget()
    assert (len(turns), turns.take(9)) == (0, {})
