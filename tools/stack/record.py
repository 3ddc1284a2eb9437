"""What a supervisor writes down of its processes, so that others can see it and a later start can mend it.

A process id alone is not enough: ids are used again. With the moment at which the kernel started the
process, the pair names one process for ever, and nobody signals a stranger.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True)
class Running:
    """One process of this machine. `ticks`: when the kernel started it, in clock ticks since boot."""

    pid: int
    ticks: int

    @classmethod
    def of(cls, pid: int) -> Running | None:
        """The process that has this id now, unless it is gone or only waits to be reaped.

        While any of its threads still ends, it has its ports, though its first is a zombie already.
        """
        try:
            after_name = (
                Path(f"/proc/{pid}/stat")
                .read_text(encoding="ascii", errors="replace")
                .rpartition(")")[2]
                .split()
            )
        except OSError:
            return None
        ended = after_name[0] in "ZX" and int(after_name[17]) <= 1
        return None if ended else cls(pid, int(after_name[19]))

    def alive(self) -> bool:
        """Whether it still runs."""
        return Running.of(self.pid) == self

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to it and to all it started (it leads its own group); False if it is gone."""
        if not self.alive():
            return False
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def terminate(self) -> bool:
        """Tell it to stop; False if it was gone already. A process that was halted is made to hear."""
        return self.signal(signal.SIGTERM) and self.signal(signal.SIGCONT)

    def await_end(self, within_seconds: float) -> None:
        """Block until it is gone; it is killed after `within_seconds`."""
        give_up_at = time.monotonic() + within_seconds
        while self.alive():
            if time.monotonic() > give_up_at:
                self.signal(signal.SIGKILL)
                give_up_at = float("inf")
            time.sleep(0.02)


@dataclass(frozen=True)
class Entry:
    """What is known of one process of the stack. Times are seconds since the epoch."""

    state: str  # starting | ready | held | stopped | failing
    running: Running | None
    since: float
    restarts: int
    last_exit: int | None
    port: int
    does: str
    consumes: bool


class Record:
    """The files by which a supervisor is found: its lock and its list of processes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "processes.json"
        self._lock = folder / "supervisor.lock"

    @contextlib.contextmanager
    def owned(self) -> Iterator[bool]:
        """Own the stack's folder while inside; gives False at once if another supervisor does.

        The kernel drops the lock when its holder dies, however it dies.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self._lock, "a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield True

    def supervisor(self) -> Running | None:
        """The supervisor that owns the folder now, if any."""
        try:
            with open(self._lock, "r+", encoding="ascii") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    text = file.read().strip()
                    return Running.of(int(text)) if text else None
        except FileNotFoundError:
            pass
        return None

    def write(self, entries: Mapping[str, Entry]) -> None:
        """Replace the list; a reader sees the old or the new one, never half of it."""
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(orjson.dumps({name: asdict(entry) for name, entry in entries.items()}))
        draft.replace(self._path)

    def read(self) -> dict[str, Entry]:
        """The list as last written; empty if there is none or it cannot be read."""
        try:
            document: dict[str, dict[str, Any]] = orjson.loads(self._path.read_bytes())
            return {
                name: Entry(
                    **(fields | {"running": Running(**fields["running"]) if fields["running"] else None})
                )
                for name, fields in document.items()
            }
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError, KeyError):
            return {}
