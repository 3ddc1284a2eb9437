"""Failures that a retry does not mend: the failing record is found and set aside, and the next one goes on.

A connection may fail for ever and is only tried again. A record that fails in the same way each time must neither end
its thread nor hold up later records. So the batch shrinks until it holds that record alone. At its third failure the
record is set aside in the transaction that moves the offset past it. If that fails too, the group halts.
"""

import time
import traceback
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from shared.language.errors import Busy, Halt, Standing
from shared.runtime.kafka import Partition

TIMES = 3
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 30.0
DAMAGED_SECONDS = 60.0
SUSPECT_SECONDS = 60.0
"""After this time without another failure, the failing record may be gone."""
WHAT_WAS_WRITTEN = frozenset({2, 9, 14, 15, 22, 52, 53, 56, 57, 257, 10334, 11000, 17419, 17420})
"""MongoDB's error codes for a document that it rejects: bad values or field names, too large, duplicate key."""


def is_of_what_was_written(error: BaseException | None) -> bool:
    """Whether the database rejected a written document, so that the same record would fail again."""
    if isinstance(error, BulkWriteError):
        wrong = (error.details or {}).get("writeErrors", ())
        return any(one.get("code") in WHAT_WAS_WRITTEN for one in wrong)
    return isinstance(error, OperationFailure) and error.code in WHAT_WAS_WRITTEN


def will_not_mend(error: Exception) -> bool:
    """Whether a retry would fail in the same way. False for a database or a broker that only does not answer."""
    cause = _cause_of(error)
    if isinstance(cause, BSONError) or is_of_what_was_written(cause):
        return True
    return not isinstance(error, (Busy, PyMongoError))


def _cause_of(error: BaseException) -> BaseException:
    return error.__cause__ if isinstance(error, Busy) and error.__cause__ else error


def told_of(error: BaseException) -> dict[str, Any]:
    """{error: its type, code: the database's, at: `file:line`}. Its own words are left out: they may repeat a value."""
    cause = _cause_of(error)
    frames = traceback.extract_tb(cause.__traceback__)
    at = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return {"error": type(cause).__name__, "code": getattr(cause, "code", None), "at": at}


class Stumbles:
    """Counts failures at each offset of the log, and failures to read the bytes that Kafka holds."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._times: dict[Partition | None, tuple[int, int]] = {}
        self._last = 0
        self._suspects: dict[Partition, int] = {}
        self._suspected_at = 0.0
        self._damaged: list[tuple[float, str]] = []

    def note(self, at: Partition | None, offset: int) -> bool:
        """Count one failure of the record there; at: None where no single record can be named.

        Returns whether it was the third at this record. What succeeds or fails elsewhere meanwhile does not count.
        """
        known, times = self._times.get(at, (offset, 0))
        self._last = times + 1 if known == offset else 1
        self._times[at] = (offset, self._last)
        return at is not None and self._last >= TIMES

    def suspect(self, lasts: Mapping[Partition, int]) -> None:
        """Note that one of the records up to these offsets fails."""
        self._suspects, self._suspected_at = dict(lasts), time.monotonic()

    def may_grow(self, moved: Iterable[Partition]) -> bool:
        """Whether the next batch may be larger, after one that moved these partitions.

        Progress elsewhere does not count: otherwise the failing record would never be found alone.
        """
        late = time.monotonic() - self._suspected_at > SUSPECT_SECONDS
        return late or not self._suspects or not self._suspects.keys().isdisjoint(moved)

    def pause_seconds(self) -> float:
        """How long to wait before the next try: twice as long after each failure at the same offset."""
        return float(min(PAUSE_SECONDS * 2 ** min(self._last, 10), LONGEST_PAUSE_SECONDS))

    def forget(self, passed: Mapping[Partition, int] | None = None) -> None:
        """Forget failures of these partitions, which moved to these offsets; None: forget all failures."""
        if passed is None:
            self._times.clear()
            self._suspects.clear()
            return
        self._times.pop(None, None)
        for at, following in passed.items():
            if at in self._times and self._times[at][0] < following:
                del self._times[at]
            if at in self._suspects and self._suspects[at] < following:
                del self._suspects[at]

    def note_damaged(self, text: str) -> None:
        """Raise Halt when the same bytes of the log could not be read again and again."""
        now = time.monotonic()
        self._damaged = [one for one in self._damaged if now - one[0] < DAMAGED_SECONDS] + [(now, text)]
        if sum(said == text for _, said in self._damaged) == TIMES:
            raise Halt(
                f"{self._group} cannot read what Kafka holds. {text[:300]}",
                "A batch is damaged: restore the partition from a replica or a backup and start again. Nothing was "
                "skipped, and the events are in their emitter's archive.",
            )


def halt_at(group: str, at: Partition, offset: int, error: BaseException) -> Halt:
    """A halt over one record that could be neither handled nor set aside."""
    told = told_of(error)
    return Halt(
        f"{group} can neither handle nor set aside {at.topic}[{at.partition}] offset {offset}: "
        f"{told['error']} at {told['at']}.",
        "Deploy a version that handles it and restart; or pass over this one record: "
        f"journeys inbound skip {at.topic} {at.partition} {offset} -g {group} -m '…'. It then goes on by itself.",
        standing=Standing(group, at.topic, at.partition, offset),
    )


def first_of(places: Collection[tuple[Partition, int]]) -> tuple[Partition | None, int]:
    """The one place that there is; None where there is none, or more than one."""
    return next(iter(places)) if len(places) == 1 else (None, 0)
