"""Records of several topics, taken in turns: a long topic delays the others by one batch at most.

Pure. The reader pauses a partition that `full` names, and resumes it once `low` names it. Records held here were read
and not handled. They may be forgotten at any time, because only the stored offsets count.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.runtime.arrived import Arrived
from shared.runtime.kafka import Partition

RECORD_BYTES = 512
"""The memory of a record beside its content: many empty records take memory too."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many records of one partition are held, and how many one batch takes.

    records: held; size: their bytes; total: the bytes of all partitions, divided evenly among them; batch: records a
    batch.
    """

    records: int = 400
    size: int = 1 << 20
    total: int = 16 << 20
    batch: int = 40

    def among(self, partitions: int) -> "Share":
        """The share of each partition. At least one record of each is held, however many partitions there are."""
        return replace(self, size=max(1, min(self.size, self.total // max(1, partitions))))


class Turns:
    """Records of each partition that were read and have not had their turn. For one thread."""

    def __init__(self, share: Share) -> None:
        self._whole = self._share = share
        self.forget()

    def begin(self, partitions: int) -> None:
        """Forget all records, and divide the share among this many partitions from now on."""
        self._share = self._whole.among(partitions)
        self.forget()

    def forget(self) -> None:
        """Forget all records."""
        self._held: dict[Partition, deque[Arrived]] = {}
        self._size: dict[Partition, int] = {}
        self._topics: deque[str] = deque()
        self._within: dict[str, deque[Partition]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    def add(self, at: Partition, records: Collection[Arrived]) -> None:
        """Append records of the partition."""
        if at not in self._held:
            self._held[at], self._size[at] = deque(), 0
            if at.topic not in self._within:
                self._within[at.topic] = deque()
                self._topics.append(at.topic)
            self._within[at.topic].append(at)
        self._held[at].extend(records)
        self._size[at] += sum(_size(one) for one in records)

    def full(self) -> frozenset[Partition]:
        """The partitions with a full share: nothing more should be read of them."""
        return frozenset(at for at in self._held if self._part_of(at) >= 1)

    def low(self) -> frozenset[Partition]:
        """The partitions with at most half a share: more should be read of them."""
        return frozenset(at for at in self._held if self._part_of(at) <= 1 / 2)

    def _part_of(self, at: Partition) -> float:
        return max(len(self._held[at]) / self._share.records, self._size[at] / self._share.size)

    def take(self, most: int) -> dict[Partition, list[Arrived]]:
        """The next batch: one record of each topic in turn, and within a topic of each partition, up to `most`.

        At most `Share.batch`. The next batch goes on with the topic after the last one here.
        """
        taken: dict[Partition, list[Arrived]] = {}
        wanted, idle = min(most, self._share.batch), 0
        while wanted > 0 and idle < len(self._topics):
            topic = self._topics[0]
            self._topics.rotate(-1)
            found = self._next_of(topic)
            if found is None:
                idle += 1
                continue
            at, record = found
            taken.setdefault(at, []).append(record)
            wanted, idle = wanted - 1, 0
        return taken

    def _next_of(self, topic: str) -> tuple[Partition, Arrived] | None:
        partitions = self._within[topic]
        for _ in range(len(partitions)):
            at = partitions[0]
            partitions.rotate(-1)
            if self._held[at]:
                record = self._held[at].popleft()
                self._size[at] -= _size(record)
                return at, record
        return None


def _size(record: Arrived) -> int:
    return (
        RECORD_BYTES + len(record.value) + sum(len(name) + len(text or b"") for name, text in record.headers)
    )
