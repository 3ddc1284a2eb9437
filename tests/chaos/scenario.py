"""What a scenario is, and the list of them all.

    @scenario(3, "a consumer stopped past its session timeout", part=True, recovers_within=20)
    def stopped_past_session(world: World) -> None: ...

A scenario strikes while load runs (`with world.load(): …`). It proves by `world.record_evidence(what, evidence)` that
its fault struck, and says by `world.fault_ended()` when it ended. It need not settle or check: the runner does both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.stack import ChaosStack
    from tests.chaos.world import World
    from tools.stack import Settings

Builds = Callable[["Settings"], "AbstractContextManager[ChaosStack]"]
"""Makes the surroundings of a scenario; scenarios that name the same function, one after the other, share them."""
Act = Callable[["World"], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault. part: it also runs within CI's six minutes. recovers_within: bound of G7, in seconds.

    fresh: it leaves surroundings that nobody else can use. builds: None is the ordinary stack. full: what it needs
    beyond the ordinary time, in seconds.
    """

    number: int
    title: str
    act: Act
    part: bool
    recovers_within: float
    fresh: bool
    builds: Builds | None
    seconds: float


class NotRun(Exception):
    """What the scenario needs cannot be had on this machine; says why. It neither passes nor fails."""


SCENARIOS: list[Scenario] = []


def scenario(
    number: int,
    title: str,
    *,
    part: bool = False,
    recovers_within: float = 30.0,
    fresh: bool = False,
    builds: Builds | None = None,
    seconds: float = 300.0,
) -> Callable[[Act], Act]:
    """Register a scenario. seconds: it has failed when it has not ended by then."""

    def register(act: Act) -> Act:
        if any(one.number == number for one in SCENARIOS):
            raise ValueError(f"there are two scenarios {number}")
        SCENARIOS.append(Scenario(number, title, act, part, recovers_within, fresh, builds, seconds))
        SCENARIOS.sort(key=lambda one: one.number)
        return act

    return register


def chosen(only: str, *, part: bool) -> list[Scenario]:
    """Those named (`3 7-9,20`; none: all), those of CI alone if so wanted. Raises ValueError for an unknown number."""
    known = {one.number: one for one in SCENARIOS}
    wanted: set[int] = set()
    for word in only.replace(",", " ").split():
        first, _, last = word.partition("-")
        wanted |= set(range(int(first), int(last or first) + 1))
    if unknown := {number for number in wanted if number not in known and "-" not in only}:
        raise ValueError(f"there is no scenario {sorted(unknown)}; there are {sorted(known)}")
    return in_turn([one for one in SCENARIOS if (one.number in wanted if wanted else one.part or not part)])


def in_turn(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """By number, and those that share surroundings one after the other: each kind is built once, the ordinary first."""
    kinds = dict.fromkeys([None, *(one.builds for one in scenarios)])
    return [one for builds in kinds for one in scenarios if one.builds is builds]
