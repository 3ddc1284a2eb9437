"""A log that is not the one a group has read: made anew under its name, or cut off below or above its place.

kafka-python begins anew without a word in each of these cases; the consumer halts instead. What it knows then (which
topic that is now, where its partitions begin) goes with the halt, so that an operator can accept exactly that and no
other log: `shared.operations.acceptance`.
"""

from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from pymongo.collection import Collection

from shared.errors import Halt, OtherLog, Place


def offset_id(group: str, at: TopicPartition) -> str:
    """The name under which a group's offset in this partition is stored."""
    return f"{group}:{at.topic}:{at.partition}"


def identity_of(consumer: KafkaConsumer, topic: str) -> str | None:
    """Which topic has this name now, as far as the consumer knows."""
    found = consumer._client.cluster.topic_id(topic)  # noqa: SLF001 - it has no public word for this
    return None if found is None else str(found)


def halt_over(consumer: KafkaConsumer, offsets: Collection[Any], group: str, topic: str, cause: str) -> Halt:
    """A halt over this topic, with every assigned partition of it in which the group has no place any more.

    Blocks for a round trip to Kafka and one to MongoDB. Raises KafkaError, PyMongoError.
    """
    identity = identity_of(consumer, topic)
    assigned = [at for at in consumer.assignment() if at.topic == topic]
    places = _lost(consumer, offsets, group, identity, assigned)
    return Halt(
        cause,
        "The log lost events or was made anew. Restore the topic and restart; or read it as it is now: journeys accept "
        f"{topic} -g {group} -m '…', restart, and have what is lost said again (journeys republish).",
        OtherLog(group, topic, identity, tuple(places)),
    )


def _lost(
    consumer: KafkaConsumer,
    offsets: Collection[Any],
    group: str,
    identity: str | None,
    assigned: Iterable[TopicPartition],
) -> Iterable[Place]:
    ids = {offset_id(group, at): at for at in assigned}
    earliest = consumer.beginning_offsets(list(ids.values()))
    latest = consumer.end_offsets(list(ids.values()))
    for row in offsets.find({"_id": {"$in": list(ids)}}, sort=[("_id", 1)]):
        at, stands = ids[row["_id"]], row["next"]
        if row.get("topic", identity) != identity or not earliest[at] <= stands <= latest[at]:
            yield Place(at.partition, stands, earliest[at])
