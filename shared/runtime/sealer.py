"""The thread that seals the audit of reads and counts readers who look at unusually many people.

Every process of a service's own group runs one; the holder of the lease seals and counts. A seal's number is its key,
so two sealers that overlap make one chain. Readers are counted from the rows of all web processes, and each row is
read once. The log names the reader's handle and no participant; the metric names nobody.
"""

import time
from datetime import UTC, datetime
from threading import Event
from typing import Any

import structlog
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from shared.runtime.reads import moment_of
from shared.runtime.relay import Leases
from shared.runtime.seals import Seals, key_before
from shared.runtime.unusual import UNUSUAL, WINDOW, Readers, Who
from shared.telemetry.metrics import metric

LOOK_SECONDS = 5.0
ROWS_AT_ONCE, READINGS_A_LOOK = 1000, 20
"""Rows that one query reads, and queries of one look; further rows are counted at the next look."""
MOST_TOLD = 100
LEASE = "sealer"

log = structlog.get_logger()


class Sealer:
    """Seals one service's rows until told to stop. Several processes may do so at once."""

    def __init__(self, *, client: MongoClient[dict[str, Any]], database: str, stop: Event) -> None:
        self.progressed_at = time.monotonic()
        self._seals = Seals(client, database)
        self._leases = Leases(client, database, [LEASE])
        self._stop = stop
        self._witnessed: tuple[int, str] | None = None
        self._counted_to: str | None = None
        self._readers = Readers()
        self._told: dict[Who, float] = {}

    def run(self) -> None:
        """Every few seconds, seal the rows that are old enough, and count them, until told to stop."""
        while not self._stop.is_set():
            try:
                self.look()
            except PyMongoError as error:
                log.warning("seal-failed", error=type(error).__name__)
                self._forget()
            self._tell_age()
            self.progressed_at = time.monotonic()
            self._stop.wait(LOOK_SECONDS)
        try:
            self._leases.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def look(self) -> None:
        """Seal all that is old enough, in batches, and count it, if no other process does. Raises PyMongoError."""
        self._witness()
        held = bool(self._leases.hold()[0])
        while held and not self._stop.is_set():
            seal = self._seals.seal(datetime.now(UTC))
            if seal is None:
                break
            log.info("reads-sealed", number=seal["_id"], rows=seal["rows"], hash=seal["hash"])
            self.progressed_at = time.monotonic()
        self._witnessed = self._seals.head()
        if held:
            self._count()
        else:
            self._forget()

    def _tell_age(self) -> None:
        """Set the metric of the oldest unsealed row's age; it matters most while sealing fails."""
        try:
            age = self._seals.unsealed_seconds(datetime.now(UTC))
        except PyMongoError as error:
            log.warning("unsealed-unknown", error=type(error).__name__)
            metric("journey_reads_unsealed_seconds").unknown()
        else:
            metric("journey_reads_unsealed_seconds").set(age)

    def _witness(self) -> None:
        """Check that the newest seal known here still exists: the database alone cannot show that it was removed."""
        known = self._witnessed
        if known is not None and not self._seals.holds(*known):
            metric("journey_seals_gone_total").inc()
            log.error("seals-gone", number=known[0], hash=known[1])

    def _forget(self) -> None:
        """Drop the counts: another process counts now, or none can. The next count begins with the last hour."""
        self._counted_to, self._readers = None, Readers()
        metric("journey_unusual_readers").unknown()

    def _count(self) -> None:
        now = datetime.now(UTC)
        after = self._counted_to or key_before(now - WINDOW)
        for _ in range(READINGS_A_LOOK):
            rows = self._seals.settled(after, now, ROWS_AT_ONCE)
            for row in rows:
                # Somebody may have added a row of another form: `verify` tells of it, and it stops nobody here.
                person, organisation, subject = (
                    row.get(name) for name in ("person", "organisation", "subject")
                )
                if person and organisation and subject:
                    self._readers.note((person, organisation), subject, moment_of(row["_id"]))
            after = rows[-1]["_id"] if rows else after
            self.progressed_at = time.monotonic()
            if len(rows) < ROWS_AT_ONCE:
                break
        self._counted_to = after
        self._tell(self._readers.unusual(now))

    def _tell(self, found: list[Who]) -> None:
        metric("journey_unusual_readers").set(len(found))
        now = time.monotonic()
        self._told = {who: at for who, at in self._told.items() if now - at < WINDOW.total_seconds()}
        for who in found[:MOST_TOLD]:
            if who not in self._told:
                self._told[who] = now
                log.warning("unusual-reading", person=who[0], organisation=who[1], more_than=UNUSUAL)
