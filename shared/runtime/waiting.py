"""Waiting for events that a caller has seen and this service has not.

A waiting caller holds a thread. So few may wait at once, and of one organisation fewer still: whoever names events that
never come takes the slots of its own organisation and nobody else's.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.errors import Busy, NotYetSeen
from shared.runtime.change import Subject, Vector

WAIT_SECONDS = 2.0
STEP_SECONDS = 0.02
SHARE = 4
"""Of all slots, one organisation has at most one in so many."""


class Slots:
    """At most `total` wait at once, and of one organisation a quarter of that, or one."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._most = max(1, total // SHARE)
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def taken_now(self) -> int:
        """How many wait."""
        return self._taken.total()

    @contextlib.contextmanager
    def taken(self, organisation: str) -> Iterator[None]:
        """Hold a slot. Raises NotYetSeen, at once, when the organisation has none left, or nobody has."""
        with self._lock:
            if self._taken[organisation] >= self._most or self._taken.total() >= self._total:
                raise NotYetSeen("Many callers wait already.")
            self._taken[organisation] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[organisation] -= 1
                if not self._taken[organisation]:
                    del self._taken[organisation]


class Waiting:
    """Lets callers wait for the subjects of one service. Threads share it."""

    def __init__(self, database: Database[dict[str, Any]], collection: str, source: str, slots: int) -> None:
        self._states = database[collection]
        self._source = source
        self.slots = Slots(slots)

    def until_decided(
        self, organisation: str, subject: Subject, vector: Vector, until: float, decide: Callable[[], bool]
    ) -> None:
        """Decide once all that the vector counts is here, and again whenever the subject has moved.

        until: by the monotonic clock. decide: whether the caller need wait no longer. Who holds no part, or asks for
        what is not there, waits like everybody whose event has not come. Raises NotYetSeen at the end, Busy.
        """
        with self.slots.taken(organisation):
            judged: int | None = None
            while True:
                time.sleep(STEP_SECONDS)
                version, reached = self._seen(subject, vector)
                if reached and version != judged:
                    judged = version
                    if decide():
                        return
                if time.monotonic() > until:
                    raise NotYetSeen("Some events that the caller has seen have not arrived here yet.")

    def _seen(self, subject: Subject, vector: Vector) -> tuple[int, bool]:
        """How often the subject has moved, and whether all that the vector counts has been said or applied here."""
        try:
            found = self._states.find_one({"_id": subject}, {"v": 1, "in": 1, "out.seq": 1})
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error
        document = found or {"v": 0, "in": {}, "out": {"seq": 0}}
        applied = {**document["in"], self._source: document["out"]["seq"]}
        return document["v"], all(applied.get(source, 0) >= count for source, count in vector.items())
