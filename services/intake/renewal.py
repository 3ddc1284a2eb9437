"""The thread that brings every person under the newest key, and those of the time before handles to theirs.

It runs in the web process, because only that one may open identities. Of several processes the holder of a lease works.
A gauge says how many are left: while it is not 0, no key of the ring may go. No log line names anybody.
"""

import time
from typing import Any

import structlog
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from services.intake import renewing
from services.intake.domain.participant import NUMBERS
from services.intake.numbers import Numbers
from services.intake.people import Vault
from shared.language.decision import key_of
from shared.language.errors import Busy, Halt, StateUnreadable
from shared.language.events import ParticipantId
from shared.runtime.parts import Parts
from shared.runtime.relay import Leases
from shared.runtime.transaction import transact
from shared.telemetry.metrics import metric

LOOK_SECONDS = 5.0
AT_ONCE = 100
LEASE = "renewal"
EARLIER = ("state.registered_by", "state.earlier.registered_by")
"""Where a person of the time before handles names who registered them: as stored then, and once lifted."""

log = structlog.get_logger()


class Renewal:
    """Renews persons until told to stop. Several processes may run it at once."""

    def __init__(self, parts: Parts, vault: Vault, numbers: Numbers) -> None:
        self.progressed_at = time.monotonic()
        self._parts = parts
        self._vault = vault
        self._numbers = numbers
        self._database = parts.client[parts.service.database]
        self._leases = Leases(parts.client, parts.service.database, [LEASE])
        self._failed = 0

    def run(self) -> None:
        """Look every few seconds, until told to stop."""
        while not self._parts.stop.is_set():
            try:
                self.look()
            except (Busy, PyMongoError) as error:
                log.warning("renewal-failed", error=type(error).__name__)
                metric("journey_persons_unrenewed").unknown()
            self.progressed_at = time.monotonic()
            self._parts.stop.wait(LOOK_SECONDS)
        try:
            self._leases.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def look(self) -> int:
        """Renew all who are behind, if no other process does. Returns how many are left. Raises Busy, PyMongoError."""
        failed: set[str] = set()
        while self._leases.hold()[0] and not self._parts.stop.is_set():
            behind = [one for one in self._behind(AT_ONCE + len(failed)) if one not in failed]
            if not behind:
                break
            for one in behind:
                try:
                    self._renew(ParticipantId(one))
                except (Halt, StateUnreadable) as error:
                    # Such a one keeps nobody else behind, and the gauge tells of it.
                    log.error("not-renewed", error=type(error).__name__)
                    failed.add(one)
                self.progressed_at = time.monotonic()
        left = len(self._behind(None))
        metric("journey_persons_unrenewed").set(left)
        return left

    def _renew(self, participant_id: ParticipantId) -> None:
        def work(session: ClientSession) -> None:
            unit = self._parts.unit(session)
            renewing.renew(unit, participant_id, self._vault, self._numbers)
            unit.flush()

        transact(self._parts.client, work)

    def _behind(self, most: int | None) -> list[str]:
        """Persons whose number is not under the newest key, or who have not come out of the time before handles."""
        newest = self._numbers.newest
        other: dict[str, Any] = {"last": True, "$or": [{"key": {"$lt": newest}}, {"key": {"$gt": newest}}]}
        found = [
            row["participant_id"]
            for row in self._database[NUMBERS].find(other, {"participant_id": 1}, limit=most or 0)
        ]
        for name in EARLIER:
            rows = self._database["referrals"].find({name: {"$exists": True}}, {"_id": 1}, limit=most or 0)
            found += [key_of(row["_id"]) for row in rows]
        return list(dict.fromkeys(found))
