"""What the long run remembers, in files of its own, so that it goes on after any interruption."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.client import Attempt, Command, Records

SENT = ("deed", "process", "method", "path", "actor", "key", "trace", "says", "media")
"""What is sent of a command beside its body and its vector."""


@dataclass
class Diary:
    """How far the run has come.

    events: to be fed; fed: of these, acknowledged by Kafka; killed: how often each process was; seconds: in all, of
    feeding and killing; journeys: fed on, each with what its start came after; memory: megabytes of each process, at so
    many events fed; port: the first of the stack's, which its data know; sizes: what became how large (bytes).
    """

    seed: str
    events: int
    kills: int
    folder: str
    port: int
    fed: int = 0
    killed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    begun: int = 0
    journeys: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    memory: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    sizes: dict[str, float] = field(default_factory=dict)
    done: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def kills_done(self) -> int:
        """How many processes have been killed."""
        return sum(self.killed.values())


class Kept:
    """The diary's file and, beside it, the clients' records, one line each, and what has been read of the log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = path.with_suffix(".commands.ndjson")
        self._unanswered = path.with_suffix(".unanswered.json")
        self._reading = path.with_suffix(".reading")

    def read(self) -> Diary | None:
        """The run that was interrupted, or None where there is none."""
        if not self._path.exists():
            return None
        diary = Diary(**json.loads(self._path.read_text(encoding="utf-8")))
        return None if diary.done else diary

    def forget(self) -> None:
        """Begin a new run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for one in (self._path, self._records, self._unanswered, self._reading):
            one.unlink(missing_ok=True)

    def write(self, diary: Diary, records: Records) -> None:
        """Keep the diary whole, old or new; what clients have been answered since moves from memory to the file.

        What has no answer yet is kept as it was sent, to be asked again under its key.
        """
        with open(self._records, "a", encoding="utf-8") as file:
            for one in records.retire():
                if one.says is not None:
                    line = [one.deed, one.key, one.trace, one.says, one.status, one.says_times]
                    file.write(json.dumps(line) + "\n")
        unanswered = [
            {name: getattr(one, name) for name in SENT}
            | {"body": one.body.decode(), "vector": dict(one.vector)}
            for one in records.unresolved()
        ]
        for path, told in ((self._unanswered, unanswered), (self._path, asdict(diary))):
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(told), encoding="utf-8")
            draft.replace(path)

    def go_on(self, records: Records) -> None:
        """Take in the commands that had no answer when the run was interrupted."""
        if self._unanswered.exists():
            for told in json.loads(self._unanswered.read_text(encoding="utf-8")):
                body, actor = told["body"].encode(), tuple(told["actor"])
                records.begun(Command(**{**told, "body": body, "actor": actor}))

    def recall(self, records: Records) -> None:
        """Take in whatever clients were ever answered."""
        if not self._records.exists():
            return
        with open(self._records, encoding="utf-8") as file:
            for line in file:
                try:
                    deed, key, trace, says, status, times = json.loads(line)
                except ValueError:
                    continue  # the last line of a run that was cut off
                command = Command(deed, "", "POST", "", b"", ("", ""), key, trace, says)
                command.attempts.append(Attempt(0.0, status, ""))
                command.status = status
                command.answer = {"results": [{"status": 201}] * times} if deed == "log_sessions" else None
                records.begun(command)

    def write_reading(self, reading: Any) -> None:
        """Keep what has been read of the log, as one value, whole, old or new."""
        draft = self._reading.with_suffix(".reading-draft")
        with open(draft, "wb") as file:
            pickle.dump(reading, file)
        draft.replace(self._reading)

    def read_reading(self) -> Any | None:
        """What had been read of the log, or None: then it is read from its beginning."""
        if not self._reading.exists():
            return None
        with open(self._reading, "rb") as file:
            return pickle.load(file)
