"""The service in memory, with a journey that has started and consent to sharing."""

import pytest

from services.handover.consumer import FOLDS
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import READY_ON, SMALL_PROGRAMME, SUBJECT, TO_START


@pytest.fixture(name="memory")
def _memory() -> FakeWork:
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), noon(READY_ON))
    memory.apply_fact(FOLDS, SUBJECT, TO_START)
    return memory
