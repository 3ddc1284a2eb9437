"""Positions: from where one member reads each partition on, as stored with the state in MongoDB.

Kafka's own committed offsets are not used. A partition counts only once its stored offset is loaded; loading also ends
the open transaction of the member that held it before. The offset is compared and set with each batch (`durable`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pymongo.collection import Collection

from shared.language.errors import Halt
from shared.runtime.arrived import Arrived
from shared.runtime.durable import Durable
from shared.runtime.kafka import Logs, Partition
from shared.runtime.member import Member
from shared.runtime.topic_identity import TopicIdentity, halt_over, offset_id, stands_at

OnLost = Callable[[Partition, int], None]
Moves = Mapping[Partition, tuple[int, int]]
"""{partition: (the offset at which the group stands, the offset at which it goes on)}."""


class Positions:
    """The positions of one member of one group. For one thread.

    next: {partition: the offset that is read next}. on_lost: called with the number of records that a partition lost
    before they were read; without it, the group halts.
    """

    def __init__(
        self,
        group: str,
        offsets: Collection[Any],
        logs: Logs,
        durable: Durable,
        topics: TopicIdentity,
        on_lost: OnLost | None,
    ) -> None:
        self.next: dict[Partition, int] = {}
        self._group = group
        self._offsets = offsets
        self._logs = logs
        self._durable = durable
        self._topics = topics
        self._on_lost = on_lost

    def claimed(
        self, member: Member, polled: Mapping[Partition, list[Arrived]]
    ) -> dict[Partition, list[Arrived]]:
        """Return the records of partitions whose stored offset is loaded.

        If any offset is not, load all and return nothing.

        Raises Halt, KafkaException, PyMongoError.
        """
        for at in member.revoked():
            self.next.pop(at, None)
        if member.granted - self.next.keys():
            self.load(member)
            return {}
        self.check_topics(member)
        return {at: records for at, records in polled.items() if at in member.granted}

    def read_again(self, batch: Mapping[Partition, list[Arrived]]) -> bool:
        """Whether a record lies before its partition's position; the member must then begin again."""
        return any(records[0].offset < self.next[at] for at, records in batch.items())

    def moves(self, batch: Mapping[Partition, list[Arrived]]) -> Moves:
        """The moves that this batch makes."""
        return {at: (self.next[at], records[-1].offset + 1) for at, records in batch.items()}

    def move(self, moves: Moves) -> None:
        """Note moves that were made durable."""
        for at, (_, following) in moves.items():
            self.next[at] = following

    def forget(self) -> None:
        """Load the stored offsets again before anything more is read."""
        self.next.clear()

    def load(self, member: Member) -> None:
        """Take over the granted partitions: end the predecessor's transaction, then read on from the stored offsets."""
        ids = {offset_id(self._group, at): at for at in member.granted}
        earliest = self._logs.beginnings(ids.values())
        self._durable.take_over({one: earliest[at] for one, at in ids.items()})
        self._topics.store(self._offsets, ids)
        self._pass_lost(ids, earliest)
        rows = list(self._offsets.find({"_id": {"$in": list(ids)}}))
        # Asked for after the offsets: a predecessor that is not fenced yet may still have moved them on.
        latest = self._logs.ends(ids.values())
        for row in rows:
            at = ids[row["_id"]]
            if not earliest[at] <= row["next"] <= latest[at]:
                raise self._halt_over(
                    member,
                    at.topic,
                    f"{at.topic}[{at.partition}] has {earliest[at]} to {latest[at]}; "
                    f"{self._group} is at {row['next']}.",
                )
            if row.get("topic") not in (None, self._topics.ids.get(at.topic)):
                raise self._halt_over(
                    member,
                    at.topic,
                    f"{at.topic} is not the topic that {self._group} has read: it was made anew.",
                )
        self.next = {ids[row["_id"]]: row["next"] for row in rows}
        member.begin(self.next)

    def check_topics(self, member: Member) -> None:
        """Raise Halt when a topic is no longer the one that is read. Never blocks otherwise."""
        topic = self._topics.replaced()
        if topic is not None:
            raise self._halt_over(member, topic, f"{topic}, which {self._group} reads, was made anew.")

    def is_passed_over(self, halt: Halt) -> bool:
        """Whether an operator has moved the group past the record at which it halted. Raises PyMongoError."""
        return halt.standing is not None and not stands_at(self._offsets, halt.standing)

    def _pass_lost(self, ids: Mapping[str, Partition], earliest: Mapping[Partition, int]) -> None:
        """Read on from where a partition begins now, where it no longer holds the next record; and say so."""
        if self._on_lost is None:
            return
        for one, at in ids.items():
            lost = self._durable.pass_lost(one, earliest[at], self._topics.ids.get(at.topic))
            if lost:
                self._on_lost(at, lost)

    def _halt_over(self, member: Member, topic: str, cause: str) -> Halt:
        held: Iterable[Partition] = [at for at in member.granted if at.topic == topic]
        return halt_over(self._logs, self._offsets, self._group, topic, held, cause)
