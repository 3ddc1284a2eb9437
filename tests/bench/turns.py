"""Several sides of one comparison, in turn, so that the machine's drift meets all of them alike."""

import gc
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ROUNDS = 3


@dataclass(frozen=True)
class Turns:
    """What each side reached in each round."""

    rounds: list[dict[str, float]]

    def reached(self, side: str) -> float:
        """The side's median."""
        return statistics.median(one[side] for one in self.rounds)

    def against(self, ours: str, other: str, unit: str = "events/s") -> dict[str, Any]:
        """Both medians, and the median of the ratios round by round with the least and the greatest of them."""
        ratios = sorted(one[ours] / one[other] for one in self.rounds)
        return {
            "ours": self.reached(ours),
            "other": self.reached(other),
            "ratio": statistics.median(ratios),
            "least": ratios[0],
            "greatest": ratios[-1],
            "unit": unit,
        }


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> Turns:
    """Run every side in every round; every other round begins with the last, so that no side always comes first.

    Nor does one side look through what another has left.
    """

    def reached_by(name: str) -> float:
        gc.collect()
        return sides[name]()

    reached = []
    for number in range(rounds):
        names = list(sides) if number % 2 == 0 else list(sides)[::-1]
        reached.append({name: reached_by(name) for name in names})
    return Turns(reached)
