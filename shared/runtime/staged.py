"""The memory of a unit of work: subjects as they are read and changed, and writes that are not sent yet.

The document of a subject:

    {_id: subject, v, rev, out: {seq, hlc, replies}, in: {source: applied}, chain: {source: hash},
     seen: {source: count}, waits, blocked, state: {schema_version, …}}

`v` moves with every change, `rev` with commands and timers only (ETag). `out.seq` numbers this service's events on
the subject without holes; `out.hlc` orders the outbox and never goes back. `in` counts the applied events per source,
and `chain` hashes them in that order (`fold.linked`). `seen` is the causal past: `in`, merged with the events that
the emitters had seen. `waits` counts this subject's parked events. The repository writes and reads `state`.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import ReplaceOne, UpdateOne

from shared.language.decision import Repository, Subject
from shared.language.errors import StateUnreadable

Document = dict[str, Any]


@dataclass(slots=True)
class SubjectDocument:
    """One subject's document while a unit of work holds it.

    unreadable: why this release cannot read the document, or empty. Such a document is never replaced. first_tick: the
    first order key that this unit gave.
    """

    subject: Subject
    state: Any = None
    v: int = 0
    rev: int = 0
    out_seq: int = 0
    hlc: int = 0
    first_tick: int = 0
    replies: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    chain: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    waits: int = 0
    blocked: bool = False
    dirty: bool = False
    revision_incremented: bool = False
    unreadable: str = ""

    def tick(self) -> int:
        """The next order key of the outbox: microseconds, never at or before an earlier one of this subject."""
        self.hlc = max(time.time_ns() // 1000, self.hlc + 1)
        self.first_tick = self.first_tick or self.hlc
        return self.hlc


def read(document: Document, repository: Repository) -> SubjectDocument:
    """The subject as it is stored. One that this release cannot read says why, and holds no state."""
    subject = Subject(document["_id"])
    try:
        held, state = _without_state(subject, document), document["state"]
    except (KeyError, TypeError):
        waits = document.get("waits")
        return SubjectDocument(
            subject,
            waits=waits if type(waits) is int else 0,
            unreadable="Its document lacks what the runtime keeps in it.",
        )
    if state is not None:
        try:
            held.state = repository.read(subject, state)
        except StateUnreadable as error:
            held.unreadable = error.why
    return held


def _without_state(subject: Subject, document: Document) -> SubjectDocument:
    out = document["out"]
    return SubjectDocument(
        subject=subject,
        v=document["v"],
        rev=document["rev"],
        out_seq=out["seq"],
        hlc=out["hlc"],
        replies=out["replies"],
        applied=document["in"],
        chain=document.get("chain", {}),
        seen=document["seen"],
        waits=document["waits"],
        blocked=document["blocked"],
    )


def written(held: SubjectDocument, repository: Repository) -> ReplaceOne[Document] | UpdateOne:
    """The write of one subject. An unreadable document stays as it is; only its parked events are counted."""
    if held.unreadable:
        return UpdateOne({"_id": held.subject}, {"$inc": {"v": 1}, "$set": {"waits": held.waits}})
    document = {
        "v": held.v + 1,
        "rev": held.rev,
        "out": {"seq": held.out_seq, "hlc": held.hlc, "replies": held.replies},
        "in": held.applied,
        "chain": held.chain,
        "seen": held.seen,
        "waits": held.waits,
        "blocked": held.blocked,
        "state": None if held.state is None else repository.write(held.state),
    }
    return ReplaceOne({"_id": held.subject}, document, upsert=True)


@dataclass(slots=True)
class Staged:
    """The writes that one decision, or several, have collected so far.

    puts: {(collection, key): document, or None to delete it}; adds: {(collection, key, shard): (amounts, fields set
    when the document is new)}.
    """

    held: dict[Subject, SubjectDocument] = field(default_factory=dict)
    writes: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    puts: dict[tuple[str, str], Mapping[str, Any] | None] = field(default_factory=dict)
    adds: dict[tuple[str, str, int], tuple[defaultdict[str, int], Mapping[str, Any]]] = field(
        default_factory=dict
    )

    def copy(self) -> "Staged":
        """A copy of what decisions read, for further decisions; it holds no writes."""
        return Staged(held=dict(self.held), puts=dict(self.puts))

    def dirty(self) -> Sequence[SubjectDocument]:
        """The subjects that have changed."""
        return [held for held in self.held.values() if held.dirty]

    def add(self, slot: tuple[str, str, int], amounts: Mapping[str, int], also: Mapping[str, Any]) -> None:
        """Add amounts to one counter document."""
        cells, _ = self.adds.setdefault(slot, (defaultdict(int), also))
        for cell, amount in amounts.items():
            cells[cell] += amount

    def merge(self, later: "Staged") -> None:
        """Add the writes of a later decision."""
        for held in later.dirty():
            held.revision_incremented = False
            self.held[held.subject] = held
        for collection, operations in later.writes.items():
            self.writes[collection] += operations
        self.puts |= later.puts
        for slot, (cells, also) in later.adds.items():
            self.add(slot, cells, also)
