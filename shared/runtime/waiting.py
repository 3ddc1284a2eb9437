"""Waiting for events that a caller has seen and this service has not.

A waiting caller holds a thread. So only few may wait at once, and fewer of one organisation: a caller that names events
which never come leaves slots to the others.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.language.decision import Subject, Vector
from shared.language.errors import Busy, NotYetSeen, Refused

WAIT_SECONDS = 2.0
STEP_SECONDS = 0.02
SHARE = 4
"""One organisation may hold one slot in SHARE, as long as any is free."""


class Slots:
    """At most `total` slots; one organisation gets a quarter of them, or more while as many again stay free.

    refusal: makes the error for a caller that gets no slot.
    """

    def __init__(self, total: int, refusal: Callable[[], Refused]) -> None:
        self._total = total
        self._refusal = refusal
        self._share = max(1, total // SHARE)
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def taken_now(self) -> int:
        """The number of slots that are held."""
        return self._taken.total()

    @contextlib.contextmanager
    def taken(self, organisation: str) -> Iterator[None]:
        """Hold a slot. Raises the refusal, at once, when the organisation has no slot left, or none is free."""
        with self._lock:
            free = self._total - self._taken.total()
            wanted = self._taken[organisation] + 1
            if not free or wanted > max(self._share, free // 2):
                raise self._refusal()
            self._taken[organisation] = wanted
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
        self.slots = Slots(slots, lambda: NotYetSeen("Many callers wait already."))

    def until_decided(
        self, organisation: str, subject: Subject, vector: Vector, until: float, decide: Callable[[], bool]
    ) -> None:
        """Decide once all events of the vector are here, and again whenever the subject has changed.

        until: by the monotonic clock. decide: returns True when the caller need not wait longer. A caller that holds
        no part, or names a missing subject, waits like one whose event has not come. Raises NotYetSeen at the end,
        Busy.
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
        """The subject's version, and whether this service has emitted or applied all events of the vector."""
        try:
            found = self._states.find_one({"_id": subject}, {"v": 1, "in": 1, "out.seq": 1})
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error
        document = found or {"v": 0, "in": {}, "out": {"seq": 0}}
        applied = {**document["in"], self._source: document["out"]["seq"]}
        return document["v"], all(applied.get(source, 0) >= count for source, count in vector.items())
