"""Breaks the runtime on purpose, one patch at a time, and sees that the suite notices: `python -m tests.chaos.mutate`.

Each patch of `mutants/` begins with three lines. `Breaks:` names the broken property, and `Caught-by:` the scenario
that must fail. `Violates:` names the invariant that it must fail on, or several of which one must be violated.
Missing evidence, or a wait that times out, catches nothing. The patch is applied to a copy of the tree, and its
scenario alone runs there, in its short form. First, the same scenarios must pass on the tree as it is, for a scenario
that always fails would catch everything.

ONLY names patches by parts of their names; SEED repeats a run's chances; UNBROKEN=0 leaves out the tree as it is.
Exit 1 when a mutant survives, or when the unbroken tree fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.tree import InvalidPatch, header, patched
from tools.stack.settings import REPOSITORY

MUTANTS = Path(__file__).with_name("mutants")
SETTLE_SECONDS = "30"
"""How long a broken stack is waited for; what is left undone then is a violation."""
SHOWN = 160
VIOLATION = re.compile(r"^(G\d+)[ :](?!it did not settle)")
"""A violated invariant; that the stack did not settle is none, but what it left undone is."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch, and what must become of it. scenario: a number; violates: invariants, one of which."""

    patch: Path
    breaks: str
    scenario: int
    violates: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.patch.stem


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant. found: by invariant, what violated it first; others: what else the scenario said."""

    mutant: Mutant
    found: Mapping[str, str]
    others: Sequence[str]
    seconds: float

    @property
    def dead(self) -> bool:
        """Whether an invariant that is named was violated."""
        return self.by is not None

    @property
    def by(self) -> str | None:
        """The first invariant of those named that was violated."""
        return next((one for one in self.mutant.violates if one in self.found), None)


def read_mutant(patch: Path) -> Mutant:
    """What the patch says of itself. Raises InvalidPatch."""
    told = header(patch)
    try:
        return Mutant(patch, told["breaks"], int(told["caught-by"]), tuple(told["violates"].split()))
    except (KeyError, ValueError) as error:
        raise InvalidPatch(
            f"{patch.name} does not say by which scenario and invariant it is caught: {error}"
        ) from None


def judged(mutant: Mutant, document: Mapping[str, Any], seconds: float) -> Verdict:
    """The verdict by the scenario's results; nothing but a violated invariant counts."""
    found: dict[str, str] = {}
    others: list[str] = []
    for problem in (text for one in document.get("scenarios", []) for text in one["problems"]):
        violated = VIOLATION.match(problem)
        if violated is None:
            others.append(problem[:SHOWN])
        else:
            found.setdefault(violated[1], problem[:SHOWN])
    return Verdict(mutant, found, others, seconds)


def run_suite(tree: Path, scenarios: Sequence[int], seed: str, settle: str = "") -> dict[str, Any]:
    """Run these scenarios, in their short form, in that copy of the source; what became of them. Blocks for minutes."""
    with tempfile.TemporaryDirectory(prefix="journey-mutant-") as folder:
        results = Path(folder) / "results.json"
        told = {
            "ONLY": " ".join(map(str, scenarios)),
            "SEED": seed,
            "CHAOS_RESULTS": str(results),
            "CHAOS_SETTLE_SECONDS": settle,
            "PART": "1",
            "KEEP_LOGS": "0",
        }
        command = [sys.executable, "-m", "tests.chaos"]
        done = subprocess.run(
            command, cwd=tree, env={**os.environ, **told}, capture_output=True, text=True, check=False
        )
        if not results.exists():
            said = (done.stderr or done.stdout).strip()[-SHOWN:]
            return {"scenarios": [{"number": 0, "problems": [f"the suite did not run: {said}"]}]}
        document: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
        return document


def judge(mutant: Mutant, seed: str) -> Verdict:
    """Apply the patch to a copy of the tree and run what must catch it. Blocks for a minute or more."""
    began = time.monotonic()
    try:
        with patched(mutant.patch) as tree:
            document = run_suite(tree, [mutant.scenario], seed, SETTLE_SECONDS)
    except InvalidPatch as unfit:
        return Verdict(mutant, {}, [str(unfit)], time.monotonic() - began)
    return judged(mutant, document, time.monotonic() - began)


def failing_unbroken(mutants: Sequence[Mutant], seed: str) -> list[str]:
    """What the tree as it is says to the scenarios of these mutants: nothing, when it passes them."""
    document = run_suite(REPOSITORY, sorted({one.scenario for one in mutants}), seed)
    ran = {one["number"] for one in document["scenarios"] if not one.get("not_run")}
    missing = {one.scenario for one in mutants} - ran
    problems = [f"{one['number']}: {text}" for one in document["scenarios"] for text in one["problems"]]
    return problems + [f"{number}: it did not run" for number in sorted(missing) if not problems]


def _named(patch: Path) -> bool:
    """Whether ONLY, where it is said, has a part of the patch's name."""
    words = os.environ.get("ONLY", "").split()
    return not words or any(word in patch.name for word in words)


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The table."""
    table = Table(title="mutants", show_lines=True)
    for name in ("mutant", "what is broken", "caught by", "what was found", "took"):
        table.add_column(name, overflow="fold")
    for one in verdicts:
        caught = f"{one.mutant.scenario}, {one.by}" if one.by else "[red]nobody"
        named = one.found[one.by] if one.by else None
        also = sorted(set(one.found) - {one.by})
        said = named or "\n".join([*one.found.values(), *one.others]) or "nothing"
        table.add_row(
            one.mutant.name,
            one.mutant.breaks,
            caught,
            said + (f"\nalso {' '.join(also)}" if named and also else ""),
            f"{one.seconds:.0f} s",
        )
    console.print(table)


def main() -> int:
    """Judge every mutant and print which scenario caught which, by which invariant."""
    console = Console(width=max(140, Console().width))
    seed = os.environ.get("SEED") or "1"
    mutants = [read_mutant(one) for one in sorted(MUTANTS.glob("*.patch")) if _named(one)]
    began = time.monotonic()
    failing: list[str] = []
    if os.environ.get("UNBROKEN") != "0" and mutants:
        failing = failing_unbroken(mutants, seed)
        state = "[red]fails[/]" if failing else "[green]passes[/]"
        console.print(
            f"the unbroken tree {state} their scenarios ({time.monotonic() - began:.0f} s)", highlight=False
        )
        for problem in failing:
            console.print(f"  {problem}", highlight=False, markup=False)
    verdicts = []
    for mutant in mutants:
        verdict = judge(mutant, seed)
        verdicts.append(verdict)
        state = "[green]caught[/]" if verdict.dead else "[red]SURVIVED[/]"
        console.print(f"{state} {mutant.name} ({verdict.seconds:.0f} s)", highlight=False)
    show(console, verdicts)
    dead = sum(one.dead for one in verdicts)
    console.print(f"{dead} of {len(verdicts)} caught, {time.monotonic() - began:.0f} s", highlight=False)
    return 0 if verdicts and dead == len(verdicts) and not failing else 1


if __name__ == "__main__":
    sys.exit(main())
