"""What an operator does with a service's archive: say again what Kafka lost. The command line does it by subject."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from shared.language.events import TOPICS
from shared.runtime.messages import SHARDS, shard_of


def republish(mongo: MongoClient[dict[str, Any]], topic: str) -> int:
    """What an operator does where the log lost what a service has said: everything goes out again, in order."""
    source = next(one for one, name in TOPICS.items() if name == topic)
    events = mongo[source.replace("-", "_")]["events"]
    count = 0
    for shard in range(SHARDS):
        subjects = [key for key in events.distinct("key", {"topic": topic}) if shard_of(key) == shard]
        done = events.update_many({"topic": topic, "key": {"$in": subjects}}, {"$set": {"pend": shard}})
        count += done.modified_count
    return count
