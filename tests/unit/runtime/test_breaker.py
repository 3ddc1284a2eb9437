"""When so much fails that the fault must be the platform's own: attempts that are repeated count once."""

import pytest

from shared.errors import Halt
from shared.runtime.fold import POISON_IN_A_ROW, POISON_SHARE, POISON_WINDOW, Breaker


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


def test_too_many_in_a_row_halt_over_as_many_batches_as_it_takes(breaker: Breaker) -> None:
    for _ in range(POISON_IN_A_ROW):
        one = breaker.attempt()
        one.note(True)
        one.keep()
    with pytest.raises(Halt):
        breaker.attempt().note(True)
    assert breaker.failing == POISON_IN_A_ROW + 1, "an operator is told of the one that was too much"


def test_a_batch_that_is_repeated_counts_once(breaker: Breaker) -> None:
    for _ in range(3 * POISON_IN_A_ROW):
        breaker.attempt().note(True)
    assert breaker.failing == 0
    one = breaker.attempt()
    one.note(True)
    one.keep()
    assert breaker.failing == 1


def test_one_that_succeeds_ends_the_row(breaker: Breaker) -> None:
    for _ in range(5):
        one = breaker.attempt()
        for _ in range(POISON_IN_A_ROW // 2):
            one.note(True)
        one.note(False)
        one.keep()
    assert breaker.failing == 0


def test_too_large_a_share_of_many_halts_too(breaker: Breaker) -> None:
    most = int(POISON_WINDOW * POISON_SHARE)
    with pytest.raises(Halt):
        for number in range(2 * POISON_WINDOW):
            one = breaker.attempt()
            one.note(number % (POISON_WINDOW // (2 * most)) == 0)
            one.keep()
