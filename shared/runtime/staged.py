"""What a unit of work holds in its hands: subjects as they are read and changed, and writes not yet sent."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.language.decision import Subject


@dataclass(slots=True)
class Held:
    """One subject's document while a unit of work holds it."""

    subject: Subject
    state: Any = None
    v: int = 0
    rev: int = 0
    out_seq: int = 0
    hlc: int = 0
    replies: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    chain: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    waits: int = 0
    blocked: bool = False
    dirty: bool = False
    raised: bool = False

    def tick(self) -> int:
        """The next order key of the outbox: microseconds, never at or before an earlier one of this subject."""
        self.hlc = max(time.time_ns() // 1000, self.hlc + 1)
        return self.hlc


@dataclass(slots=True)
class Staged:
    """What one decision, or several, have collected so far.

    puts: {(collection, key): document, or None where it goes}; adds: {(collection, key, shard): (amounts, fields set
    when the document is new)}.
    """

    held: dict[Subject, Held] = field(default_factory=dict)
    writes: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    puts: dict[tuple[str, str], Mapping[str, Any] | None] = field(default_factory=dict)
    adds: dict[tuple[str, str, int], tuple[defaultdict[str, int], Mapping[str, Any]]] = field(
        default_factory=dict
    )

    def copy(self) -> "Staged":
        """The same as far as decisions read it, to decide further on; nothing that is to be written."""
        return Staged(held=dict(self.held), puts=dict(self.puts))

    def dirty(self) -> Sequence[Held]:
        """The subjects that have changed."""
        return [held for held in self.held.values() if held.dirty]

    def add(self, slot: tuple[str, str, int], amounts: Mapping[str, int], also: Mapping[str, Any]) -> None:
        """Add amounts to one counter document."""
        cells, _ = self.adds.setdefault(slot, (defaultdict(int), also))
        for cell, amount in amounts.items():
            cells[cell] += amount

    def take_in(self, later: "Staged") -> None:
        """Add what a later decision collected."""
        for held in later.dirty():
            held.raised = False
            self.held[held.subject] = held
        for collection, operations in later.writes.items():
            self.writes[collection] += operations
        self.puts |= later.puts
        for slot, (cells, also) in later.adds.items():
            self.add(slot, cells, also)
