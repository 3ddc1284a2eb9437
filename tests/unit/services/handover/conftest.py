"""The service in memory, with a journey that has started and consent to sharing."""

import pytest

from services.handover.consumer import FOLDS
from tests.support.memory import Memory, Shelf, noon
from tests.support.toytown import READY_ON, SUBJECT, TO_START, TOYTOWN


@pytest.fixture(name="memory")
def _memory() -> Memory:
    memory = Memory(Shelf(TOYTOWN), noon(READY_ON))
    memory.take_in(FOLDS, SUBJECT, TO_START)
    return memory
