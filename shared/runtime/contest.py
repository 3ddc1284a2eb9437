"""How a long transaction wins against many short ones: it learns what they write to, and takes that first."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.runtime.change import Subject
from shared.runtime.staged import Held

_open: ContextVar["Contest | None"] = ContextVar("contest", default=None)


class Contest:
    """The attempts at one transaction, of which others have spoilt some by writing to states that it had read.

    read: what the attempt under way has read, as it was found.
    """

    def __init__(self) -> None:
        self.read: dict[Collection[Any], Mapping[Subject, Held]] = {}
        self._wanted: defaultdict[Collection[Any], set[Subject]] = defaultdict(set)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """While inside, units tell what they read."""
        token = _open.set(self)
        try:
            yield
        finally:
            _open.reset(token)

    def hold(self, session: ClientSession) -> None:
        """Write to what others want, before anything else: whoever comes then must wait.

        The first statement of a transaction also fixes what it sees, so nobody can come between; and where somebody
        is there already, an attempt has been lost that cost nothing yet.
        """
        self.read.clear()
        for collection, subjects in self._wanted.items():
            collection.update_many({"_id": {"$in": list(subjects)}}, {"$inc": {"v": 1}}, session=session)

    def lost(self) -> None:
        """Learn from an attempt: what has changed since it was read is wanted by others; if nothing has, all may be."""
        for collection, read in self.read.items():
            now = {row["_id"]: row["v"] for row in collection.find({"_id": {"$in": list(read)}}, {"v": 1})}
            changed = [subject for subject, held in read.items() if now.get(subject, 0) != held.v]
            self._wanted[collection].update(changed or now)


def tell(collection: Collection[Any], read: Mapping[Subject, Held]) -> None:
    """Let the contest that is on, if any, know all that a unit has read from the collection up to now."""
    contest = _open.get()
    if contest is not None:
        contest.read[collection] = read
