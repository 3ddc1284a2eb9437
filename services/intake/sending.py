"""The thread that sends changes to webhooks: in order, one at a time for each organisation.

It runs in the web process, because only that one may open secrets. The holder of a lease sends. A bounded number of
workers takes the organisations in turn, and each request has a time limit, so a slow one holds up no other. The
position is kept in the database: after a restart at most the last change is sent again. The receiver skips a repetition
by `webhook-id`.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any, Protocol

import structlog
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import PyMongoError

from services.intake.domain.participant import Sealed
from services.intake.domain.webhook import AT_ONCE, WEBHOOKS, Webhook, failed, taken, webhook_of
from services.intake.outside import Poster
from services.intake.sequencing import CHANGES
from shared.language.errors import Halt
from shared.language.events import Organisation
from shared.runtime.parts import Parts
from shared.runtime.relay import Leases
from shared.runtime.restored import SEQUENCES
from shared.telemetry.metrics import metric

LEASE = "webhooks"
LOOK_SECONDS = 0.5
WORKERS, AT_A_TURN = 8, 20

log = structlog.get_logger()


class OpensSecrets(Protocol):
    """Opens the secret of a webhook."""

    def open_secret(self, organisation: Organisation, sealed: Sealed) -> bytes:
        """Decrypt it. Raises Halt."""


class Courier:
    """Sends one organisation's next changes, and keeps how far it came. Several threads may use it at once."""

    def __init__(
        self,
        database: Database[Any],
        vault: OpensSecrets,
        poster: Poster,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        stop: Event,
    ) -> None:
        self._stop = stop
        self._webhooks, self._changes = database[WEBHOOKS], database[CHANGES]
        self._vault, self._poster = vault, poster
        self._now, self._jitter = now, jitter

    def turn(self, webhook: Webhook) -> int:
        """Send until AT_A_TURN were taken, none is left, or one fails. Returns how many were. Raises PyMongoError."""
        count = 0
        where = {"organisation": webhook.organisation, "n": {"$gt": webhook.after}}
        try:
            secret = self._vault.open_secret(webhook.organisation, webhook.secret)
        except Halt as error:
            log.error("webhook-secret-closed", organisation=webhook.organisation, error=error.cause)
            self._keep(webhook, failed(webhook, "secret_closed", self._now(), self._jitter()))
            return 0
        for change in self._changes.find(where, sort=[("n", ASCENDING)], limit=AT_A_TURN):
            if self._stop.is_set():
                break
            identity, now = change["_id"], self._now()
            came_to, status = self._poster.post(
                webhook.address, secret, identity, int(now.timestamp()), encoded(change)
            )
            metric("journey_webhook_sent_total", result=came_to).inc()
            if came_to != "taken":
                self._failed(webhook, came_to, status)
                break
            if not self._keep(webhook, taken(change["n"], self._now())):
                break
            count += 1
        return count

    def _failed(self, webhook: Webhook, came_to: str, status: int | None) -> None:
        update = failed(webhook, came_to, self._now(), self._jitter())
        kept = self._keep(webhook, update)
        if kept and update["aside_at"] is not None:
            log.error("webhook-set-aside", organisation=webhook.organisation, last=came_to, status=status)
        else:
            log.info("webhook-failed", organisation=webhook.organisation, last=came_to, status=status)

    def _keep(self, webhook: Webhook, update: Mapping[str, Any]) -> bool:
        """Whether the row is still the one that was read; another putting or a removal wins."""
        mine = {"_id": webhook.organisation, "put": webhook.put}
        return self._webhooks.update_one(mine, {"$set": dict(update)}).matched_count == 1


def encoded(change: Mapping[str, Any]) -> bytes:
    """The body: the same as an entry of GET /changes."""
    plain = {name: change[name] for name in ("n", "id", "subject", "kind", "at")}
    return json.dumps({**plain, "body": json.loads(change["body"])}, ensure_ascii=False).encode()


class Sending:
    """Gives every organisation that is due its turn, until told to stop. Several processes may run it."""

    def __init__(
        self,
        parts: Parts,
        vault: OpensSecrets,
        *,
        poster: Poster | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.progressed_at = time.monotonic()
        self._stop = parts.stop
        self._now = now
        self._database = parts.client[parts.service.database]
        self._leases = Leases(parts.client, parts.service.database, [LEASE])
        poster = poster or Poster(inside=parts.settings.webhook_inside)
        self._courier = Courier(self._database, vault, poster, now, jitter, parts.stop)
        self._under_way: set[Organisation] = set()

    def run(self) -> None:
        """Look twice a second."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook") as workers:
            while not self._stop.is_set():
                try:
                    self.look(workers)
                except PyMongoError as error:
                    log.warning("webhooks-unread", error=type(error).__name__)
                    metric("journey_webhooks_set_aside").unknown()
                self.progressed_at = time.monotonic()
                self._stop.wait(LOOK_SECONDS)
        try:
            self._leases.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def look(self, workers: ThreadPoolExecutor) -> int:
        """Begin the turns of all that are due and have something to be sent, if no other process does. Never waits.

        Returns how many began. Raises PyMongoError.
        """
        webhooks = self._database[WEBHOOKS]
        metric("journey_webhooks_set_aside").set(webhooks.count_documents({"aside_at": {"$gt": AT_ONCE}}))
        if not self._leases.hold()[0]:
            return 0
        due = {"aside_at": None, "next_at": {"$lte": self._now()}}
        rows = list(webhooks.find(due, {"after": 1}, sort=[("next_at", ASCENDING)]))
        wanted = {"_id": {"$in": [row["_id"] for row in rows]}}
        newest = {row["_id"]: row["n"] for row in self._database[SEQUENCES].find(wanted)} if rows else {}
        behind = [row["_id"] for row in rows if newest.get(row["_id"], 0) > row["after"]]
        chosen = [one for one in behind if one not in self._under_way][: 2 * WORKERS - len(self._under_way)]
        begun = [webhook_of(row) for row in webhooks.find({"_id": {"$in": chosen}})]
        for webhook in begun:
            self._under_way.add(webhook.organisation)
            workers.submit(self._turn, webhook)
        return len(begun)

    def _turn(self, webhook: Webhook) -> None:
        try:
            self._courier.turn(webhook)
        except PyMongoError as error:
            log.warning("webhook-unkept", organisation=webhook.organisation, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - nobody asks the future; the next turn tries again
            log.error("webhook-turn-failed", organisation=webhook.organisation, error=type(error).__name__)
        finally:
            self._under_way.discard(webhook.organisation)
