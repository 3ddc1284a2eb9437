"""Who gets a slot while others hold some."""

import contextlib

import pytest

from shared.language.errors import NotYetSeen
from shared.runtime.waiting import Slots


def slots(total: int) -> Slots:
    return Slots(total, lambda: NotYetSeen("Many wait already."))


def taken(held: contextlib.ExitStack, all_slots: Slots, organisation: str) -> int:
    """How many slots the organisation gets when it wants all that it may have."""
    count = 0
    with contextlib.suppress(NotYetSeen):
        while True:
            held.enter_context(all_slots.taken(organisation))
            count += 1
    return count


@pytest.mark.parametrize(("total", "each"), [(1, [1, 0]), (3, [1, 1, 1, 0]), (8, [3, 2, 2, 1, 0])])
def test_an_organisation_has_its_share_and_more_while_as_much_again_is_free(
    total: int, each: list[int]
) -> None:
    all_slots = slots(total)
    with contextlib.ExitStack() as held:
        assert [taken(held, all_slots, str(number)) for number in range(len(each))] == each
        assert all_slots.taken_now == total
    assert all_slots.taken_now == 0


def test_a_slot_given_back_is_there_for_the_next() -> None:
    all_slots = slots(8)
    with contextlib.ExitStack() as others:
        assert taken(others, all_slots, "large") == 3
        assert taken(others, all_slots, "small") == 2
        with contextlib.ExitStack() as mine, pytest.raises(NotYetSeen):
            mine.enter_context(all_slots.taken("large"))
    with contextlib.ExitStack() as again:
        assert taken(again, all_slots, "small") == 3
