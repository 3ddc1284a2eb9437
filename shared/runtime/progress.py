"""The progress of one consumer group in numbers, for its health page and for the report in the database."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException
from pymongo import timeout
from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.runtime.clock import Clock
from shared.runtime.kafka import Logs, Partition
from shared.runtime.messages import REPLIES, SHARDS
from shared.telemetry.metrics import metric, tell

ANSWER_SECONDS = 5.0
"""Timeout of Kafka and of MongoDB each: the callers, such as a scrape, have a timeout of their own."""
AWAY_SECONDS = 1.0
"""Timeout after the last query failed.

A scrape gives up after ten seconds and would then learn nothing of the other.
"""
PARTITIONS_SECONDS = 30.0
UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    (
        "clock",
        "outbox_pending",
        "outbox_refused",
        "outbox_oldest_seconds",
        "timers_due",
        "waiting",
        "wait_oldest_seconds",
        "parked",
        "emitted",
    )
)
PENDING = {"pend": {"$in": list(range(SHARDS))}}


def outbox_age_seconds(database: Database[Any], now: float) -> float:
    """The age of the oldest unpublished event, in seconds; the age of a republished event counts from the request.

    now: Unix time, seconds.
    """
    new = database["events"].find_one({**PENDING, "again": {"$exists": False}}, {"ts": 1}, sort=[("ts", 1)])
    again = database["events"].find_one(
        {**PENDING, "again": {"$exists": True}}, {"again": 1}, sort=[("ts", 1)]
    )
    since = [new["ts"] / 1e6] if new else []
    since += [again["again"].replace(tzinfo=UTC).timestamp()] if again else []
    return max((now - one for one in since), default=0.0)


class Progress:
    """Measures one group. Threads share it; one measures at a time.

    own: True for the service's own group, whose process also has the outbox and the timers.
    """

    def __init__(
        self,
        *,
        database: Database[Any],
        clock: Clock,
        kafka_options: Mapping[str, Any],
        group: str,
        topics: Sequence[str],
        own: bool,
    ) -> None:
        self.group = group
        self._database = database
        self._clock = clock
        self._logs = Logs(kafka_options, ANSWER_SECONDS)
        self._partitions: list[Partition] = []
        self._asked_at = 0.0
        self._topics = tuple(topics)
        self._own = own
        self._lock = threading.Lock()
        self._began_at = 0.0
        self._measured: dict[str, Any] | None = None

    def measure(self) -> dict[str, Any]:
        """Lag, outbox, timers, parked events: counts by index only. An unknown value is None and has no metric.

        `unanswered` then names the system that did not answer or refused, and its error. Blocks for one round trip to
        Kafka and two to MongoDB. A caller that arrives while another measures gets the next measurement. Raises no
        error of either.
        """
        asked_at = time.monotonic()
        with self._lock:
            if self._measured is None or self._began_at < asked_at:
                self._began_at = time.monotonic()
                self._measured = self._measure()
            return self._measured

    @property
    def unanswered(self) -> Mapping[str, str] | None:
        """{`kafka` or `mongodb`: its error} of the last measurement; None before the first. Never blocks."""
        measured = self._measured
        return None if measured is None else measured["unanswered"]

    def _measure(self) -> dict[str, Any]:
        before = self.unanswered or {}
        unanswered: dict[str, str] = {}
        stored, ends = None, None
        try:
            # One that was away is not waited for again: what the other knows is wanted now.
            with timeout(AWAY_SECONDS if "mongodb" in before else ANSWER_SECONDS):
                stored = self._stored()
        except PyMongoError as error:
            unanswered["mongodb"] = type(error).__name__
        try:
            ends = self._latest_ends(AWAY_SECONDS if "kafka" in before else ANSWER_SECONDS)
        except KafkaException as error:
            unanswered["kafka"] = error.args[0].name()
        metric("journey_dependency_up", dependency="mongodb").set("mongodb" not in unanswered)
        metric("journey_dependency_up", dependency="kafka").set("kafka" not in unanswered)
        applied = None if stored is None else stored.pop("applied")
        lag = None
        if ends is not None and applied is not None:
            lag = sum(end - applied.get(at, 0) for at, end in ends.items())
        tell(metric("journey_consumer_lag", group=self.group), lag)
        return {
            "group": self.group,
            **(UNKNOWN if stored is None else stored),
            "lag": lag,
            "applied": None if applied is None else sum(applied.values()),
            "unanswered": unanswered,
        }

    def _stored(self) -> dict[str, Any]:
        """The values that MongoDB knows; sets them as metrics too, or none of them. Raises PyMongoError."""
        known: dict[str, Any] = {}
        try:
            now = self._clock.now()
            counted = self._counted(now)
            known = {"clock": now.isoformat(), **self._shown(counted), "applied": counted["applied"]}
            return known
        finally:
            self._tell(known)

    def _shown(self, counted: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        here, aside = counted["here"], counted["parked"]
        outbox = here.get("outbox", 0)
        waiting = aside.get("waiting", 0)
        age = outbox_age_seconds(self._database, time.time()) if outbox else 0.0
        wait = self._oldest_wait_seconds() if waiting else 0.0
        return {
            # A reply that has no number yet is as little published as what is in the outbox.
            "outbox_pending": outbox + here.get("unnumbered", 0),
            "outbox_refused": here.get("refused", 0),
            "outbox_oldest_seconds": round(age, 1),
            "timers_due": here.get("due", 0),
            "waiting": waiting,
            "wait_oldest_seconds": round(wait, 1),
            "parked": sum(aside.values()) - waiting,
            "emitted": here.get("emitted", 0),
        }

    def _tell(self, known: Mapping[str, Any]) -> None:
        """Set the metrics; an unknown value has no sample. A projection has no outbox and no timers."""
        tell(metric("journey_waiting", group=self.group), known.get("waiting"))
        tell(metric("journey_wait_oldest_seconds", group=self.group), known.get("wait_oldest_seconds"))
        tell(metric("journey_parked", group=self.group), known.get("parked"))
        if self._own:
            tell(metric("journey_outbox_pending"), known.get("outbox_pending"))
            tell(metric("journey_outbox_refused"), known.get("outbox_refused"))
            tell(metric("journey_outbox_oldest_seconds"), known.get("outbox_oldest_seconds"))
            tell(metric("journey_timers_due"), known.get("timers_due"))

    def _counted(self, now: datetime) -> Mapping[str, Mapping[str, int]]:
        """{applied: {`topic:partition`: next}, parked: {reason: n}, here: {outbox, unnumbered, refused, due,
        emitted: n}}.

        One query for all, because it is asked often and each round trip costs both sides.
        """
        pipeline: list[dict[str, Any]] = [
            {"$match": self._own_offsets()},
            {"$project": {"_id": 0, "kind": "applied", "name": "$_id", "n": "$next"}},
            _counts("parked", "parked", {"group": self.group}, "$reason"),
        ]
        if self._own:
            kind = {"$cond": [{"$lt": ["$pend", 0]}, "refused", "outbox"]}
            pipeline += [
                _counts("here", "events", {"pend": {"$lt": SHARDS}}, kind),
                _counts("here", "timers", {"due": {"$lte": now}}, "due"),
                _counts("here", REPLIES, {}, "unnumbered"),
                {
                    "$unionWith": {
                        "coll": "events",
                        "pipeline": [
                            {"$collStats": {"count": {}}},
                            {"$project": {"kind": "here", "name": "emitted", "n": "$count"}},
                        ],
                    }
                },
            ]
        found: dict[str, dict[str, int]] = {"applied": {}, "parked": {}, "here": {}}
        for row in self._database["offsets"].aggregate(pipeline):
            found[row["kind"]][row["name"]] = row["n"]
        found["applied"] = self._by_place(found["applied"])
        return found

    def _oldest_wait_seconds(self) -> float:
        condition = {"group": self.group, "reason": "waiting"}
        oldest = self._database["parked"].find_one(condition, {"at": 1}, sort=[("at", 1)])
        if oldest is None:
            return 0.0
        since: float = oldest["at"].replace(tzinfo=UTC).timestamp()
        return max(0.0, time.time() - since)

    def applied(self) -> dict[str, int]:
        """{`topic:partition`: the offset after the last applied record}."""
        found = self._database["offsets"].find(self._own_offsets())
        return self._by_place({row["_id"]: row["next"] for row in found})

    def _own_offsets(self) -> dict[str, Any]:
        return {"_id": {"$gte": f"{self.group}:", "$lt": f"{self.group};"}}

    def _by_place(self, offsets: Mapping[str, int]) -> dict[str, int]:
        return {name.removeprefix(f"{self.group}:"): following for name, following in offsets.items()}

    def parked(self) -> dict[str, int]:
        """{reason: the number of the group's parked events}."""
        by_reason: list[dict[str, Any]] = [{"$match": {"group": self.group}}, {"$sortByCount": "$reason"}]
        return {row["_id"]: row["count"] for row in self._database["parked"].aggregate(by_reason)}

    def ends(self, topics: Sequence[str]) -> dict[str, int]:
        """{`topic:partition`: the log's end now}. Blocks for two round trips to Kafka. Raises KafkaException.

        Callers decide by it, so it always asks for the current partitions and never uses the cached list.
        """
        return _by_name(self._logs.ends(self._logs.partitions(topics)))

    def _latest_ends(self, seconds: float) -> dict[str, int]:
        """The ends of the group's own topics. The list of partitions is cached for PARTITIONS_SECONDS."""
        try:
            if not self._partitions or time.monotonic() - self._asked_at > PARTITIONS_SECONDS:
                self._partitions, self._asked_at = (
                    self._logs.partitions(self._topics, seconds),
                    time.monotonic(),
                )
            return _by_name(self._logs.ends(self._partitions, seconds))
        except KafkaException:
            # One of them may be no more.
            self._partitions = []
            raise


def _by_name(ends: Mapping[Partition, int]) -> dict[str, int]:
    return {f"{at.topic}:{at.partition}": end for at, end in ends.items()}


def _counts(kind: str, collection: str, condition: Mapping[str, Any], name: object) -> dict[str, Any]:
    """A stage that adds rows of this kind: how many documents meet the condition, by name (an expression)."""
    pipeline: list[dict[str, Any]] = [
        {"$match": condition},
        {"$group": {"_id": name, "n": {"$sum": 1}}},
        {"$project": {"_id": 0, "kind": kind, "name": "$_id", "n": 1}},
    ]
    return {"$unionWith": {"coll": collection, "pipeline": pipeline}}
