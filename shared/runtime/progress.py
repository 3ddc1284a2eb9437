"""How far one consumer group has come, in numbers: asked by its health page, and reported to the database."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from pymongo.database import Database

from shared.runtime.clock import Clock
from shared.runtime.unit import SHARDS
from shared.telemetry import metric

ANSWER_MS = 5000
"""How long Kafka may take to tell where the log ends: whoever asks has others to answer too."""
PENDING = {"pend": {"$in": list(range(SHARDS))}}


def outbox_age_seconds(database: Database[Any], now: float) -> float:
    """The age of the oldest event that has not been published; what is sent again is as old as the request.

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

    own: the service's own group, whose process has the outbox and the timers too.
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
        self._kafka_options = kafka_options
        self._topics = topics
        self._own = own
        self._lock = threading.Lock()
        self._log: KafkaConsumer | None = None

    def measure(self) -> dict[str, Any]:
        """Lag, outbox, timers, parked: counts by index only. Blocks for a round trip to Kafka and a few to MongoDB.

        Raises KafkaError, PyMongoError.
        """
        with self._lock:
            ends = self._ends(self._topics)
            measured = self._measured()
        applied = self.applied()
        lag = sum(end - applied.get(at, 0) for at, end in ends.items())
        metric("journey_consumer_lag", group=self.group).set(lag)
        return {**measured, "lag": lag, "applied": sum(applied.values())}

    def _measured(self) -> dict[str, Any]:
        database, now = self._database, self._clock.now()
        outbox = database["events"].count_documents(PENDING) if self._own else 0
        refused = database["events"].count_documents({"pend": {"$lt": 0}}) if self._own else 0
        age = outbox_age_seconds(database, time.time()) if outbox else 0.0
        due = database["timers"].count_documents({"due": {"$lte": now}}) if self._own else 0
        aside = self.parked()
        waiting = aside.pop("waiting", 0)
        parked = sum(aside.values())
        wait = self._oldest_wait_seconds() if waiting else 0.0
        metric("journey_waiting", group=self.group).set(waiting)
        metric("journey_wait_oldest_seconds", group=self.group).set(wait)
        metric("journey_parked", group=self.group).set(parked)
        metric("journey_outbox_pending").set(outbox)
        metric("journey_outbox_refused").set(refused)
        metric("journey_outbox_oldest_seconds").set(age)
        metric("journey_timers_due").set(due)
        return {
            "group": self.group,
            "clock": now.isoformat(),
            "outbox_pending": outbox,
            "outbox_refused": refused,
            "outbox_oldest_seconds": round(age, 1),
            "timers_due": due,
            "waiting": waiting,
            "wait_oldest_seconds": round(wait, 1),
            "parked": parked,
            "emitted": database["events"].estimated_document_count() if self._own else 0,
        }

    def _oldest_wait_seconds(self) -> float:
        condition = {"group": self.group, "reason": "waiting"}
        oldest = self._database["parked"].find_one(condition, {"at": 1}, sort=[("at", 1)])
        if oldest is None:
            return 0.0
        since: float = oldest["at"].replace(tzinfo=UTC).timestamp()
        return max(0.0, time.time() - since)

    def applied(self) -> dict[str, int]:
        """{`topic:partition`: the offset after the last one made durable}."""
        prefix = {"_id": {"$gte": f"{self.group}:", "$lt": f"{self.group};"}}
        length = len(self.group) + 1
        return {row["_id"][length:]: row["next"] for row in self._database["offsets"].find(prefix)}

    def parked(self) -> dict[str, int]:
        """{reason: how many of the group's events are set aside}."""
        by_reason: list[dict[str, Any]] = [{"$match": {"group": self.group}}, {"$sortByCount": "$reason"}]
        return {row["_id"]: row["count"] for row in self._database["parked"].aggregate(by_reason)}

    def ends(self, topics: Sequence[str]) -> dict[str, int]:
        """{`topic:partition`: where the log ends now}. Blocks for a round trip to Kafka. Raises KafkaError."""
        with self._lock:
            return self._ends(topics)

    def _ends(self, topics: Sequence[str]) -> dict[str, int]:
        if self._log is None:
            self._log = KafkaConsumer(
                **self._kafka_options,
                group_id=None,
                enable_auto_commit=False,
                bootstrap_timeout_ms=ANSWER_MS,
                request_timeout_ms=ANSWER_MS,
            )
        try:
            partitions = [
                TopicPartition(topic, partition)
                for topic in topics
                for partition in (self._log.partitions_for_topic(topic) or ())
            ]
            ends: dict[TopicPartition, int] = self._log.end_offsets(partitions)
        except Exception:
            broken, self._log = self._log, None
            broken.close(timeout_ms=500)
            raise
        return {f"{at.topic}:{at.partition}": end for at, end in ends.items()}
