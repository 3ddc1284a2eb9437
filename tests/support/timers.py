"""Carrying out the timers of a service that is kept in memory, as the runtime does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.language.decision import Settles, TimerFold, TimerUseCase

if TYPE_CHECKING:
    from tests.support.fakes import FakeWork


def fire_due(
    memory: FakeWork,
    folds: Mapping[str, TimerFold],
    settles: Settles | None,
    use_cases: Mapping[str, TimerUseCase],
) -> int:
    """Carry out the timers that are due, the earliest first. Returns how many."""
    due = [(subject, timer) for subject, timer in memory.timers.values() if timer.due <= memory.at]
    for subject, timer in sorted(due, key=lambda pair: pair[1].due):
        if memory.timers.pop(timer.key, None) is None:
            continue
        if timer.command in use_cases:
            use_cases[timer.command](memory, timer)
        else:
            change = folds[timer.command](memory.get(subject), timer, memory.at, memory.programmes)
            memory.save(subject, change if settles is None else settles(memory, change))
    return len(due)
