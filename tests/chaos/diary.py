"""What the long run remembers, in a file of its own, so that it goes on after any interruption."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.client import Attempt, Command, Records


@dataclass
class Diary:
    """How far the run has come. chunks: given so far, from 0; killed: how often each process was; seconds: in all."""

    seed: str
    events: int
    kills: int
    folder: str
    chunks: int = 0
    killed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    begun: int = 0
    journeys: list[str] = field(default_factory=list)
    done: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def kills_done(self) -> int:
        """How many processes have been killed."""
        return sum(self.killed.values())


class Kept:
    """The diary's file and, beside it, the clients' records, one line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = path.with_suffix(".commands.ndjson")
        self._written: set[str] = set()

    def read(self) -> Diary | None:
        """The run that was interrupted, or None where there is none."""
        if not self._path.exists():
            return None
        diary = Diary(**json.loads(self._path.read_text(encoding="utf-8")))
        return None if diary.done else diary

    def forget(self) -> None:
        """Begin a new run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._records.unlink(missing_ok=True)

    def write(self, diary: Diary, records: Records) -> None:
        """Keep the diary whole, old or new, and append what clients have been answered since."""
        with open(self._records, "a", encoding="utf-8") as file:
            for one in records.resolved():
                if one.says is not None and one.key not in self._written:
                    self._written.add(one.key)
                    line = [one.deed, one.key, one.trace, one.says, one.status, one.says_times]
                    file.write(json.dumps(line) + "\n")
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(diary)), encoding="utf-8")
        draft.replace(self._path)

    def recall(self, records: Records) -> None:
        """Take in what clients were answered before the interruption."""
        if not self._records.exists():
            return
        for line in self._records.read_text(encoding="utf-8").splitlines():
            try:
                deed, key, trace, says, status, times = json.loads(line)
            except ValueError:
                continue  # the last line of a run that was cut off
            command = Command(deed, "", "POST", "", b"", ("", ""), key, trace, says)
            command.attempts.append(Attempt(0.0, status, ""))
            command.status = status
            command.answer = {"results": [{"status": 201}] * times} if deed == "log_sessions" else None
            self._written.add(key)
            records.begun(command)
