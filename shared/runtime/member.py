"""One member of a consumer group, on librdkafka: the partitions it was granted, and the records that have arrived.

Nothing is read from a granted partition before `begin` gives its offset, so Kafka's committed offsets and
`auto.offset.reset` never decide. For one thread at a time; callbacks run inside `poll`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from operator import methodcaller
from typing import Any, cast

import structlog
from confluent_kafka import Consumer as Native
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from shared.language.codec import Headers
from shared.runtime.arrived import Arrived
from shared.runtime.kafka import Partition, native_options

DAMAGED = frozenset({"_BAD_MSG", "_BAD_COMPRESSION", "_UNDERFLOW"})
HELD_KILOBYTES = 8192
"""Limit of what is fetched ahead of the poll, over all partitions; it bounds the memory of a member with a backlog."""
TOLD_SECONDS = 10.0
"""The shortest time between two log lines about one error: the client retries, and reports, several times a second."""

_headers_of = methodcaller("headers")
"""Called from C on purpose. For a name that is no UTF-8 the library returns a list with an error set. Whoever calls
from C sees that; the interpreter's specialised calls do not, and the error then comes up in whatever is called next.
"""

log = structlog.get_logger()


class Damaged(Exception):
    """Kafka holds bytes at this offset that cannot be read."""


class CutOff(Exception):
    """A partition no longer holds the next offset, or does not hold it yet."""


class Member:
    """One member of one group.

    granted: the partitions that the group's coordinator has assigned. wait_seconds: how long a poll waits for a first
    record. further: options of librdkafka's own. most: the largest number of records that one poll returns.
    """

    most = 1 << 30

    def __init__(
        self,
        options: Mapping[str, Any],
        group: str,
        topics: Iterable[str],
        wait_seconds: float,
        further: Mapping[str, Any] | None = None,
    ) -> None:
        self.granted: frozenset[Partition] = frozenset()
        self._revoked: set[Partition] = set()
        self._wait_seconds = wait_seconds
        self._group = group
        self._failure: Exception | None = None
        self._told_at: dict[str, float] = {}
        self._read_to: dict[Partition, int] = {}
        self._native = Native(
            {
                **native_options(options),
                "group.id": group,
                "client.id": group,
                "error_cb": self._tell,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "check.crcs": True,
                # What a producer took back was never said.
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "partition.assignment.strategy": "range",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 1500,
                "max.poll.interval.ms": 120_000,
                "max.partition.fetch.bytes": 1 << 20,
                "fetch.wait.max.ms": 1000,
                "queued.max.messages.kbytes": HELD_KILOBYTES,
                # Its own second would be waited out each time that so much is held.
                "fetch.queue.backoff.ms": 10,
                **(further or {}),
            }
        )
        self._native.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def poll(self, most: int) -> dict[Partition, list[Arrived]]:
        """Return at most `most` records, per partition in order. Blocks until a record arrives or the wait ends.

        Raises Damaged, CutOff; KafkaException when this member can do nothing more.
        """
        first = self._native.poll(self._wait_seconds)
        return self._sorted([] if first is None else [first, *self._at_hand(most - 1)])

    def poll_more(self, most: int) -> dict[Partition, list[Arrived]]:
        """Return records that have arrived since, without waiting. Raises what `poll` raises."""
        return self._sorted(self._at_hand(most))

    def revoked(self) -> set[Partition]:
        """Return the partitions that were revoked since the last call, even if they were assigned again."""
        taken, self._revoked = self._revoked, set()
        return taken

    def begin(self, positions: Mapping[Partition, int]) -> None:
        """Read exactly these partitions, from these offsets. Records that were fetched but not polled are forgotten."""
        self._failure = None
        self._read_to = dict(positions)
        self._native.assign([TopicPartition(*at, offset) for at, offset in positions.items()])

    def close(self) -> None:
        """Leave the group. Errors are logged only: the member is not used again."""
        try:
            self._native.close()
        except Exception as error:  # noqa: BLE001 - it is not used again
            log.info("close-failed", group=self._group, error=type(error).__name__)

    def _at_hand(self, most: int) -> list[Message]:
        return self._native.consume(most, timeout=0) if most > 0 else []

    def _sorted(self, messages: Iterable[Message]) -> dict[Partition, list[Arrived]]:
        """Group by partition, up to the first failure. A failure behind records is raised at the next call."""
        self._raise_failure()
        polled: dict[Partition, list[Arrived]] = {}
        for message in messages:
            error = message.error()
            if error is None or error.name() == "_PARTITION_EOF":
                came = _arrived(message) if error is None else _end(message)
                at = Partition(came.topic, came.partition)
                if not came.gap or came.offset >= self._read_to.get(at, came.offset + 1):
                    self._read_to[at] = came.offset + 1
                    polled.setdefault(at, []).append(came)
                continue
            self._failure = self._failure_in(message, error)
            if self._failure is not None:
                break
        if not polled:
            self._raise_failure()
        return polled

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _failure_in(self, message: Message, error: KafkaError) -> Exception | None:
        """Return the failure to act on. librdkafka recovers from all others by itself; these are only logged."""
        if error.name() in DAMAGED:
            return Damaged(f"{message.topic()}[{message.partition()}], {error.str()}")
        if error.name() == "_AUTO_OFFSET_RESET":
            return CutOff(error.str())
        self._tell(error)
        return KafkaException(error) if error.fatal() else None

    def _tell(self, error: KafkaError) -> None:
        """Log an error of librdkafka.

        Some pass by themselves; others, such as a wrong password, somebody has to mend.
        """
        name, now = error.name(), time.monotonic()
        if now - self._told_at.get(name, float("-inf")) >= TOLD_SECONDS:
            self._told_at[name] = now
            log.warning("kafka-said", group=self._group, error=name, text=error.str()[:200])

    def _on_assign(self, native: Native, granted: list[TopicPartition]) -> None:
        self.granted = frozenset(Partition(one.topic, one.partition) for one in granted)
        native.assign([])

    def _on_revoke(self, _: Native, revoked: list[TopicPartition]) -> None:
        self._revoked |= self.granted | {Partition(one.topic, one.partition) for one in revoked}
        self.granted = frozenset()


class Membership:
    """The current member of a consumer, if any. join: creates a member; does not block."""

    def __init__(self, join: Callable[[], Member]) -> None:
        self._join = join
        self._member: Member | None = None

    def joined(self) -> Member:
        """Return the member; join the group first where there is none."""
        if self._member is None:
            self._member = self._join()
        return self._member

    def leave(self) -> None:
        """Leave the group, if joined."""
        if self._member is not None:
            member, self._member = self._member, None
            member.close()


def _end(message: Message) -> Arrived:
    """The last position before the log's end, as a gap unless it was read as a record."""
    topic, partition, end = cast(
        "tuple[str, int, int]", (message.topic(), message.partition(), message.offset())
    )
    return Arrived(topic, partition, end - 1, [], b"", gap=True)


def _arrived(message: Message) -> Arrived:
    # The library's types allow for messages that carry an error and for headers that are being written.
    said = cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
    try:
        headers: Headers = _headers_of(message) or []
    except Exception:  # noqa: BLE001 - a name that is no UTF-8 raises one error or another, from inside the library
        return Arrived(*said, [], message.value() or b"", readable=False)
    return Arrived(*said, headers, message.value() or b"", True, message.key())
