"""Whether a topic is still the one that a group has read: it may be recreated under its name, or truncated.

Kafka's clients start over silently in each of these cases; the consumer halts. The halt names the id of the topic
that has the name now, and where its partitions begin. So an operator can accept exactly that log and no other:
`shared.operations.acceptance`.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaException
from pymongo import UpdateOne
from pymongo.collection import Collection

from shared.language.errors import Halt, Place, ReplacedTopic, Standing
from shared.runtime.kafka import Logs, Partition, TopicIdQuery

IDENTITY_SECONDS = 10.0

log = structlog.get_logger()


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
        ReplacedTopic(group, topic, identity, tuple(places)),
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


class TopicIdentity:
    """The ids of the topics that one group reads, and whether they are still the same. For one thread.

    seconds: how often Kafka is asked.
    """

    def __init__(self, logs: Logs, group: str, seconds: float = IDENTITY_SECONDS) -> None:
        self.ids: Mapping[str, str] = {}
        self._logs = logs
        self._group = group
        self._seconds = seconds
        self._asked_at = 0.0
        self._query: TopicIdQuery | None = None

    def store(self, offsets: Collection[Any], ids: Mapping[str, Partition]) -> None:
        """Store the topic's id beside each offset that has none, so that a topic recreated under its name is noticed.

        ids: {an offset's id: its partition}. Blocks; raises KafkaException, PyMongoError.
        """
        self._query = None
        self.ids = self._logs.identities({at.topic for at in ids.values()})
        self._asked_at = time.monotonic()
        operations = [
            UpdateOne({"_id": one, "topic": {"$exists": False}}, {"$set": {"topic": self.ids[at.topic]}})
            for one, at in ids.items()
            if at.topic in self.ids
        ]
        if operations:
            offsets.bulk_write(operations, ordered=False)

    def replaced(self) -> str | None:
        """A topic that has another id now, or None; a topic that does not exist may come back. Never blocks.

        Asks now and then, and takes the answer at a later call: without Kafka, waiting for it would take ten seconds.
        """
        if self._query is None:
            if time.monotonic() - self._asked_at >= self._seconds:
                self._asked_at = time.monotonic()
                self._query = self._logs.ask_identities(self.ids)
            return None
        try:
            now = self._query.answer()
        except KafkaException as error:
            self._query = None
            log.warning("kafka-not-asked", group=self._group, error=error.args[0].name())
            return None
        if now is None:
            return None
        self._query = None
        return next((topic for topic, known in self.ids.items() if now.get(topic, known) != known), None)
