"""The thread that carries out rebuilds, in the projector's own process; each process of the group takes its share.

A requested rebuild lies in `rebuilds`. This thread looks there once a second. A process that is killed and starts again
goes on where its last transaction ended.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import structlog
from confluent_kafka import KafkaException
from pymongo import IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from shared.language.errors import Busy, Conflict, Unknown
from shared.operations.comparing import compare, same_place
from shared.operations.rebuild import ABANDONED, BUILDING, SWAPPED, SWAPPING, Rebuilds, taken_over
from shared.runtime.consumer import Consumer
from shared.runtime.groups import Group
from shared.runtime.progress import Progress
from shared.runtime.reads import OPERATORS, audit_database

LOOK_SECONDS = 1.0
TRIES_FOR_THE_SAME_PLACE = 25
TRY_SECONDS = 0.2
AT_ONCE = 500

log = structlog.get_logger()


class Rebuilder:
    """Rebuilds one projection on request, in one thread and one more for its consumer.

    consume: a consumer of that group with a stop of its own. measure: its progress. skip: passes over one parked
    event of that group. indexes: of the live collections.
    """

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        live: Group,
        consume: Callable[[Group, Event], Consumer],
        measure: Callable[[Group], Progress],
        skip: Callable[[Group, Mapping[str, Any]], None],
        indexes: Mapping[str, Sequence[IndexModel]],
        stop: Event,
    ) -> None:
        self.progressed_at = time.monotonic()
        self._client = client
        self._database = client[database]
        self._rebuilds = Rebuilds(client, database, {live.name: live})
        self._live = live
        self._consume = consume
        self._measure = measure
        self._skips = _Skips(
            self._database["parked"], client[audit_database(database)][OPERATORS], live, skip
        )
        self._indexes = indexes
        self._stop = stop
        self._running: _Running | None = None
        self._removed = 0

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except (Busy, PyMongoError, KafkaException) as error:
                log.warning("rebuild-failed", group=self._live.name, error=type(error).__name__)
            self.progressed_at = time.monotonic()
        self._end()

    def look(self) -> None:
        """Do what the rebuild's document requests now. Raises Busy, PyMongoError, KafkaException; a retry is safe."""
        found = self._rebuilds.find(self._live.name)
        if found is None:
            return
        run, state = found["run"], found["state"]
        if self._running is not None and (state != BUILDING or self._running.group.run != run):
            self._end()
        match state:
            case str() if state == BUILDING:
                self._build(found)
            case str() if state == SWAPPING:
                self._rebuilds.finish_swap(self._live.name)
                log.warning("rebuild-swapped", group=self._live.name, run=run)
            case str() if state in (SWAPPED, ABANDONED) and self._removed < run:
                self._rebuilds.remove(self._live.name, run)
                self._removed = run

    def _build(self, found: Mapping[str, Any]) -> None:
        if self._running is None:
            self._begin(self._live.beside(found["run"]))
        running = self._running
        assert running is not None, "it was begun"
        self._skips.repeat(running.group)
        told = {"progress": running.told(), "halted": running.halted()}
        asked = found["compare_asked_at"]
        if asked is not None and (found["compared"] is None or found["compared"]["asked_at"] != asked):
            told["compared"] = {**self._compared(running.group), "asked_at": asked, "at": datetime.now(UTC)}
        self._rebuilds.report(self._live.name, running.group.run, told)

    def _begin(self, group: Group) -> None:
        for name, beside in group.renamed.items():
            models = list(self._indexes.get(name, ()))
            if models:
                self._database[beside].create_indexes(models)
        stop = Event()
        consumer = self._consume(group, stop)
        thread = Thread(target=consumer.run, name=group.name)
        thread.start()
        self._running = _Running(group, consumer, self._measure(group), stop, thread)
        log.warning("rebuild-begun", group=group.name)

    def _end(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.stop.set()
            running.thread.join(timeout=10)

    def _compared(self, rebuilt: Group) -> dict[str, Any]:
        """Compare in a snapshot in which both stand at the same place, if there is one soon."""
        for left in reversed(range(TRIES_FOR_THE_SAME_PLACE)):
            with self._client.start_session(snapshot=True) as session:
                if left == 0 or same_place(self._database, session, self._live, rebuilt):
                    return compare(self._database, session, self._live, rebuilt)
            self._stop.wait(TRY_SECONDS)
        raise AssertionError("the last try compares whatever there is")


class _Skips:
    """What an operator had the live group skip: a decision, which the log does not hold.

    parked: the events set aside, of both groups. audit: what operators did. skip: passes over one parked event.
    """

    def __init__(
        self,
        parked: Collection[dict[str, Any]],
        audit: Collection[dict[str, Any]],
        live: Group,
        skip: Callable[[Group, Mapping[str, Any]], None],
    ) -> None:
        self._parked = parked
        self._audit = audit
        self._live = live
        self._skip = skip

    def repeat(self, rebuilt: Group) -> None:
        """Pass over in the rebuilt group what was skipped in the live one."""
        aside = {"group": rebuilt.name, "reason": {"$in": ["poison", "waiting"]}}
        rows = self._parked.find(aside, {"value": 0, "headers": 0}, limit=AT_ONCE)
        by_live_name = {taken_over(row, self._live.name)["_id"]: row for row in rows}
        if not by_live_name:
            return
        decided = {"did": "skip", "came_to.parked_id": {"$in": list(by_live_name)}}
        for done in self._audit.find(decided, {"came_to.parked_id": 1}):
            row = by_live_name[done["came_to"]["parked_id"]]
            # An earlier one of its source, skipped too, may have to go first; then the next look comes back to it.
            with suppress(Conflict, Unknown):
                self._skip(rebuilt, row)


class _Running:
    """One run in this process, and its speed."""

    def __init__(
        self, group: Group, consumer: Consumer, progress: Progress, stop: Event, thread: Thread
    ) -> None:
        self.group = group
        self.stop = stop
        self.thread = thread
        self._consumer = consumer
        self._progress = progress
        self._before = (time.monotonic(), 0)

    def told(self) -> dict[str, Any]:
        """Applied offsets of those in the log, in percent and events a second, and the number of parked events."""
        ends, applied = self._progress.ends(self.group.topics), self._progress.applied()
        of, done = sum(ends.values()), sum(applied.values())
        now, (then, before) = time.monotonic(), self._before
        self._before = (now, done)
        return {
            "done": done,
            "of": of,
            "lag": sum(max(0, end - applied.get(at, 0)) for at, end in ends.items()),
            "percent": round(100 * done / of, 1) if of else 100.0,
            "a_second": round((done - before) / max(now - then, 0.001)) if before else 0,
            "parked": self._progress.parked(),
        }

    def halted(self) -> dict[str, str] | None:
        """Why the run refuses to go on, or None."""
        halt = self._consumer.halted
        return {"cause": halt.cause, "cure": halt.cure} if halt else None
