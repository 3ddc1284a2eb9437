"""Runs the fuzzers on stacks of their own and prints what each sent, what was taken, and what was found.

    python -m tests.fuzz               all of them, ten minutes
    MINUTES=60 SEED=5 ONLY="inbound files" python -m tests.fuzz
    PART=1 python -m tests.fuzz        the short form that continuous integration runs

SEED repeats a run; FIRST=1 ends at the first finding. STACK_PORT_BASE places the stack, which otherwise has free ports;
its folder is new, and removed at the end. What was found is kept in FUZZ_RESULTS (fuzz-results). Exit 1 when anything
was found, and when a fuzzer's generator is a toy.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.fuzz.all import FUZZERS
from tests.fuzz.findings import LEAST_ACCEPTED, RESULTS, Counts, Findings
from tests.fuzz.fuzzer import Driver, Fuzzer
from tests.fuzz.world import World
from tools.stack import Settings, Stack
from tools.stack.preflight import free_port_base
from tools.stack.processes import EVERYTHING

MINUTES = 10.0
PART_SECONDS = 6.0
"""Of each fuzzer in the short form, beside what is known, which is always sent."""


class Runner:
    """Runs fuzzers one after the other, on one stack until one of them breaks it."""

    def __init__(self, findings: Findings, console: Console) -> None:
        self._findings = findings
        self._console = console
        self._open = ExitStack()
        self._world: World | None = None

    def run(self, kind: type[Fuzzer[Any]], seconds: float) -> Counts:
        """Drive one fuzzer for so long."""
        world = self._world_now()
        fuzzer = kind(world, random.Random(f"{self._findings.seed}/{kind.name}"))
        counts = Driver(self._findings).drive(fuzzer, seconds)
        if world.broken:
            self.close()
        return counts

    def _world_now(self) -> World:
        if self._world is None:
            settings = self._open.enter_context(_settings())
            stack = self._open.enter_context(Stack(settings, EVERYTHING, restart=True))
            world = World(stack, random.Random(self._findings.seed), self._say)
            self._open.callback(world.close)
            world.furnish()
            self._world = world
        return self._world

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def close(self) -> None:
        """Take the stack down."""
        self._open.close()
        self._open, self._world = ExitStack(), None


@contextmanager
def _settings() -> Iterator[Settings]:
    """Where the next stack lives: always in an empty folder. Its logs are kept in KEEP_LOGS, where that is said."""
    base = os.environ.get("STACK_PORT_BASE")
    folder = Path(tempfile.mkdtemp(prefix="journey-fuzz-"))
    port = int(base) if base else free_port_base(20_000, 30_000)
    try:
        yield Settings(port, folder, log_level=os.environ.get("LOG_LEVEL") or "INFO")
    finally:
        if (kept := os.environ.get("KEEP_LOGS")) and (folder / "logs").exists():
            shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def chosen(only: str) -> Sequence[type[Fuzzer[Any]]]:
    """The fuzzers of these names, all where none is named. Raises ValueError for a name that is none's."""
    names = only.replace(",", " ").split()
    if unknown := set(names) - {one.name for one in FUZZERS}:
        raise ValueError(f"there is no fuzzer {', '.join(sorted(unknown))}")
    return [one for one in FUZZERS if not names or one.name in names]


def show(console: Console, counts: Sequence[Counts], findings: Findings) -> None:
    """The table, and every finding with what makes it again."""
    table = Table(title=f"fuzz, SEED={findings.seed}")
    for name in ("fuzzer", "sent", "accepted", "refused", "5xx", "findings", "took", "most memory"):
        table.add_column(name, overflow="fold")
    for one in counts:
        outcome = one.outcome
        share = f"{outcome.accepted} ({outcome.accepted / one.sent:.0%})" if one.sent else "0"
        most = max(one.megabytes.items(), key=lambda each: each[1], default=("", 0))
        mine = sum(finding.fuzzer == one.fuzzer for finding in findings.found)
        table.add_row(
            one.fuzzer, str(one.sent), f"[red]{share}" if one.toy else share, str(outcome.refused),
            str(outcome.failed), f"[red]{mine}" if mine else "0", f"{one.seconds:.0f} s", f"{most[0]} {most[1]} MB",
        )  # fmt: skip
    console.print(table)
    for found in findings.found:
        console.print(f"[red]{found.fuzzer}[/] {found.kind} ({found.seconds:.0f} s)", highlight=False)
        console.print(f"{found.said}\n{found.trial}", highlight=False, markup=False)
    for one in counts:
        if one.toy:
            least = f"{LEAST_ACCEPTED:.0%}"
            console.print(
                f"[red]{one.fuzzer}[/] the generator is a toy: {least} of what it sends must be taken"
            )


def main() -> int:
    """Run what the environment asks for."""
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    part = os.environ.get("PART") == "1"
    wanted = chosen(os.environ.get("ONLY", ""))
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    each = PART_SECONDS if part else minutes * 60 / len(wanted)
    console = Console(width=max(120, Console().width))
    findings = Findings(Path(os.environ.get("FUZZ_RESULTS") or RESULTS), seed, os.environ.get("FIRST") == "1")
    console.print(f"{len(wanted)} fuzzers, {each:.0f} s each, SEED={seed}")
    counts: list[Counts] = []
    runner = Runner(findings, console)
    began = time.monotonic()
    try:
        for kind in wanted:
            counts.append(runner.run(kind, each))
            console.print(f"{kind.name}: {counts[-1].sent} sent, {counts[-1].seconds:.0f} s", highlight=False)
            findings.write(counts, time.monotonic() - began)
    finally:
        runner.close()
    show(console, counts, findings)
    return 1 if findings.found or any(one.toy for one in counts) or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
