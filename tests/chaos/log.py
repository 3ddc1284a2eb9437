"""What Kafka's log says, read from its beginning by a client of no group, and kept as small as the invariants allow.

Reading goes on where it left off, so that checking after each scenario costs only what that scenario said.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from shared.language.codec import Envelope, Undecodable, read_envelope
from shared.language.events import TOPICS

HOLES_KEPT = 50


@dataclass(frozen=True, slots=True)
class Record:
    """One record as Kafka gives it."""

    topic: str
    partition: int
    offset: int
    headers: list[tuple[str, bytes]]
    value: bytes


@dataclass(slots=True)
class Said:
    """What one source has said on one subject, up to and without a hole. chain: the hash over it, in that order."""

    seq: int = 0
    chain: int = 0


def link(chain: int, ce_id: bytes, value: bytes) -> int:
    """The next hash of a chain: over the one before, the event's id and its body."""
    before = chain.to_bytes(8, "big", signed=True)
    return int.from_bytes(hashlib.blake2b(before + ce_id + value, digest_size=8).digest(), "big", signed=True)


@dataclass(slots=True)
class Log:
    """What was said, by (subject, source); and what is odd about it.

    holes: first occurrences that came too early. changes: the last number on each organisation's topic. traces:
    {(trace, type): how many different events}. foreign: subjects that a scenario invented, of which no service knows.
    first: first occurrences not yet folded into figures. partitions_grew: a subject's events lie in two partitions, so
    their order is lost. A record that is read early is kept until its turn comes. lost: of whom Kafka has lost what it
    had acknowledged, so that it comes later.
    """

    said: defaultdict[tuple[str, str], Said] = field(default_factory=lambda: defaultdict(Said))
    holes: list[tuple[str, str, int, int]] = field(default_factory=list)
    traces: Counter[tuple[str, str]] = field(default_factory=Counter)
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    causes: dict[tuple[str, str, int], Mapping[str, int]] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    first: list[tuple[Envelope, bytes]] = field(default_factory=list)
    records: int = 0
    duplicates: int = 0
    unreadable: int = 0
    keeps_causes: bool = True
    partitions_grew: bool = False
    lost: set[tuple[str, str]] = field(default_factory=set)
    early: defaultdict[tuple[str, str], dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, record: Record) -> None:
        """Take in the next record of its partition."""
        self.records += 1
        if record.topic.endswith(".replies.v1"):
            headers = dict(record.headers)
            self.replies[headers["ce_id"].decode()] = headers["ce_type"].decode()
            self._take_change(record.topic, int(headers["ce_sequence"]))
            return
        try:
            envelope = read_envelope(record.headers)
        except Undecodable:
            self.unreadable += 1
            return
        if envelope.subject in self.foreign:
            return
        said = self.said[envelope.subject, envelope.source]
        if envelope.seq <= said.seq:
            self.duplicates += 1
            return
        if envelope.seq != said.seq + 1:
            if self.partitions_grew or (envelope.subject, envelope.source) in self.lost:
                self.early[envelope.subject, envelope.source][envelope.seq] = record
                return
            if len(self.holes) < HOLES_KEPT:
                self.holes.append((envelope.subject, envelope.source, said.seq + 1, envelope.seq))
            return
        said.seq = envelope.seq
        said.chain = link(said.chain, dict(record.headers)["ce_id"], record.value)
        self.traces[envelope.traceparent[3:35], envelope.type] += 1
        self.types[envelope.subject, envelope.type] += 1
        if self.keeps_causes and envelope.after:
            self.causes[envelope.subject, envelope.source, envelope.seq] = envelope.after
        self.first.append((envelope, record.value))
        following = self.early.get((envelope.subject, envelope.source), {}).pop(envelope.seq + 1, None)
        if following is not None:
            self.records -= 1
            self.take(following)

    def _take_change(self, topic: str, number: int) -> None:
        """One topic holds one organisation's changes, in the order of their numbers."""
        last = self.changes.get(topic, 0)
        if number > last + 1 and not (self.lost or self.partitions_grew) and len(self.holes) < HOLES_KEPT:
            self.holes.append((topic, "intake", last + 1, number))
        self.changes[topic] = max(last, number)

    def take_all(self, records: Iterable[Record]) -> None:
        """Take in these, in order."""
        for record in records:
            self.take(record)


class LogReader:
    """Reads the journey topics and the replies to their present end."""

    def __init__(self, options: Mapping[str, Any], organisations: Iterable[str]) -> None:
        self._options = options
        self._topics = [*TOPICS.values(), *(f"inbound.{one}.replies.v1" for one in organisations)]
        self.next: dict[TopicPartition, int] = {}

    def forget(self, topic: str) -> None:
        """Read this topic from its beginning again: another one has its name now."""
        self.next = {at: following for at, following in self.next.items() if at.topic != topic}

    def read(self, log: Log, taken: Callable[[], None] = lambda: None, most: int = 1 << 60) -> bool:
        """Take in everything that is in the log now. Blocks; may raise KafkaError, and then can be asked again.

        taken: called after every few thousand records, so that nobody need hold all that came. most: records, after
        which it is left at that. Always true, so that it can be awaited.
        """
        enough = log.records + most
        consumer = KafkaConsumer(
            **self._options, group_id=None, enable_auto_commit=False, max_partition_fetch_bytes=1 << 22
        )
        try:
            partitions = [
                TopicPartition(topic, one)
                for topic in self._topics
                for one in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            ends: Mapping[TopicPartition, int] = consumer.end_offsets(partitions)
            behind = [one for one in partitions if self.next.get(one, 0) < ends[one]]
            consumer.assign(behind)
            for one in behind:
                consumer.seek(one, self.next.get(one, 0))
            while log.records < enough and any(self.next.get(one, 0) < ends[one] for one in behind):
                for at, records in consumer.poll(timeout_ms=500, max_records=5000).items():
                    for record in records:
                        log.take(
                            Record(
                                record.topic,
                                record.partition,
                                record.offset,
                                record.headers,
                                record.value or b"",
                            )
                        )
                    self.next[at] = max(self.next.get(at, 0), consumer.position(at))
                taken()
            return True
        finally:
            consumer.close(timeout_ms=500)
