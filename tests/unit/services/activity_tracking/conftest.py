"""A journey at any stage, and the service in memory."""

from collections.abc import Callable

import pytest

from services.activity_tracking.consumer import FOLDS
from services.activity_tracking.domain.journey import Journey, apply_fact, receive
from shared.language.decision import Received
from shared.language.passage import Stage
from tests.support.days import days_of
from tests.support.fakes import FakeWork, noon
from tests.support.published import FakeProgrammes
from tests.support.small_programme import SMALL_PROGRAMME, SUBJECT, TO_START, TODAY, WAYS

At = Callable[[Stage], Journey]


@pytest.fixture(name="at_stage")
def _at_stage() -> At:
    def build(stage: Stage) -> Journey:
        journey: Journey | None = None
        for number, event in enumerate(WAYS[stage], start=1):
            received = Received(SUBJECT, "intake", number, type(event).__name__, event, {}, {})
            fold = receive if journey is None else apply_fact
            journey = fold(journey, received, FakeProgrammes(SMALL_PROGRAMME)).state
        assert journey is not None
        return journey

    return build


@pytest.fixture(name="memory")
def _memory() -> FakeWork:
    """A store with one journey that has started."""
    memory = FakeWork(FakeProgrammes(SMALL_PROGRAMME), noon(TODAY), beside=days_of)
    memory.apply_fact(FOLDS, SUBJECT, TO_START)
    return memory
