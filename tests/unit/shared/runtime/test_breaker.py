"""When so much fails that the fault must be the platform's own: attempts that are repeated count once."""

import pytest

from shared.language.errors import Halt
from shared.runtime.breaker import POISON_IN_A_ROW, POISON_SHARE, POISON_WINDOW, Breaker


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


def test_one_sender_alone_halts_nothing_by_number_or_share() -> None:
    breaker = Breaker(one_counts=0.75)
    for number in range(3 * POISON_WINDOW):
        one = breaker.attempt()
        one.note(number % 2 == 0 or number > 2 * POISON_WINDOW, "a")
        one.keep()


def test_one_sender_s_failures_and_a_single_one_of_another_halt_nothing() -> None:
    breaker = Breaker(one_counts=0.75)
    for number in range(2 * POISON_WINDOW):
        breaker.note(True, "b" if number % POISON_WINDOW == POISON_IN_A_ROW else "a")
        if number % POISON_WINDOW == 2 * POISON_IN_A_ROW:
            breaker.note(False, "b")


@pytest.mark.parametrize("senders", [2, 3, 30])
def test_several_senders_in_a_row_halt_as_soon_as_before(senders: int) -> None:
    breaker = Breaker(one_counts=0.75)
    for number in range(POISON_IN_A_ROW):
        breaker.note(True, str(number % senders))
    with pytest.raises(Halt):
        breaker.note(True, "0")


def test_several_senders_share_of_many_halts_too() -> None:
    breaker = Breaker(one_counts=0.75)
    with pytest.raises(Halt):
        for number in range(2 * POISON_WINDOW):
            breaker.note(number % 10 == 0, str(number // 10 % 2))
