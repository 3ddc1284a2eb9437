"""Sends changed indicators to Kafka: one publisher however many stream processes run.

Whoever holds the lease writes what it is about to send to `indicators` first, marked `pend`, and unmarks it when
Kafka has acknowledged it. So if a publisher dies, the next one writes every record with the same number and content.
That is at least once, in order per key, and one `ce_id` always has one value.

A publisher that was stopped may send an old record after its successor has sent a newer one. The topic is compacted, so
the old record would be all that is left of that key. So after each send the publisher checks whether another has gone
on since. If so, it marks the newest of those keys, and the holder of the lease sends them again.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from pymongo import IndexModel, InsertOne, MongoClient, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from services.outcome.stream.indicators import Cell, Indicator, Record, cells_of, changed, record
from services.outcome.stream.snapshot import Snapshot
from shared.language.days import day_of
from shared.runtime.kafka import discard

LEASE_SECONDS = 10
RENEW_SECONDS = 3.0
PACE_SECONDS = 1.0
SEND_SECONDS = 5.0
CHUNK = 1000
AGAIN = "again"
"""The `pend` of what was acknowledged, and must be sent again all the same."""

INDEXES: dict[str, list[IndexModel]] = {
    # what Kafka has not acknowledged
    "indicators": [IndexModel([("pend", 1)], sparse=True)],
}

log = structlog.get_logger()


class Outlet(Protocol):
    """Where records go."""

    def send(self, records: Sequence[Record]) -> None:
        """Return when all are acknowledged. Raises KafkaError when any may not be; sending again is safe."""

    def close(self) -> None:
        """Let go of the connection; nothing is sent afterwards."""


class Further(Protocol):
    """Further topics for what is published. For the publisher's own thread."""

    def look(self) -> None:
        """See which there are; a new one is first given all that was published. Raises KafkaError, PyMongoError."""

    def forget(self) -> None:
        """Look again before anything is sent."""

    def copies(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records, and those for further topics."""


class StaleLedger(Exception):
    """Another publisher has written since; what this one believes is out of date."""


class Ledger(Protocol):
    """What was published last, and who may publish next. Every method may block and raise PyMongoError."""

    def hold(self) -> bool:
        """Take or renew the lease; False when another has it."""

    def release(self) -> None:
        """Let the next take over at once."""

    def load(self) -> tuple[dict[str, Indicator], list[Indicator]]:
        """What was published last by record key, and which of these Kafka may not have."""

    def intend(self, indicators: Sequence[Indicator]) -> None:
        """Note what is about to be sent. Raises StaleLedger when another publisher was here."""

    def sent(self, indicators: Sequence[Indicator]) -> None:
        """Note that Kafka has these. Raises StaleLedger, after `send_again`, when another has gone on since."""

    def send_again(self, indicators: Sequence[Indicator]) -> bool:
        """Kafka may hold these behind later ones: let the later ones be sent again. Returns whether there are any."""

    def owed(self) -> list[Indicator]:
        """What must be sent again; from now on it is as if it had never been sent."""


class StoredLedger:
    """Satisfies `Ledger` in outcome's database. owner: this process and no other."""

    def __init__(self, client: MongoClient[dict[str, Any]], database: str, owner: str) -> None:
        self._indicators = client[database]["indicators"]
        self._leases = client[database]["leases"]
        self._owner = owner

    def hold(self) -> bool:
        """Take or renew the lease, by the database's own time."""
        self._leases.update_one({"_id": "indicators"}, {"$setOnInsert": {"owner": None}}, upsert=True)
        free = {"$or": [{"$in": ["$owner", [self._owner, None]]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_SECONDS}}
        taken = self._leases.update_one(
            {"_id": "indicators", "$expr": free}, [{"$set": {"owner": self._owner, "until": until}}]
        )
        return taken.matched_count == 1

    def release(self) -> None:
        """Let the next take over at once."""
        self._leases.update_one({"_id": "indicators", "owner": self._owner}, {"$set": {"owner": None}})

    def load(self) -> tuple[dict[str, Indicator], list[Indicator]]:
        """What was published last by record key, and which of these Kafka may not have."""
        self._indicators.update_many({"pend": AGAIN}, {"$set": {"pend": True}})
        documents = list(self._indicators.find())
        held = {document["_id"]: _indicator(document) for document in documents}
        return held, [held[document["_id"]] for document in documents if document.get("pend")]

    def intend(self, indicators: Sequence[Indicator]) -> None:
        """Note what is about to be sent. Raises StaleLedger when another publisher was here."""
        writes = [_intention(one) for one in indicators]
        try:
            written = self._indicators.bulk_write(writes, ordered=False)
        except BulkWriteError:
            raise StaleLedger from None
        if written.inserted_count + written.matched_count != len(writes):
            raise StaleLedger

    def sent(self, indicators: Sequence[Indicator]) -> None:
        """Note that Kafka has these. Raises StaleLedger when another publisher has gone on since."""
        unmark = {"$unset": {"pend": 1}}
        writes = [UpdateOne({"_id": one.key, "seq": one.seq, "pend": True}, unmark) for one in indicators]
        unmarked = self._indicators.bulk_write(writes, ordered=False).matched_count
        if unmarked != len(writes) and self.send_again(indicators):
            raise StaleLedger

    def send_again(self, indicators: Sequence[Indicator]) -> bool:
        """Kafka may hold these behind later ones: let the later ones be sent again. Returns whether there are any."""
        mark = {"$set": {"pend": AGAIN}}
        writes = [UpdateOne({"_id": one.key, "seq": {"$gt": one.seq}}, mark) for one in indicators]
        return self._indicators.bulk_write(writes, ordered=False).matched_count > 0

    def owed(self) -> list[Indicator]:
        """What must be sent again; from now on it is as if it had never been sent."""
        documents = list(self._indicators.find({"pend": AGAIN}))
        if documents:
            marked = {"_id": {"$in": [document["_id"] for document in documents]}, "pend": AGAIN}
            self._indicators.update_many(marked, {"$set": {"pend": True}})
        return [_indicator(document) for document in documents]


def _intention(indicator: Indicator) -> InsertOne[dict[str, Any]] | UpdateOne:
    document = {
        "programme": indicator.programme,
        "name": indicator.name,
        "value": indicator.cell.value,
        "hidden": indicator.cell.hidden,
        "few": indicator.cell.few,
        "seq": indicator.seq,
        "on": indicator.holds_on.isoformat(),
        "at": indicator.published_at,
        "pend": True,
    }
    if indicator.seq == 1:
        return InsertOne({"_id": indicator.key, **document})
    return UpdateOne({"_id": indicator.key, "seq": indicator.seq - 1}, {"$set": document})


def _indicator(document: Mapping[str, Any]) -> Indicator:
    return Indicator(
        programme=document["programme"],
        name=document["name"],
        cell=Cell(document["value"], document["hidden"], document["few"]),
        seq=document["seq"],
        holds_on=date.fromisoformat(document["on"]) if "on" in document else day_of(document["at"]),
        published_at=document["at"],
    )


class Publisher:
    """A thread that publishes the newest snapshot of each programme; what it had no time for is skipped."""

    def __init__(
        self,
        ledger: Ledger,
        outlet: Callable[[], Outlet],
        now: Callable[[], datetime],
        stop: threading.Event,
        dashboards: Further | None = None,
    ) -> None:
        self._ledger = ledger
        self._dashboards = dashboards
        self._connect = outlet
        self._now = now
        self._stop = stop
        self._outlet: Outlet | None = None
        self._offered: dict[str, Snapshot] = {}
        self._lock = threading.Lock()
        self._held: dict[str, Indicator] | None = None
        self._unsent: dict[str, Indicator] = {}
        self._renewed_at = float("-inf")
        self._unchecked: Sequence[Indicator] = ()

    def offer(self, snapshot: Snapshot) -> None:
        """Take note of the newest that may be published; never blocks on the network."""
        if snapshot.form != "published":
            return
        with self._lock:
            self._offered[snapshot.programme] = snapshot

    def run(self) -> None:
        """Publish until told to stop, at most once a second."""
        while not self._stop.wait(PACE_SECONDS):
            try:
                self.publish_once()
            except (KafkaError, PyMongoError, StaleLedger) as error:
                log.warning("indicators-unpublished", error=type(error).__name__)
                self._forget()
        self._forget()
        try:
            self._check()
            self._ledger.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def publish_once(self) -> int:
        """Publish what differs, if the lease is ours. Returns how many records Kafka acknowledged.

        Raises KafkaError, PyMongoError or StaleLedger; the next call begins from what is stored.
        """
        self._check()
        if not self._leading():
            self._held = None
            self._look_again()
            return 0
        if self._dashboards is not None:
            self._dashboards.look()
        if self._held is None:
            self._held, unsent = self._ledger.load()
            self._unsent = {one.key: one for one in unsent}
        fresh = list(self._fresh(self._held))
        if fresh:
            self._ledger.intend(fresh)
            for one in fresh:
                self._held[one.key] = self._unsent[one.key] = one
        waiting = list(self._unsent.values())
        for first in range(0, len(waiting), CHUNK):
            chunk = waiting[first : first + CHUNK]
            self._send(chunk)
            for one in chunk:
                del self._unsent[one.key]
        if waiting:
            log.info("indicators-published", records=len(waiting))
        return len(waiting)

    def _send(self, chunk: Sequence[Indicator]) -> None:
        self._unchecked = chunk
        try:
            self._connected().send(self._records(chunk))
        except KafkaError:
            # First: what the producer still holds may not go out behind the check.
            self._close()
            self._check()
            raise
        try:
            self._ledger.sent(chunk)
        except StaleLedger:
            self._unchecked = ()
            raise
        self._unchecked = ()

    def _records(self, chunk: Sequence[Indicator]) -> Sequence[Record]:
        records = [record(one) for one in chunk]
        return records if self._dashboards is None else self._dashboards.copies(records)

    def _check(self) -> None:
        """Have what a late send has overtaken sent again. Until the ledger answers, it is asked at each call."""
        if self._unchecked:
            self._ledger.send_again(self._unchecked)
            self._unchecked = ()

    def _fresh(self, held: Mapping[str, Indicator]) -> list[Indicator]:
        with self._lock:
            offered = list(self._offered.values())
        # To the millisecond, as MongoDB keeps it, so that what is sent again says the same.
        at = self._now()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        return [
            one
            for snapshot in offered
            for one in changed(
                snapshot.programme, cells_of(snapshot.report), held, day_of(snapshot.as_of), at
            )
            if one.key not in self._unsent
        ]

    def _leading(self) -> bool:
        now = time.monotonic()
        if self._held is None or now - self._renewed_at > RENEW_SECONDS:
            if not self._ledger.hold():
                return False
            self._renewed_at = now
            if self._held is not None:
                self._unsent |= {one.key: one for one in self._ledger.owed()}
        return True

    def _connected(self) -> Outlet:
        if self._outlet is None:
            self._outlet = self._connect()
        return self._outlet

    def _forget(self) -> None:
        """Begin anew from what is stored; a producer that has failed once is never used again."""
        self._held = None
        self._unsent = {}
        self._look_again()
        self._close()

    def _look_again(self) -> None:
        if self._dashboards is not None:
            self._dashboards.forget()

    def _close(self) -> None:
        if self._outlet is not None:
            outlet, self._outlet = self._outlet, None
            outlet.close()


class KafkaOutlet:
    """Satisfies `Outlet`. One non-retriable error makes an idempotent producer fail for ever: close it then."""

    def __init__(self, kafka_options: Mapping[str, Any]) -> None:
        self._producer = KafkaProducer(
            **kafka_options,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            delivery_timeout_ms=int(SEND_SECONDS * 1000),
            request_timeout_ms=3000,
            max_block_ms=3000,
            allow_auto_create_topics=False,
        )

    def send(self, records: Sequence[Record]) -> None:
        """Send and wait for every acknowledgement, at most `SEND_SECONDS`."""
        futures = [
            self._producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
            for one in records
        ]
        self._producer.flush(timeout=SEND_SECONDS)
        for future in futures:
            future.get(timeout=0)

    def close(self) -> None:
        """Close without sending what is still held; it is sent again from the store."""
        try:
            discard(self._producer)
        except (KafkaError, OSError, RuntimeError) as error:
            log.info("close-failed", error=type(error).__name__)
