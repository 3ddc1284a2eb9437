"""How a long transaction wins against many short ones: it learns what they write to, and takes that first."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.language.decision import Subject
from shared.runtime.staged import Held

LOSSES_LEARNT_FROM = 2
"""After so many, whoever writes is at too many states to learn of one by one: all that was read is taken first."""

Read = dict[Collection[Any], Mapping[Subject, Held]]

_open: ContextVar[Read | None] = ContextVar("read", default=None)


class Contest:
    """The attempts at one transaction, of which others have spoilt some by writing to states that it had read.

    losses: how many were spoilt after they had read anything.
    """

    def __init__(self) -> None:
        self.losses = 0
        self._read: Read = {}
        self._wanted: defaultdict[Collection[Any], set[Subject]] = defaultdict(set)

    @contextlib.contextmanager
    def attempt(self, session: ClientSession) -> Iterator[None]:
        """Write to what others want, before anything else; while inside, units tell what they read.

        From then on the others are refused, and come again. The first statement of a transaction also fixes what it
        sees, so nobody can come between; and where somebody is there already, an attempt was lost that cost nothing.
        """
        self._read = {}
        for collection, subjects in self._wanted.items():
            if subjects:
                collection.update_many({"_id": {"$in": list(subjects)}}, {"$inc": {"v": 1}}, session=session)
        token = _open.set(self._read)
        try:
            yield
        finally:
            _open.reset(token)

    def lost(self) -> None:
        """Learn from an attempt: what has changed since it was read is wanted by others too. Raises PyMongoError."""
        self.losses += bool(self._read)
        for collection, read in self._read.items():
            wanted = self._wanted[collection]
            now = {row["_id"]: row["v"] for row in collection.find({"_id": {"$in": list(read)}}, {"v": 1})}
            # What it held already, it has read with its own writing to it.
            changed = {
                subject
                for subject, held in read.items()
                if subject not in wanted and now.get(subject, 0) != held.v
            }
            wanted.update(now if changed and self.losses >= LOSSES_LEARNT_FROM else changed)


def tell(collection: Collection[Any], read: Mapping[Subject, Held]) -> None:
    """Let the attempt that is on, if any, know all that a unit has read from the collection up to now."""
    reading = _open.get()
    if reading is not None:
        reading[collection] = read
