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
    """Carry out the timers that are due, the earliest first; those of a use case about the same, together.

    Returns how many.
    """
    due = [(subject, timer) for subject, timer in memory.timers.values() if timer.due <= memory.at]
    for subject, timer in sorted(due, key=lambda pair: pair[1].due):
        if memory.timers.pop(timer.key, None) is None:
            continue
        use_case = use_cases.get(timer.command)
        if use_case is not None:
            alike = [
                one
                for _, one in due
                if one.command == timer.command and use_case.of(one) == use_case.of(timer)
            ]
            for one in alike:
                memory.timers.pop(one.key, None)
            use_case.carry_out(memory, alike)
        else:
            change = folds[timer.command](memory.get(subject), timer, memory.at, memory.programmes)
            memory.save(subject, change if settles is None else settles(memory, change))
    return len(due)
