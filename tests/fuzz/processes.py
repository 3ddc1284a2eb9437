"""What the kernel says of a stack's processes: whether they live, what they take, and the most they held."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.findings import Problem
from tools.stack import Stack

TICKS = os.sysconf("SC_CLK_TCK")
MOST_MEGABYTES = 320
"""Resident, of any process of a service: compose gives each 512 MB."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Of one process group. cpu: seconds of processor since it began; peak: most resident MB of its largest member."""

    cpu: float
    peak: float


class Watch:
    """Follows the services' processes of one stack. Each death, and each process that grew too large, is told once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._restarts = self._now()
        self.peaks: dict[str, int] = {}
        self._large: set[str] = set()

    def _now(self) -> dict[str, int]:
        return {
            name: entry.restarts
            for name, entry in self._stack.entries().items()
            if name not in self._stack.settings.infrastructure
        }

    def leader(self, name: str) -> int | None:
        """The id of the group's first process, while it runs."""
        entry = self._stack.entries().get(name)
        return entry.running.pid if entry and entry.running else None

    def taken(self, name: str) -> Taken:
        """What a process has taken until now; nothing for one that does not run."""
        leader = self.leader(name)
        return Taken(0.0, 0.0) if leader is None else _taken(leader)

    def forget_peaks(self, name: str) -> float:
        """Let peaks be counted from here. Returns the resident MB of the largest member now."""
        leader = self.leader(name)
        members = [] if leader is None else _members(leader)
        for pid in members:
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
        return max((_megabytes(pid, "VmRSS") for pid in members), default=0.0)

    def look(self) -> list[Problem]:
        """Which processes died since the last look, and which hold too much."""
        found = []
        now = self._now()
        for name, restarts in now.items():
            if restarts > self._restarts.get(name, restarts):
                found.append(Problem("process died", f"{name} ended and was started again"))
            elif self._stack.entries()[name].state in ("failing", "stopped"):
                found.append(Problem("process died", f"{name} does not run"))
            peak = round(self.taken(name).peak)
            self.peaks[name] = max(peak, self.peaks.get(name, 0))
            if peak > MOST_MEGABYTES and name not in self._large:
                self._large.add(name)
                found.append(Problem(f"memory of {name}", f"{peak} MB, of {MOST_MEGABYTES} at most"))
        self._restarts = now
        return found


def _members(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(path)
        if fields and int(fields[2]) == leader:
            found.append(int(path.parent.name))
    return found


def _stat(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _taken(leader: int) -> Taken:
    ticks, peak = 0, 0.0
    for pid in _members(leader):
        fields = _stat(Path(f"/proc/{pid}/stat"))
        if fields:
            ticks += int(fields[11]) + int(fields[12])
            peak = max(peak, _megabytes(pid, "VmHWM"))
    return Taken(ticks / TICKS, peak)


def _megabytes(pid: int, name: str) -> float:
    said = _status(pid).get(name, "0 kB").split()[0]
    return int(said) / 1024


def _status(pid: int) -> Mapping[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
