"""The thread that sends changes to webhooks: in order, one at a time for each organisation.

It runs in the web process, because only that one may open secrets. The holder of a lease sends. A bounded number of
workers takes the organisations in turn, and each request has a time limit, so a slow one holds up no other. The
position is kept in the database: after a restart at most the last change is sent again. The receiver skips a repetition
by `webhook-id`.

The head of a sequence says whether its webhook has something to be sent, and from when (`send_at`). The transaction
that gives a number sets it, and the end of a turn removes it only where no number came since. So a look reads the
webhooks that are due, by an index, and an idle one costs nothing.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
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
LOOK_SECONDS, TELL_SECONDS = 0.5, 5.0
WORKERS, AT_A_TURN = 8, 20
NOT_DUE = {"$unset": {"send_at": "", "webhook": ""}}
"""At the head of a sequence: nothing is sent of it until its organisation puts the webhook again."""
AFTER_A_FAULT = timedelta(seconds=10)
"""Before the next turn, where our own fault ended one: it comes behind all others that are due."""

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
        self._heads = database[SEQUENCES]
        self._vault, self._poster = vault, poster
        self._now, self._jitter = now, jitter

    def turn(self, webhook: Webhook) -> int:
        """Send until AT_A_TURN were taken, none is left, or one fails. Returns how many were. Raises PyMongoError."""
        came = count = 0
        where = {"organisation": webhook.organisation, "n": {"$gt": webhook.after}}
        # Read before the changes: what was numbered until then is among them, or no longer kept.
        head = self._heads.find_one({"_id": webhook.organisation})
        try:
            secret = self._vault.open_secret(webhook.organisation, webhook.secret)
        except Halt as error:
            log.error("webhook-secret-closed", organisation=webhook.organisation, error=error.cause)
            self._pause(webhook, failed(webhook, "secret_closed", self._now(), self._jitter()))
            return 0
        for change in self._changes.find(where, sort=[("n", ASCENDING)], limit=AT_A_TURN):
            came += 1
            if self._stop.is_set():
                return count
            identity, now = change["_id"], self._now()
            came_to, status = self._poster.post(
                webhook.address, secret, identity, int(now.timestamp()), encoded(change)
            )
            metric("journey_webhook_sent_total", result=came_to).inc()
            if came_to != "taken":
                self._failed(webhook, came_to, status)
                return count
            if not self._keep(webhook, taken(change["n"], self._now())):
                return count
            count += 1
        if came == AT_A_TURN:
            self.come_again(webhook, self._now())
        elif head is not None:
            unchanged = {"_id": webhook.organisation, "webhook": webhook.put, "n": head["n"]}
            self._heads.update_one(unchanged, {"$unset": {"send_at": ""}})
        return count

    def come_again(self, webhook: Webhook, at: datetime) -> None:
        """Let its next turn be at that moment, behind those that are due before. Raises PyMongoError."""
        self._heads.update_one(_mine(webhook), {"$set": {"send_at": at}})

    def _failed(self, webhook: Webhook, came_to: str, status: int | None) -> None:
        update = failed(webhook, came_to, self._now(), self._jitter())
        kept = self._pause(webhook, update)
        if kept and update["aside_at"] is not None:
            log.error("webhook-set-aside", organisation=webhook.organisation, last=came_to, status=status)
        else:
            log.info("webhook-failed", organisation=webhook.organisation, last=came_to, status=status)

    def _pause(self, webhook: Webhook, update: Mapping[str, Any]) -> bool:
        """Keep what a failure changes, and when the next turn is: none where it is set aside. As `_keep`."""
        kept = self._keep(webhook, update)
        if update["aside_at"] is None:
            self.come_again(webhook, update["next_at"])
        else:
            self._heads.update_one(_mine(webhook), NOT_DUE)
        return kept

    def _keep(self, webhook: Webhook, update: Mapping[str, Any]) -> bool:
        """Whether the row is still the one that was read; another putting or a removal wins."""
        mine = {"_id": webhook.organisation, "put": webhook.put}
        return self._webhooks.update_one(mine, {"$set": dict(update)}).matched_count == 1


def _mine(webhook: Webhook) -> dict[str, Any]:
    """The head of its sequence, as long as nobody put another or removed it."""
    return {"_id": webhook.organisation, "webhook": webhook.put}


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
        self._told_at = float("-inf")

    def run(self) -> None:
        """Look twice a second."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook") as workers:
            while not self._stop.is_set():
                try:
                    self._tell_set_aside()
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
        """Begin the turns of those that are due and have something to be sent, if no other process does. Never waits.

        At most twice as many as there are workers are under way, the longest due first. Returns how many began. Raises
        PyMongoError.
        """
        if not self._leases.hold()[0]:
            return 0
        under_way = set(self._under_way)
        due = self._database[SEQUENCES].find(
            {"send_at": {"$lte": self._now()}},
            {"_id": 1},
            sort=[("send_at", ASCENDING)],
            limit=2 * WORKERS + len(under_way),
        )
        chosen = [row["_id"] for row in due if row["_id"] not in under_way][: 2 * WORKERS - len(under_way)]
        if not chosen:
            return 0
        found = [webhook_of(row) for row in self._database[WEBHOOKS].find({"_id": {"$in": chosen}})]
        begun = [webhook for webhook in found if webhook.aside_at is None]
        for webhook in found:
            if webhook.aside_at is not None:
                # The process that set it aside ended before it had said so at the head.
                self._database[SEQUENCES].update_one(_mine(webhook), NOT_DUE)
        for webhook in begun:
            self._under_way.add(webhook.organisation)
            workers.submit(self._turn, webhook)
        return len(begun)

    def _tell_set_aside(self) -> None:
        if time.monotonic() - self._told_at < TELL_SECONDS:
            return
        self._told_at = time.monotonic()
        aside = self._database[WEBHOOKS].count_documents({"aside_at": {"$gt": AT_ONCE}})
        metric("journey_webhooks_set_aside").set(aside)

    def _turn(self, webhook: Webhook) -> None:
        try:
            self._courier.turn(webhook)
        except PyMongoError as error:
            log.warning("webhook-unkept", organisation=webhook.organisation, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - nobody asks the future; the next turn tries again
            log.error("webhook-turn-failed", organisation=webhook.organisation, error=type(error).__name__)
            self._come_later(webhook)
        finally:
            self._under_way.discard(webhook.organisation)

    def _come_later(self, webhook: Webhook) -> None:
        try:
            self._courier.come_again(webhook, self._now() + AFTER_A_FAULT)
        except PyMongoError as error:
            log.warning("webhook-unkept", organisation=webhook.organisation, error=type(error).__name__)
