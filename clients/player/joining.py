"""An agency's topics are opened while everything runs, and its first record is to be answered soon.

They are opened by the administrator's one command, as by hand (docs/how-to/add-an-agency.md), with the administrator's
credentials of the local stack.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from clients.player.processes import processes
from clients.player.surroundings import Surroundings
from clients.player.trouble import Trouble

ANSWERED_WITHIN_SECONDS = 30.0
COMMAND_SECONDS = 120.0
REPOSITORY = Path(__file__).resolve().parents[2]


class Joining:
    """One agency's joining, from the command on. password: of its user in Kafka."""

    def __init__(self, surroundings: Surroundings, unit: str) -> None:
        """Run the command. Blocks. Raises Trouble when it does not work."""
        self._surroundings, self.unit = surroundings, unit
        self._before = processes(surroundings)
        self._began_at = time.monotonic()
        self.password = _joined(surroundings, unit)
        self.seconds: float | None = None
        self.restarted: tuple[str, ...] = ()

    def answered(self) -> None:
        """Its first record has just been answered."""
        if self.seconds is None:
            self.seconds = time.monotonic() - self._began_at
            self.restarted = changed(self._before, processes(self._surroundings))

    def differences(self) -> list[str]:
        """What was promised and not kept."""
        if self.seconds is None:
            return [f"joining.{self.unit}: its first record was never answered"]
        if self.seconds > ANSWERED_WITHIN_SECONDS:
            return [f"joining.{self.unit}: its first record was answered after {self.seconds:.1f} s"]
        return []

    def told(self) -> str:
        """For the watcher."""
        if self.seconds is None:
            return f"{self.unit} joined, and was not answered."
        whom = ", ".join(self.restarted) or "none"
        return (
            f"{self.unit} joined on the way: its first record was answered after {self.seconds:.1f} s. "
            f"Processes started again meanwhile: {whom}."
        )


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, ...]:
    """The processes that are not the same as before."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def _joined(surroundings: Surroundings, unit: str) -> str:
    told = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": surroundings.kafka,
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": "admin",
        "KAFKA_PASSWORD": surroundings.secret("kafka-admin"),
    }
    command = [sys.executable, "-m", "deploy.agencies", "join", unit]
    done = subprocess.run(
        command,
        env=told,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    found = re.search(r"^password of \S+: (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or found is None:
        raise Trouble(f"{unit} could not join: {(done.stderr or done.stdout).strip()[-400:]}")
    return found[1]
