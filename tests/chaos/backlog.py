"""What a stack has still to do, by Kafka's log and MongoDB alone: unpublished, unread, waiting, due."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.declaration import REFERRALS, declared
from services.intake.inbound import GROUP
from tests.chaos import observe
from tests.chaos.awaiting import TimedOut
from tests.chaos.observe import CONSUMING


@dataclass
class Kind:
    """One consuming group and its offsets' names in the database."""

    database: str
    group: str
    topics: tuple[str, ...]


KINDS = [Kind(one.database, one.group, one.topics) for one in CONSUMING] + [
    Kind("intake", GROUP, tuple(REFERRALS.format(agency=one) for one in declared().agencies))
]


class Backlog:
    """Looks at one stack."""

    def __init__(self, mongo: MongoClient[dict[str, Any]], kafka: Mapping[str, Any]) -> None:
        self._mongo = mongo
        self._kafka = kafka

    def ends(self) -> dict[TopicPartition, int]:
        """Where every consumed topic ends now. Raises KafkaError."""
        consumer = KafkaConsumer(**self._kafka, group_id=None, enable_auto_commit=False)
        try:
            partitions = [
                TopicPartition(topic, one)
                for topic in sorted({topic for kind in KINDS for topic in kind.topics})
                for one in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            found: dict[TopicPartition, int] = consumer.end_offsets(partitions)
            return found
        finally:
            consumer.close(timeout_ms=500)

    def lag(self, ends: Mapping[TopicPartition, int] | None = None) -> dict[str, int]:
        """Records before these ends (None: before the present ones) that a group has not applied, by group."""
        if ends is None:
            ends = self.ends()
        behind = {}
        for kind in KINDS:
            rows = {row["_id"]: row["next"] for row in self._mongo[kind.database]["offsets"].find()}
            behind[kind.group] = sum(
                max(0, end - rows.get(f"{kind.group}:{at.topic}:{at.partition}", 0))
                for at, end in ends.items()
                if at.topic in kind.topics
            )
        return behind

    def drained(self, deadline: float, waiting: int = 0) -> None:
        """Wait until nothing is left, twice in a row. waiting: events that rightly wait. Raises TimedOut."""
        before: Any = None
        wait = threading.Event()
        left: Any = "not looked at yet"
        while True:
            try:
                left = self.left(waiting)
                now = {kind.group: sum(self._stored(kind)) for kind in KINDS} if not left else None
                if not left and now == before:
                    return
                before = now
            except (PyMongoError, KafkaError, OSError) as error:
                left, before = type(error).__name__, None
            if time.monotonic() > deadline:
                raise TimedOut(f"it did not settle: {left}")
            wait.wait(0.15)

    def _stored(self, kind: Kind) -> list[int]:
        rows = self._mongo[kind.database]["offsets"].find()
        return [row["next"] for row in rows if str(row["_id"]).startswith(f"{kind.group}:")]

    def left(self, waiting: int = 0) -> str:
        """What is left to do, in words; empty when nothing is."""
        pending = {name: count for name, count in observe.pending(self._mongo).items() if count}
        if pending:
            return f"pending {pending}"
        if due := observe.timers_due(self._mongo):
            return f"{due} timers due"
        if lag := {name: count for name, count in self.lag().items() if count}:
            return f"lag {lag}"
        if observe.waiting(self._mongo) > waiting:
            return f"{observe.waiting(self._mongo)} events wait"
        return ""
