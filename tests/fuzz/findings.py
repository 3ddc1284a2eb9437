"""What a run found, and what it counted: kept as text, so that it can be read and sent again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path("fuzz-results")
SHOWN = 2000
LEAST_ACCEPTED = 0.3
"""Share of what a fuzzer sends that must be taken: one that is always refused at the door looks at the door alone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that may not be. kind: what it is, the same for the same fault; said: what was seen."""

    kind: str
    said: str


@dataclass(slots=True)
class Outcome:
    """What came of one batch. accepted, refused, failed: of what was sent; failed: answered with a fault of ours."""

    accepted: int = 0
    refused: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)

    def problem(self, kind: str, said: str) -> None:
        """Note what may not be."""
        self.problems.append(Problem(kind, said[:SHOWN]))

    def add(self, other: Outcome) -> None:
        """Count the other in."""
        self.accepted += other.accepted
        self.refused += other.refused
        self.failed += other.failed
        self.problems += other.problems


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem of one fuzzer, with what makes it again. seconds: from the fuzzer's beginning."""

    fuzzer: str
    kind: str
    said: str
    seed: str
    trial: str
    seconds: float


@dataclass(slots=True)
class Counts:
    """What one fuzzer did in its time. megabytes: most resident memory of each process seen.

    cut_short: why it ended before its time. known_refused: how many of the attacks that are known beforehand were
    refused; they say nothing of what is generated.
    """

    fuzzer: str
    outcome: Outcome = field(default_factory=Outcome)
    seconds: float = 0.0
    megabytes: dict[str, int] = field(default_factory=dict)
    cut_short: str = ""
    known_refused: int = 0

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.outcome.accepted + self.outcome.refused + self.outcome.failed

    @property
    def toy(self) -> bool:
        """Whether too little of what was generated was taken."""
        generated = self.sent - self.known_refused
        return not self.cut_short and self.outcome.accepted < LEAST_ACCEPTED * generated


@dataclass(slots=True)
class Findings:
    """Every kind of problem once, written down as soon as it is found. folder: where; first: whether one is enough."""

    folder: Path
    seed: str
    first: bool = False
    found: list[Finding] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether nothing more need be found."""
        return self.first and bool(self.found)

    def new(self, fuzzer: str, kind: str) -> bool:
        """Whether this fuzzer has not met this kind yet."""
        return not any(one.fuzzer == fuzzer and one.kind == kind for one in self.found)

    def keep(self, fuzzer: str, problem: Problem, trial: str, seconds: float) -> Finding:
        """Keep it, and write it to the folder."""
        finding = Finding(fuzzer, problem.kind, problem.said, self.seed, trial, round(seconds, 1))
        self.found.append(finding)
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(finding), indent=1, ensure_ascii=True)
        (self.folder / f"finding-{len(self.found)}.json").write_text(text, encoding="utf-8")
        return finding

    def write(self, counts: list[Counts], seconds: float) -> None:
        """Write what the whole run came to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {
            "seed": self.seed,
            "seconds": round(seconds, 1),
            "findings": [asdict(one) for one in self.found],
            "counts": [_shown(one) for one in counts],
        }
        (self.folder / "latest.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


def _shown(one: Counts) -> dict[str, Any]:
    return {
        "fuzzer": one.fuzzer,
        "sent": one.sent,
        "accepted": one.outcome.accepted,
        "refused": one.outcome.refused,
        "failed": one.outcome.failed,
        "seconds": round(one.seconds, 1),
        "megabytes": one.megabytes,
        "cut_short": one.cut_short,
    }
