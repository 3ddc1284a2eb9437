"""The local stack, with processes started otherwise: under a fault, as a second instance, from another tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.chaos.awaiting import until
from tools.stack import Settings, Stack
from tools.stack.processes import EVERYTHING, SERVICE_PROCESSES, Process, described
from tools.stack.record import Running
from tools.stack.settings import root_of

STREAM = "outcome-stream"
CONSUMERS = tuple(name for name in SERVICE_PROCESSES if name.endswith(("-consume", "-project")))
INSTANCE_PORTS = 40
"""Distance from the port base at which the ports of further instances begin."""
READY_SECONDS = 120.0


class ChaosStack(Stack):
    """A stack whose processes come back when they die, and whose processes a scenario may replace."""

    def __init__(self, settings: Settings, processes: Sequence[str] = EVERYTHING) -> None:
        super().__init__(settings, processes, restart=True)
        self._instances: dict[str, int] = {}
        self.marks = settings.folder / "marks"

    def describe(self, name: str) -> Process:
        """The ordinary process of that name; `intake-consume.2` is a further instance of `intake-consume`."""
        base, _, instance = name.partition(".")
        process = described(base, self.settings)
        if not instance:
            return process
        port = (
            self.settings.port_base
            + INSTANCE_PORTS
            + 2 * self._instances.setdefault(name, len(self._instances))
        )
        told = {**process.environment}
        if "HTTP_PORT" in told:
            told |= {"HTTP_PORT": str(port), "HEALTH_PORT": str(port + 1)}
            return replace(process, name=name, environment=told, port=port, health_port=port + 1)
        told["HEALTH_PORT"] = str(port)
        return replace(process, name=name, environment=told, port=port, health_port=port)

    def url(self, process: str) -> str:
        """The address below which a process or an instance answers."""
        return f"http://127.0.0.1:{self.describe(process).port}{root_of(process.partition('.')[0])}"

    def health_url(self, process: str) -> str:
        """`http://host:port` at which a process or an instance says how it is."""
        return f"http://127.0.0.1:{self.describe(process).health_port}"

    def run(
        self,
        name: str,
        *faults: str,
        tree: Path | None = None,
        environment: Mapping[str, str] | None = None,
        ready: bool = True,
    ) -> None:
        """Start the process anew and wait until it is ready.

        faults: as `launch` knows them. tree: another copy of the source to run from. ready: False
        for what will never be ready.
        """
        process = self.describe(name)
        role = process.command[-1]
        module = process.command[-2]
        command: tuple[str, ...] = process.command
        if faults:
            self.marks.mkdir(exist_ok=True)
            told = [word for fault in faults for word in ("--fault", fault)]
            command = (sys.executable, "-m", "tests.chaos.launch", *told, str(self.mark(name)), module, role)
            self.mark(name).unlink(missing_ok=True)
        if tree is not None:
            command = ("/usr/bin/env", "-C", str(tree), *command)
        process = replace(
            process, command=command, environment={**process.environment, **(environment or {})}
        )
        if name in self.entries():
            self._supervisor.stop(name)
        self._supervisor.start(process)
        if ready:
            self._await_ready(name)

    def start(self, *names: str) -> None:
        """Start processes that do not run, and instances too, and wait until they are ready."""
        super().start(*[name for name in names if name in self.settings.infrastructure])
        others = [name for name in names if name not in self.settings.infrastructure]
        for name in others:
            self._supervisor.start(self.describe(name))
        self._await_ready(*others)

    def _await_ready(self, *names: str) -> None:
        """Wait until these are ready, however often they have died on this stack before."""
        until(
            lambda: all(self.entries()[name].state == "ready" for name in names),
            f"{', '.join(names)} ready",
            READY_SECONDS,
        )

    def set_off(self, name: str) -> None:
        """Start a process without waiting until it is ready, which it may never be."""
        self._supervisor.start(self.describe(name))

    def beside(self, process: Process) -> None:
        """Start a process that is the suite's own, and supervise it as the stack's."""
        self._supervisor.start(process)
        self._supervisor.mark_ready(process.name)

    def at_once(self, name: str) -> None:
        """Start what has died without holding back: that it dies so often is not its own fault."""
        self._supervisor.start(self._supervisor._supervised[name].process)

    def mark(self, name: str) -> Path:
        """The file that a process writes at the moment when its fault strikes."""
        return self.marks / name

    def running(self) -> dict[str, Running]:
        """The processes that run now."""
        return {name: entry.running for name, entry in self.entries().items() if entry.running is not None}

    def ordinary(self) -> None:
        """End further instances, and let every process of the stack be the ordinary one and ready."""
        for name in list(self.entries()):
            if "." in name and self.entries()[name].state != "stopped":
                self.stop(name)
        replaced = [name for name in self.replaced() if name not in self.settings.infrastructure]
        for name in replaced:
            self.run(name)
        self.start(*[name for name in self._wanted if name not in replaced])

    def replaced(self) -> list[str]:
        """The processes whose command is not the ordinary one."""
        return [
            name
            for name, one in self._supervisor._supervised.items()
            if "." not in name
            and name in SERVICE_PROCESSES
            and one.process.command != described(name, self.settings).command
        ]


@contextmanager
def ordinary_stack(settings: Settings) -> Iterator[ChaosStack]:
    """The stack with one broker, one database and every process of the services."""
    with ChaosStack(settings) as stack:
        yield stack
