"""How a thread waits for a collection to grow: in short steps while it does, by a change stream in quiet times.

Opening a stream costs several queries, so it is used in quiet times only.
Decision: docs/decisions/0008-open-the-relay-s-change-stream-only-when-the-outbox-is-empty.md.
"""

import time
from collections.abc import Callable
from threading import Event
from typing import Any

from pymongo.collection import Collection

LINGER_SECONDS = 0.005
FLOWING_SECONDS = 0.5
LEAST_STEP_SECONDS, MOST_STEP_SECONDS = 0.025, 0.1


class Waking:
    """One thread's wait for one collection."""

    def __init__(self, collection: Collection[Any], stop: Event) -> None:
        self._collection = collection
        self._stop = stop
        self._worked_at = 0.0
        self._cost_seconds = 0.0

    def worked(self, began: float) -> None:
        """Note that something was done, and since when, in monotonic seconds."""
        self._worked_at = time.monotonic()
        self._cost_seconds = self._worked_at - began

    def wait(self, look: Callable[[], int]) -> None:
        """Sleep until the collection grows, at most a second; raises what `look` raises, and PyMongoError.

        While work comes in, sleep for a step that grows with the silence. Else a change stream is opened before `look`
        looks once more, so nothing is missed in between. The stream only wakes; queries read the data.
        """
        silent = time.monotonic() - self._worked_at
        if silent < FLOWING_SECONDS:
            step = max(self._cost_seconds, silent / 2, LEAST_STEP_SECONDS)
            self._stop.wait(min(step, MOST_STEP_SECONDS))
            return
        pipeline: list[dict[str, Any]] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]
        with self._collection.watch(pipeline, max_await_time_ms=1000) as stream:
            if look():
                return
            if stream.try_next() is not None:
                self._stop.wait(LINGER_SECONDS)
