"""The thread that seals what was read, and looks for people who read unusually many others.

Every process of a service's own group runs one: a seal's number is its key, so that one of them makes it. Who reads
unusually much is counted from the rows of the last hour, over all web processes. The log names the reader's handle and
never who was read; the metric names nobody.
"""

import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import structlog
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from shared.runtime.reads import READS, audit_database, entry_id
from shared.runtime.seals import Seals
from shared.telemetry import metric

LOOK_SECONDS = 5.0
COUNT_SECONDS = 15.0
WINDOW_SECONDS = 3600.0
UNUSUAL = 50
"""Different people or journeys that one person asks for within an hour, given or refused, before it is told."""
MOST_TOLD = 100

log = structlog.get_logger()


class Sealer:
    """Seals one service's rows until told to stop. Several processes may do so at once."""

    def __init__(self, *, client: MongoClient[dict[str, Any]], database: str, stop: Event) -> None:
        self.progressed_at = time.monotonic()
        self._seals = Seals(client, database)
        self._rows = client[audit_database(database)][READS]
        self._stop = stop
        self._witnessed: tuple[int, str] | None = None
        self._counted_at = float("-inf")
        self._told: dict[tuple[str, str], float] = {}

    def run(self) -> None:
        """Seal what is old enough, and count, every few seconds until told to stop."""
        while not self._stop.is_set():
            try:
                self.look()
            except PyMongoError as error:
                log.warning("seal-failed", error=type(error).__name__)
            self.progressed_at = time.monotonic()
            self._stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Seal all that is old enough, in batches, and now and then count. Raises PyMongoError."""
        self._witness()
        while not self._stop.is_set():
            seal = self._seals.seal(datetime.now(UTC))
            if seal is None:
                break
            log.info("reads-sealed", number=seal["_id"], rows=seal["rows"], hash=seal["hash"])
            self.progressed_at = time.monotonic()
        self._witnessed = self._seals.head()
        metric("journey_reads_unsealed_seconds").set(self._seals.unsealed_seconds(datetime.now(UTC)))
        if time.monotonic() - self._counted_at >= COUNT_SECONDS:
            self._counted_at = time.monotonic()
            self._count()

    def _witness(self) -> None:
        """See that the newest seal known here is still there: nothing in the database tells that it was removed."""
        known = self._witnessed
        if known is not None and not self._seals.holds(*known):
            metric("journey_seals_gone_total").inc()
            log.error("seals-gone", number=known[0], hash=known[1])

    def _count(self) -> None:
        since = entry_id(datetime.now(UTC) - timedelta(seconds=WINDOW_SECONDS))
        reader = {"person": "$person", "organisation": "$organisation"}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"_id": {"$gt": since}, "subject": {"$ne": None}}},
            {"$group": {"_id": {**reader, "subject": "$subject"}}},
            {
                "$group": {
                    "_id": {"person": "$_id.person", "organisation": "$_id.organisation"},
                    "n": {"$sum": 1},
                }
            },
            {"$match": {"n": {"$gt": UNUSUAL}}},
        ]
        found = list(self._rows.aggregate(pipeline, hint="_id_"))
        metric("journey_unusual_readers").set(len(found))
        now = time.monotonic()
        self._told = {who: at for who, at in self._told.items() if now - at < WINDOW_SECONDS}
        for one in found[:MOST_TOLD]:
            who = (one["_id"]["person"], one["_id"]["organisation"])
            if who not in self._told:
                self._told[who] = now
                log.warning("unusual-reading", person=who[0], organisation=who[1], subjects=one["n"])
