"""The fakes keep the promises that the real unit of work and the real commands keep: the same checks, in memory."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support import toy
from tests.support.fakes import FakeCommands, FakeWork
from tests.support.published import FakeProgrammes
from tests.support.toy import ToyRepository
from tests.support.work_suite import CHECKS, Backend


class InMemory:
    """Satisfies `Backend`."""

    def __init__(self) -> None:
        self._memory = FakeWork(FakeProgrammes(), toy.NOW, repository=ToyRepository())
        self.commands = FakeCommands(self._memory)

    def unit(self, decide: Callable[[Any], Any]) -> Any:
        return self._memory.in_unit(decide)

    def sums(self, collection: str, key: str) -> Mapping[str, int]:
        return self._memory.sums.get((collection, key), {})

    def replies(self) -> list[str]:
        return [one.organisation for one in self._memory.replies]

    def timers(self) -> Mapping[str, Any]:
        return {key: timer.due for key, (_, timer) in self._memory.timers.items()}

    def event_count(self) -> int:
        return len(self._memory.events)

    def asked_by(self) -> list[str | None]:
        return [by or None for by in self._memory.asked_by]


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_the_fake_keeps_it(check: Callable[[Backend], None]) -> None:
    check(InMemory())
