"""Breaks the runtime on purpose, one patch at a time, and sees that the suite notices: `python -m tests.chaos.mutate`.

Each patch of `mutants/` begins with `Breaks:` (what is no longer so) and `Caught-by:` (the scenarios that must fail).
It is applied to a copy of the tree, and the scenarios run there. A mutant that a named scenario does not notice has
survived: exit 1. ONLY names patches by parts of their names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.tree import Unfit, header, patched

MUTANTS = Path(__file__).with_name("mutants")
NOT_THE_MUTANT = re.compile(r"^(Trouble|Unfit|ImportError|SyntaxError|NameError)")
"""A failure of the suite itself proves nothing."""
SETTLE_SECONDS = "30"
SHOWN = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant. caught: {scenario: what it found first}."""

    name: str
    breaks: str
    caught: dict[int, str]
    survived: list[int]
    seconds: float
    trouble: str = ""

    @property
    def dead(self) -> bool:
        """Whether every scenario that is named has noticed."""
        return bool(self.caught) and not self.survived and not self.trouble


def judge(patch: Path, seed: str) -> Verdict:
    """Apply one patch to a copy of the tree and run what must catch it. Blocks for a minute or more."""
    told = header(patch)
    only, began = told.get("caught-by", ""), time.monotonic()
    try:
        with patched(patch) as tree, tempfile.TemporaryDirectory(prefix="journey-mutant-") as folder:
            results = Path(folder) / "results.json"
            environment = {
                **os.environ,
                "ONLY": only,
                "SEED": seed,
                "CHAOS_RESULTS": str(results),
                "CHAOS_SETTLE_SECONDS": SETTLE_SECONDS,
                "PART": "",
                "KEEP_LOGS": "0",
            }
            done = subprocess.run(
                [sys.executable, "-m", "tests.chaos"], cwd=tree, env=environment, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            document: dict[str, Any] = (
                json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
            )
    except Unfit as unfit:
        return Verdict(patch.stem, told.get("breaks", ""), {}, [], time.monotonic() - began, str(unfit))
    caught, survived, trouble = {}, [], ""
    for one in document.get("scenarios", []):
        found = [problem for problem in one["problems"] if not NOT_THE_MUTANT.match(problem)]
        if found:
            caught[one["number"]] = found[0][:SHOWN]
        elif one["problems"]:
            trouble = str(one["problems"][0])
        else:
            survived.append(one["number"])
    if not document:
        trouble = (done.stderr or done.stdout).strip()[-300:]
    return Verdict(patch.stem, told.get("breaks", ""), caught, survived, time.monotonic() - began, trouble)


def _named(patch: Path) -> bool:
    """Whether ONLY, where it is said, has a part of the patch's name."""
    words = os.environ.get("ONLY", "").split()
    return not words or any(word in patch.name for word in words)


def main() -> int:
    """Judge every mutant and print which scenario caught which."""
    console = Console(width=max(140, Console().width))
    seed = os.environ.get("SEED") or "1"
    patches = [one for one in sorted(MUTANTS.glob("*.patch")) if _named(one)]
    verdicts = []
    for patch in patches:
        verdict = judge(patch, seed)
        verdicts.append(verdict)
        state = "[green]caught[/]" if verdict.dead else "[red]SURVIVED[/]"
        console.print(f"{state} {verdict.name} ({verdict.seconds:.0f} s) {verdict.trouble}", highlight=False)
    table = Table(title="mutants", show_lines=True)
    for name in ("mutant", "what is broken", "caught by", "what was found first"):
        table.add_column(name, overflow="fold")
    for one in verdicts:
        by = ", ".join(str(number) for number in one.caught) or "[red]nobody"
        missed = f" [red](not by {', '.join(map(str, one.survived))})" if one.survived else ""
        table.add_row(one.name, one.breaks, by + missed, "\n".join(one.caught.values()) or one.trouble)
    console.print(table)
    return 0 if verdicts and all(one.dead for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
