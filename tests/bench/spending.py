"""How much processor time each party to a comparison spends: the fold, the database, the broker."""

import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.stack import Stack

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Meter:
    """Reads the kernel's accounts of processes before and after a stretch."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._spent: defaultdict[str, list[dict[str, float]]] = defaultdict(list)

    @contextmanager
    def over(self, side: str, events: int, folding: Sequence[int]) -> Iterator[None]:
        """Account the block to this side, in microseconds an event. folding: the processes that fold."""
        before = self._accounts(folding)
        yield
        after = self._accounts(folding)
        self._spent[side].append({who: (after[who] - before[who]) * 1e6 / events for who in after})

    def told(self) -> dict[str, dict[str, float]]:
        """Each side's medians, by who spent it."""
        return {
            side: {who: round(statistics.median(one[who] for one in rounds), 1) for who in rounds[0]}
            for side, rounds in self._spent.items()
        }

    def _accounts(self, folding: Sequence[int]) -> dict[str, float]:
        running = {
            name: entry.running.pid
            for name, entry in self._stack.entries().items()
            if name in ("database", "broker") and entry.running
        }
        return {
            "fold": sum(processor_seconds(pid) for pid in folding),
            **{name: processor_seconds(pid) for name, pid in running.items()},
        }


def processor_seconds(pid: int) -> float:
    """What a process and its threads have spent up to now, in the kernel and outside."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
