"""Runs scenarios and prints what struck, how long recovery took, and which invariants hold.

    python -m tests.chaos              all of them
    ONLY="3 7-9" SEED=5 python -m tests.chaos
    PART=1 python -m tests.chaos       the part that continuous integration runs

SEED repeats a run's chances. STACK_PORT_BASE places the stack, which otherwise has free ports. Its folder is a new one,
within STACK_DIR where that is said, and removed at the end; the logs are kept when something failed. Exit 1 on any
failure.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos import scenarios
from tests.chaos.awaiting import TimedOut
from tests.chaos.invariants import check_all, summary
from tests.chaos.scenario import Builds, NotRun, Scenario, chosen
from tests.chaos.stack import ordinary_stack
from tests.chaos.world import SETTLE_SECONDS, World
from tools.stack import Settings
from tools.stack.preflight import free_port_base

RESULTS = Path("chaos-results") / "latest.json"
SHOWN = 6


@dataclass
class Result:
    """What became of one scenario. problems: empty when it passed."""

    number: int
    title: str
    struck: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recovery_seconds: float | None = None
    bound_seconds: float = 0.0
    seconds: float = 0.0
    commands: int = 0
    events: int = 0
    invariants: str = "not checked"
    not_run: str = ""
    problems: list[str] = field(default_factory=list)


class Runner:
    """Runs scenarios one after the other, on shared surroundings where they can be shared."""

    def __init__(self, seed: str, *, full: bool, console: Console) -> None:
        self._seed = seed
        self._full = full
        self._within = float(os.environ.get("CHAOS_SETTLE_SECONDS") or SETTLE_SECONDS)
        self._console = console
        self._open: ExitStack | None = None
        self._world: World | None = None
        self._builds: Builds | None = None

    def run(self, one: Scenario) -> Result:
        """Run one scenario, let the stack settle, and check everything."""
        result = Result(one.number, one.title, bound_seconds=one.recovers_within)
        began = time.monotonic()
        try:
            world = self._world_for(one)
            before = len(world.records.commands), world.log.records
            world.begin(one.number)
            try:
                self._act(world, one, result)
                self._check(world, one, result)
            finally:
                result.struck = [f"{struck.what}: {struck.evidence}" for struck in world.evidence]
                result.notes = list(world.notes)
                result.commands = len(world.records.commands) - before[0]
                result.events = world.log.records - before[1]
        except NotRun as why:
            result.not_run = str(why)
            self.close()
        except Exception as error:  # noqa: BLE001 - a scenario that breaks has failed, and the next one runs
            result.problems.append(_described(error))
        result.seconds = time.monotonic() - began
        if result.problems or one.fresh:
            self.close(keep=bool(result.problems) and os.environ.get("KEEP_LOGS") != "0")
        return result

    @staticmethod
    def _act(world: World, one: Scenario, result: Result) -> None:
        """Let it strike. Where it breaks, it has failed, and the invariants are checked all the same.

        A guard that is gone is often missed first by the scenario's own evidence; what came of it shows only there.
        """
        try:
            one.act(world)
        except NotRun:
            raise
        except Exception as error:  # noqa: BLE001 - told with what the invariants say
            result.problems.append(_described(error))

    def _check(self, world: World, one: Scenario, result: Result) -> None:
        world.stack.ordinary()
        try:
            result.recovery_seconds = round(world.settle(self._within), 1)
        except TimedOut as never:
            result.problems.append(f"G4 {never}")
        checked = check_all(world.seen(result.recovery_seconds or 0.0, one.recovers_within))
        for violation in world.violations:
            checked[violation.invariant].insert(0, violation)
        result.invariants = summary(checked)
        for name, violations in checked.items():
            result.problems += [str(violation) for violation in violations[:SHOWN]]
            if len(violations) > SHOWN:
                result.problems.append(f"{name}: {len(violations) - SHOWN} more")
        if not any(world.lines.applied.values()):
            result.problems.append("no service's log says what it applied, so nobody saw in which order")
        if not world.evidence:
            result.problems.append("nothing proves that the fault struck")

    def _world_for(self, one: Scenario) -> World:
        builds = one.builds or ordinary_stack
        if self._world is not None and (self._builds is not builds or one.fresh):
            self.close()
        if self._world is None:
            self._open = ExitStack()
            stack = self._open.enter_context(builds(self._open.enter_context(_settings())))
            self._world = World(stack, self._seed, self._full)
            self._open.callback(self._world.close)
            self._builds = builds
        return self._world

    def close(self, *, keep: bool = False) -> None:
        """Take the surroundings down. keep: leave their folder, logs and data, to be looked at."""
        if self._open is not None and self._world is not None:
            folder = self._world.stack.settings.folder
            if keep:
                kept = folder.with_name(f"{folder.name}-failed-{time.time_ns() // 10**9}")
                self._open.callback(shutil.copytree, folder / "logs", kept / "logs", dirs_exist_ok=True)
                self._console.print(f"  the logs are kept in {kept}")
            self._open.close()
        self._open = self._world = self._builds = None


@contextmanager
def _settings() -> Iterator[Settings]:
    """Where the next stack lives: always in an empty folder."""
    base = os.environ.get("STACK_PORT_BASE")
    parent = os.environ.get("STACK_DIR") or None
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="journey-chaos-", dir=parent))
    port = int(base) if base else free_port_base(20_000, 30_000)
    try:
        yield Settings(port, folder, log_level=os.environ.get("LOG_LEVEL") or "INFO")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _described(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"


def _verdict(one: Result) -> str:
    if one.problems:
        return "[red]failed"
    return f"not run: {one.not_run}" if one.not_run else one.invariants


def show(console: Console, results: list[Result], seed: str) -> None:
    """The table."""
    table = Table(title=f"chaos, SEED={seed}", show_lines=False)
    for name in ("", "scenario", "struck", "recovery", "bound", "took", "events", "invariants"):
        table.add_column(name, overflow="fold")
    for one in results:
        recovery = "" if one.recovery_seconds is None else f"{one.recovery_seconds:.1f} s"
        table.add_row(
            str(one.number), one.title, "\n".join(one.struck), recovery, f"{one.bound_seconds:.0f} s",
            f"{one.seconds:.0f} s", str(one.events), _verdict(one),
        )  # fmt: skip
    console.print(table)
    for one in results:
        for problem in one.problems:
            console.print(f"[red]{one.number}[/] {problem}", highlight=False)


def main() -> int:
    """Run what the environment asks for."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"{scenarios.__name__}.{module.name}")
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    part = os.environ.get("PART") == "1"
    wanted = chosen(os.environ.get("ONLY", ""), part=part)
    console = Console(width=max(120, Console().width))
    console.print(f"{len(wanted)} scenarios, SEED={seed}")
    runner = Runner(seed, full=not part, console=console)
    results: list[Result] = []
    began = time.monotonic()
    try:
        for one in wanted:
            result = runner.run(one)
            results.append(result)
            ran = f"[yellow]not run[/] ({result.not_run})" if result.not_run else "[green]ok[/]"
            verdict = "[red]FAILED[/]" if result.problems else ran
            console.print(f"{verdict} {one.number:>3} {one.title} ({result.seconds:.0f} s)", highlight=False)
            for problem in result.problems:
                console.print(f"      {problem}", highlight=False, markup=False)
            keep(results, seed, time.monotonic() - began)
    finally:
        runner.close()
    show(console, results, seed)
    return 1 if not results or any(one.problems for one in results) else 0


def keep(results: list[Result], seed: str, seconds: float) -> None:
    """Write the results where a later look finds them."""
    path = Path(os.environ.get("CHAOS_RESULTS") or RESULTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "seed": seed,
        "seconds": round(seconds, 1),
        "scenarios": [vars(one) for one in results],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
