"""A member that takes records from each topic in turn, so that a flood on one topic does not delay the others.

librdkafka returns records in the order in which it fetched them: twenty thousand of one agency, then the one of
another. So the member holds only a share of each partition; the share is smaller the more partitions there are. A
partition with a full share is paused, which also drops its fetched records. It is resumed when half of its share has
been handled.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import TopicPartition

from shared.runtime.arrived import Arrived
from shared.runtime.kafka import Partition
from shared.runtime.member import Member
from shared.runtime.turns import Share, Turns

READ_AT_ONCE = 1000


class FairMember(Member):
    """One member of a group; each poll takes from each topic in turn."""

    def __init__(
        self,
        options: Mapping[str, Any],
        group: str,
        topics: Iterable[str],
        wait_seconds: float,
        share: Share | None = None,
    ) -> None:
        share = share or Share()
        self.most = share.batch
        self._turns = Turns(share)
        self._paused: frozenset[Partition] = frozenset()
        further = {
            # One that is read on is asked for when the request under way is answered.
            "fetch.wait.max.ms": 100,
            # New topics of a pattern are seen within this time.
            "topic.metadata.refresh.interval.ms": 5000,
            # What is fetched and dropped again costs as much as what is used.
            "max.partition.fetch.bytes": 1 << 17,
            # One answer holds no more either, from however many partitions.
            "fetch.max.bytes": 1 << 20,
            "queued.max.messages.kbytes": 1024,
        }
        super().__init__(options, group, topics, wait_seconds, further)

    def poll(self, most: int) -> dict[Partition, list[Arrived]]:
        """The next batch, by turns. Blocks until something has come, or the wait ends. Raises what `Member` does."""
        self._read(0.0 if self._turns else self._wait_seconds)
        return self._taken(most)

    def poll_more(self, most: int) -> dict[Partition, list[Arrived]]:
        """Return further records for this batch, without waiting."""
        self._read(0.0)
        return self._taken(most)

    def begin(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions, from these offsets. Records that were read and not returned are forgotten."""
        self._turns.begin(len(positions))
        super().begin(positions)
        self._paused = frozenset()
        self._native.resume([TopicPartition(*at) for at in positions])

    def _read(self, wait_seconds: float) -> None:
        first = self._native.poll(wait_seconds)
        messages = [] if first is None else [first, *self._at_hand(READ_AT_ONCE)]
        for at, records in self._sorted(messages).items():
            # What was taken away while it was on its way is somebody else's now.
            if at in self.granted:
                self._turns.add(at, records)
        full = self._turns.full() - self._paused
        if full:
            self._native.pause([TopicPartition(*at) for at in full])
            self._paused |= full

    def _taken(self, most: int) -> dict[Partition, list[Arrived]]:
        taken = self._turns.take(most)
        low = self._turns.low() & self._paused
        if low:
            self._native.resume([TopicPartition(*at) for at in low])
            self._paused -= low
        return taken

    def _on_revoke(self, native: Any, revoked: list[TopicPartition]) -> None:
        self._turns.forget()
        super()._on_revoke(native, revoked)
