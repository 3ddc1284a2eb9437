"""What a running stack holds, so that two moments can be compared; and when it has come to rest."""

import hashlib
import json
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import bson
from kafka import KafkaConsumer, TopicPartition
from pymongo import MongoClient

from tools.stack import Settings, Stack
from tools.stack.settings import SERVICES

CONSUMERS = [
    f"{service}-{role}"
    for service, roles in SERVICES.items()
    for role in roles
    if role in ("consume", "project")
]
DATABASES = tuple(service.replace("-", "_") for service in SERVICES)
RESTLESS = {"leases", "processes", "rebuilds", "webhooks"}
"""Collections that move of themselves: who holds which part of the outbox, how each process, rebuild and
webhook stands.
"""
RESTLESS_FIELDS = {"send_at": 0}
"""Fields that move of themselves: when a webhook has its next turn."""
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Moment:
    """Every document of every service, by `database.collection`, and where every topic ends."""

    documents: Mapping[str, Mapping[str, str]]
    ends: Mapping[str, int]

    def changes(self, later: "Moment") -> list[str]:
        """What differs in the later moment, one line each."""
        found = []
        for place in sorted({*self.documents, *later.documents}):
            before, after = self.documents.get(place, {}), later.documents.get(place, {})
            for key in sorted(before.keys() | after.keys()):
                if before.get(key) != after.get(key):
                    what = "new" if key not in before else "gone" if key not in after else "changed"
                    found.append(f"{place} {key}: {what}")
        moved = [
            topic
            for topic in sorted({*self.ends, *later.ends})
            if self.ends.get(topic) != later.ends.get(topic)
        ]
        return found + [f"{topic}: {self.ends.get(topic)} -> {later.ends.get(topic)}" for topic in moved]


class Watch:
    """Looks at a stack as its administrator; changes nothing."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(stack.admin_mongo_uri, tz_aware=True)
        self._kafka = KafkaConsumer(**stack.kafka_admin_config(), group_id=None, enable_auto_commit=False)

    def rebuilt(self) -> bool:
        """Whether no rebuild is on its way: none has ground to make up, and none has left anything behind."""
        for name in DATABASES:
            database = self._mongo[name]
            under_way = list(database["rebuilds"].find({"state": {"$in": ["building", "swapping"]}}))
            if any(one["state"] == "swapping" or not _at_the_end(one) for one in under_way):
                return False
            beside = [one for one in database.list_collection_names() if "__r" in one]
            if bool(beside) != bool(under_way):
                return False
        return True

    def holders(self, database: str, group: str) -> set[bytes]:
        """Who has the group's partitions."""
        rows = self._mongo[database]["offsets"].find({"_id": {"$gte": f"{group}:", "$lt": f"{group};"}})
        return {bytes(row["holder"]) for row in rows if row.get("holder")}

    def close(self) -> None:
        """Let go of broker and database."""
        self._mongo.close()
        self._kafka.close()

    def moment(self) -> Moment:
        """What there is now."""
        documents = {}
        for name in DATABASES:
            for collection in self._mongo[name].list_collection_names():
                if collection not in RESTLESS:
                    rows = self._mongo[name][collection].find({}, RESTLESS_FIELDS)
                    documents[f"{name}.{collection}"] = {str(row["_id"]): _hash(row) for row in rows}
        return Moment(documents, self._ends())

    def rest(self, without: Collection[str] = ()) -> None:
        """The same as `rest`, on this stack."""
        rest(self._stack.settings, without)

    def _ends(self) -> dict[str, int]:
        topics = [name for name in self._kafka.topics() if not name.startswith("__")]
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in self._kafka.partitions_for_topic(topic) or ()
        ]
        ends: dict[str, int] = {}
        for place, end in self._kafka.end_offsets(places).items():
            ends[place.topic] = ends.get(place.topic, 0) + end
        return ends


def rest(settings: Settings, without: Collection[str] = ()) -> None:
    """Wait until every event has arrived everywhere: the same quiet answer twice. Raises AssertionError.

    without: processes that do not run.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    before: list[tuple[int, int]] | None = None
    pause = threading.Event()
    while True:
        told = [_progress(settings, name) for name in CONSUMERS if name not in without]
        moved = [(one["emitted"], one["applied"]) for one in told]
        restless = [
            one for one in told if one["lag"] or one["outbox_pending"] or one["timers_due"] or one["waiting"]
        ]
        if not restless and moved == before:
            return
        before = None if restless else moved
        assert time.monotonic() < deadline, f"the stack does not come to rest: {restless}"
        pause.wait(0.03)


def _progress(settings: Settings, process: str) -> dict[str, Any]:
    with urlopen(f"{settings.health_url(process)}/progress", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _at_the_end(rebuild: Mapping[str, Any]) -> bool:
    compared, asked = rebuild["compared"], rebuild["compare_asked_at"]
    told = rebuild["progress"] is not None and rebuild["progress"]["lag"] == 0
    return told and (asked is None or (compared is not None and compared["asked_at"] == asked))


def _hash(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(bson.encode(row)).hexdigest()
