"""Write conflicts: how a long transaction wins against many short ones.

After a write conflict, the next attempt locks the contested documents first, before it reads anything. From then on the
other writers are refused and try again. The first statement of a transaction also fixes what it sees, so no other
writer can come between.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.language.decision import Subject
from shared.runtime.staged import SubjectDocument

LOSSES_LEARNT_FROM = 2
"""After this many lost attempts we stop learning single documents, and lock every document that the batch reads."""

Read = Mapping[Subject, SubjectDocument]
OnRead = Callable[[Collection[Any], Read], None]
"""Called by a unit of work after each load, with all that it has read from the collection so far."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a transaction. on_read: what a unit of work in it must report its reads to."""

    session: ClientSession
    on_read: OnRead | None = None


class WriteConflicts:
    """The attempts at one transaction. losses: how many of them other writers spoilt after they had read anything."""

    def __init__(self) -> None:
        self.losses = 0
        self._read: dict[Collection[Any], Read] = {}
        self._contested: defaultdict[Collection[Any], set[Subject]] = defaultdict(set)

    def begin(self, session: ClientSession) -> Attempt:
        """Lock the contested documents, and begin to record reads. Blocks; raises PyMongoError.

        A conflict in the lock itself costs nothing: the attempt has read nothing yet.
        """
        self._read = {}
        for collection, subjects in self._contested.items():
            if subjects:
                collection.update_many({"_id": {"$in": list(subjects)}}, {"$inc": {"v": 1}}, session=session)
        return Attempt(session, self._record)

    def learn(self) -> None:
        """Learn from a lost attempt: a document that changed since it was read is contested. Raises PyMongoError."""
        self.losses += bool(self._read)
        for collection, read in self._read.items():
            contested = self._contested[collection]
            found = collection.find({"_id": {"$in": list(read)}}, {"v": 1})
            # 0: of a document that lacks what the runtime keeps in it, as when it was read.
            now = {row["_id"]: row.get("v", 0) for row in found}
            # A document that was locked already was read with this transaction's own increment.
            changed = {
                subject
                for subject, document in read.items()
                if subject not in contested and now.get(subject, 0) != document.v
            }
            contested.update(now if changed and self.losses >= LOSSES_LEARNT_FROM else changed)

    def _record(self, collection: Collection[Any], read: Read) -> None:
        self._read[collection] = read
