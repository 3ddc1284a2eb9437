"""A log that is not the one a group has read: made anew under its name, or cut off below or above its place.

Kafka's clients begin anew without a word in each of these cases; the consumer halts. What it knows then (which
topic that is now, where its partitions begin) goes with the halt, so that an operator can accept exactly that and no
other log: `shared.operations.acceptance`.
"""

from collections.abc import Iterable
from typing import Any

from pymongo.collection import Collection

from shared.language.errors import Halt, OtherLog, Place, Standing
from shared.runtime.kafka import Logs, Partition


def offset_id(group: str, at: Partition) -> str:
    """The name under which a group's offset in this partition is stored."""
    return f"{group}:{at.topic}:{at.partition}"


def stands_at(offsets: Collection[Any], standing: Standing) -> bool:
    """Whether the group still stands at that record. Blocks; raises PyMongoError."""
    at = Partition(standing.topic, standing.partition)
    row = offsets.find_one({"_id": offset_id(standing.group, at)}, {"next": 1})
    return row is not None and row["next"] == standing.offset


def halt_over(
    logs: Logs, offsets: Collection[Any], group: str, topic: str, held: Iterable[Partition], cause: str
) -> Halt:
    """A halt over this topic, with every held partition of it in which the group has no place any more.

    Blocks for three round trips to Kafka and one to MongoDB. Raises KafkaException, PyMongoError.
    """
    identity = logs.identities([topic]).get(topic)
    places = _lost(logs, offsets, group, identity, held)
    return Halt(
        cause,
        "The log lost events or was made anew. Restore the topic and restart; or read it as it is now: journeys accept "
        f"{topic} -g {group} -m '…', restart, and have what is lost said again (journeys republish).",
        OtherLog(group, topic, identity, tuple(places)),
    )


def _lost(
    logs: Logs, offsets: Collection[Any], group: str, identity: str | None, held: Iterable[Partition]
) -> Iterable[Place]:
    ids = {offset_id(group, at): at for at in held}
    if not ids:
        return
    earliest, latest = logs.beginnings(ids.values()), logs.ends(ids.values())
    for row in offsets.find({"_id": {"$in": list(ids)}}, sort=[("_id", 1)]):
        at, stands = ids[row["_id"]], row["next"]
        if row.get("topic", identity) != identity or not earliest[at] <= stands <= latest[at]:
            yield Place(at.partition, stands, earliest[at])
