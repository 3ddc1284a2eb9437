"""Undoes one mend at a time and sees that the fuzzers find it again: `python -m tests.fuzz.prove`.

Each patch of `undone/` begins with three lines. `Undoes:` names the fix, and `Found-by:` the fuzzer that must find
it. `As:` is the beginning of the finding's kind; alternatives are separated by `|`. It is applied to a copy of the
tree, and that fuzzer alone runs there until its first finding, at most MINUTES (10).

ONLY names patches by parts of their names; SEED repeats a run's chances. Exit 1 when one is not found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.chaos.tree import InvalidPatch, header, patched

UNDONE = Path(__file__).with_name("undone")
MINUTES = "10"
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Undone:
    """One patch, and what must come of it. kinds: one of them must begin the kind of the finding."""

    patch: Path
    undoes: str
    fuzzer: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one patch. found: the finding, as it was written; None where there is none of its kinds."""

    undone: Undone
    found: Mapping[str, Any] | None
    said: str
    seconds: float


def read_undone(patch: Path) -> Undone:
    """What the patch says of itself. Raises InvalidPatch."""
    told = header(patch)
    try:
        kinds = tuple(kind.strip() for kind in told["as"].split("|"))
        return Undone(patch, told["undoes"], told["found-by"], kinds)
    except KeyError as error:
        raise InvalidPatch(f"{patch.name} does not say {error}") from None


def judged(undone: Undone, document: Mapping[str, Any], seconds: float) -> Verdict:
    """The verdict by what the run wrote; a finding of another fuzzer or kind proves nothing."""
    mine = [one for one in document.get("findings", ()) if one["fuzzer"] == undone.fuzzer]
    found = next((one for one in mine if one["kind"].startswith(undone.kinds)), None)
    said = (
        found["said"]
        if found
        else ", ".join(one["kind"] for one in mine) or str(document.get("said", "nothing"))
    )
    return Verdict(undone, found, said[:SHOWN], seconds)


def run(tree: Path, fuzzer: str) -> Mapping[str, Any]:
    """Run one fuzzer in that copy of the source until its first finding; what it wrote. Blocks for minutes."""
    with tempfile.TemporaryDirectory(prefix="journey-undone-") as folder:
        told = {"ONLY": fuzzer, "FIRST": "1", "FUZZ_RESULTS": folder, "PART": "0"}
        told["MINUTES"] = os.environ.get("MINUTES") or MINUTES
        command = [sys.executable, "-m", "tests.fuzz"]
        done = subprocess.run(
            command, cwd=tree, env={**os.environ, **told}, capture_output=True, text=True, check=False
        )
        results = Path(folder) / "latest.json"
        if not results.exists():
            return {"said": f"it did not run: {(done.stderr or done.stdout).strip()[-SHOWN:]}"}
        document: Mapping[str, Any] = json.loads(results.read_text(encoding="utf-8"))
        return document


def judge(undone: Undone) -> Verdict:
    """Apply the patch to a copy of the tree and run what must find it."""
    began = time.monotonic()
    try:
        with patched(undone.patch) as tree:
            document = run(tree, undone.fuzzer)
    except InvalidPatch as unfit:
        document = {"said": str(unfit)}
    return judged(undone, document, time.monotonic() - began)


def _named(patch: Path) -> bool:
    """Whether ONLY, where it is said, has a part of the patch's name."""
    words = os.environ.get("ONLY", "").split()
    return not words or any(word in patch.name for word in words)


def main() -> int:
    """Judge every patch and print what was found, and after how long."""
    console = Console(width=max(120, Console().width))
    verdicts: list[Verdict] = []
    for patch in sorted(one for one in UNDONE.glob("*.patch") if _named(one)):
        verdict = judge(read_undone(patch))
        verdicts.append(verdict)
        state = "[green]found[/]" if verdict.found else "[red]NOT FOUND[/]"
        after = (
            f"{verdict.found['seconds']:.0f} s of {verdict.seconds:.0f}"
            if verdict.found
            else f"{verdict.seconds:.0f} s"
        )
        console.print(f"{state} {patch.stem} by {verdict.undone.fuzzer} ({after})", highlight=False)
        console.print(f"  {verdict.undone.undoes}: {verdict.said}", highlight=False, markup=False)
    return 0 if verdicts and all(one.found for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
