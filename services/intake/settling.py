"""Persons who took part before figures counted persons: what their journeys are among each other is said once.

A release before `participation-settled` left rows that say no rule. Each is settled in a transaction of its own, at
start and every hour, since a process of the older release may still run. Then a rebuild of the figures from the log
counts these persons once, too. No log line names anybody.
"""

import time

import structlog
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from services.intake.domain.participation import PARTICIPATIONS
from services.intake.participations import settle_row
from shared.language.errors import Busy, StateUnreadable
from shared.runtime.parts import Parts
from shared.runtime.transaction import transact
from shared.telemetry.traces import start_trace

EVERY_SECONDS, AFTER_FAILURE_SECONDS = 3600.0, 10.0
CHUNK = 500

log = structlog.get_logger()


class Settling:
    """Settles what an older release left, in a thread of its own. Several processes may do so at once."""

    def __init__(self, parts: Parts, every_seconds: float = EVERY_SECONDS) -> None:
        self.progressed_at = time.monotonic()
        self._parts = parts
        self._every_seconds = every_seconds

    def run(self) -> None:
        """Look at once, and then every hour, until told to stop; after a failure sooner."""
        due = time.monotonic()
        while not self._parts.stop.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + (self._every_seconds if self._looked() else AFTER_FAILURE_SECONDS)
            self.progressed_at = time.monotonic()
            self._parts.stop.wait(1)

    def _looked(self) -> bool:
        try:
            found = self.look()
        except (Busy, PyMongoError) as error:
            log.warning("participations-unsettled", error=type(error).__name__)
            return False
        if found:
            log.info("participations-settled", rows=found)
        return True

    def look(self) -> int:
        """Settle every row that says no rule. Returns how many had a journey that was not settled.

        One with a state that this release cannot read is left for a later look. Raises Busy, PyMongoError; doing it
        again is safe.
        """
        start_trace("")
        found, after = 0, ""
        rows = self._parts.client[self._parts.service.database][PARTICIPATIONS]
        while not self._parts.stop.is_set():
            where = {"settled": None, "_id": {"$gt": after}}
            keys = [row["_id"] for row in rows.find(where, {"_id": 1}).sort("_id", 1).limit(CHUNK)]
            for key in keys:
                self.progressed_at = time.monotonic()
                found += self._settled(key)
            if len(keys) < CHUNK:
                break
            after = keys[-1]
        return found

    def _settled(self, key: str) -> bool:
        def work(session: ClientSession) -> bool:
            unit = self._parts.unit(session)
            anew = settle_row(unit, key)
            unit.flush()
            return anew

        try:
            return transact(self._parts.client, work)
        except StateUnreadable as error:
            log.error("participation-unreadable", cause=error.why)
            return False
