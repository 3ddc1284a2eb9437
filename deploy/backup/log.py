"""The log beside the databases: whether they agree, and how it is made anew from what the databases hold.

After a restore the log may hold events of after the backup. Their services do not know that they emitted these
events, and would use the same numbers again. A reader that has applied the first event would skip the second, without
a message. So either these events are given up everywhere, or nothing may be started. Kafka itself cannot cut the end
off a log.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from kafka.admin import KafkaAdminClient
from pymongo import UpdateOne
from pymongo.collection import Collection

import deploy.topics
from deploy.backup.surroundings import OWN_TOPICS, CannotDo, Client
from deploy.database import DATABASES
from deploy.declaration import declared
from shared.language.decision import ARCHIVE, Subject, event_id
from shared.language.events import ANSWERS_TOPIC, CONTROL_TOPIC
from shared.runtime.kafka import Logs, Partition, native_options
from shared.runtime.messages import shard_of

CHUNK = 5000
WAIT_SECONDS, PATIENCE_SECONDS = 1.0, 30.0
GONE_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Record:
    """One event of the log. identity: its key in the archive of the service that said it."""

    topic: str
    identity: str
    headers: Mapping[str, str]
    body: str

    @property
    def kind(self) -> str:
        """The event's type."""
        return self.headers.get("ce_type", "?")


@dataclass
class Compared:
    """What the log and the databases do not agree on.

    unknown: events that the log holds and their service does not know, in the log's order. other: one sentence for
    each topic that is not the one that was read, or no longer reaches to where a group stands.
    """

    unknown: list[Record] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether the services may be started."""
        return not self.unknown and not self.other

    def told(self) -> Iterator[str]:
        """What an operator is told of it, line by line."""
        if self.agrees:
            yield "The log holds nothing that the databases do not. Start the services."
            return
        yield from self.other
        if self.unknown:
            subjects = {one.headers.get("ce_subject") for one in self.unknown}
            count = len(self.unknown)
            yield f"The log holds {count} events of {len(subjects)} subjects that the databases do not know:"
            for kind, count in sorted(Counter(one.kind for one in self.unknown).items()):
                yield f"  {count:>6} {kind}"
        yield (
            "Start nothing. Restore a later backup if there is one; else give these events up, and make the log "
            "anew from the databases: python -m deploy.backup new-log FOLDER"
        )


@dataclass(frozen=True)
class Position:
    """Where a group stands in one partition. wrong: why the log no longer bears it, in a sentence; else None."""

    database: str
    offset: str
    at: Partition
    next: int
    wrong: str | None


def compare(client: Client, options: Mapping[str, Any]) -> Compared:
    """Look for what the log and the databases do not agree on. Blocks; changes nothing. Raises KafkaException."""
    logs, found = Logs(options), Compared()
    positions = _positions(client, logs)
    found.other += sorted({one.wrong for one in positions if one.wrong})
    for database, topics in OWN_TOPICS.items():
        places = logs.partitions(topics)
        begins, ends = logs.beginnings(places), logs.ends(places)
        # All before where any group stands was in the log when the backup was taken, and so in the archive.
        stands = dict(begins)
        for one in positions:
            if one.at in stands and one.wrong is None:
                stands[one.at] = max(stands[one.at], one.next)
        archive = client[database][ARCHIVE]
        for records in _read(options, {at: (stands[at], ends[at]) for at in places}):
            found.unknown += _unknown(archive, records)
    return found


def _positions(client: Client, logs: Logs) -> list[Position]:
    """Where every group of every service stands, compared with what Kafka holds. Raises KafkaException."""
    rows = [(name, row) for name in DATABASES for row in client[name]["offsets"].find()]
    topics = {str(row["_id"]).split(":")[1] for _, row in rows}
    identities, places = logs.identities(topics), logs.partitions(topics)
    begins, ends = logs.beginnings(places), logs.ends(places)
    found = []
    for name, row in rows:
        _, topic, partition = str(row["_id"]).split(":")
        at, wrong = Partition(topic, int(partition)), None
        if at not in ends:
            wrong = f"{topic} does not exist, or not with partition {partition}."
        elif row.get("topic") not in (None, identities.get(topic)):
            wrong = f"{topic} was made anew: it is not the topic that the services have read."
        elif not begins[at] <= row["next"] <= ends[at]:
            wrong = f"{topic} does not reach from where it began to where the services stand."
        found.append(Position(name, row["_id"], at, row["next"], wrong))
    return found


def _read(options: Mapping[str, Any], wanted: Mapping[Partition, tuple[int, int]]) -> Iterator[list[Message]]:
    """What the partitions hold between these places, in chunks. Raises CannotDo when Kafka stops answering."""
    unread = {at: end for at, (begin, end) in wanted.items() if begin < end}
    if not unread:
        return
    consumer = Consumer(
        {
            **native_options(options),
            "group.id": "backup",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )
    try:
        consumer.assign([TopicPartition(*at, wanted[at][0]) for at in unread])
        heard_at = time.monotonic()
        while unread:
            messages = consumer.consume(CHUNK, timeout=WAIT_SECONDS)
            read = []
            for message in messages:
                at = Partition(str(message.topic()), int(message.partition() or 0))
                error = message.error()
                if error is not None and error.name() != "_PARTITION_EOF":
                    raise KafkaException(error)
                if error is not None or (message.offset() or 0) >= unread.get(at, 0) - 1:
                    unread.pop(at, None)
                if error is None:
                    read.append(message)
            yield read
            heard_at = time.monotonic() if messages else heard_at
            if time.monotonic() - heard_at > PATIENCE_SECONDS:
                raise CannotDo(
                    f"Kafka has given nothing for {PATIENCE_SECONDS:.0f} s; run the command again."
                )
    finally:
        consumer.close()


def _unknown(archive: Collection[dict[str, Any]], messages: Iterable[Message]) -> list[Record]:
    records = [record for message in messages if (record := _record(message)) is not None]
    ids = [record.identity for record in records]
    known = {row["_id"] for row in archive.find({"_id": {"$in": ids}}, {"_id": 1})} if ids else set()
    return [record for record in records if record.identity not in known]


def _record(message: Message) -> Record | None:
    """The event; None for what is none of a service's."""
    pairs: Mapping[str, Any] = dict(message.headers() or [])
    headers = {name: (text or b"").decode(errors="replace") for name, text in pairs.items()}
    number = headers.get("ce_sequence", "")
    if not number.isdecimal():
        return None
    identity = event_id(Subject(headers.get("ce_subject", "")), int(number))
    value: Any = message.value()
    body = (value or b"").decode(errors="replace")
    return Record(str(message.topic()), identity, headers, body)


# --- the log made anew ---------------------------------------------------------------------------------


def write_given_up(folder: Path, records: Sequence[Record]) -> Path:
    """Keep the events that are given up, one JSON document a line, where nobody else may read them."""
    path = folder / f"given-up-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ndjson"
    path.touch(mode=0o600, exist_ok=False)
    lines = [json.dumps({"topic": one.topic, "headers": one.headers, "body": one.body}) for one in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def make_anew(client: Client, options: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Remove the services' own topics, make them again, and mark all that the services said to be published again.

    Positions that the log no longer bears are forgotten last: until then `compare` finds them wrong, so an interruption
    never looks like an end. These groups read from the beginning, and skip by its number what they have applied.
    Blocks. Safe to repeat after an interruption. Raises CannotApply, CannotDo, KafkaError.
    """
    own = set().union(*OWN_TOPICS.values())
    # Asked for while the topics are those of old: of one just made, a broker may not know yet who leads it.
    lost = [one for one in _positions(client, Logs(options)) if one.wrong or one.at.topic in own]
    for database in DATABASES:
        say(f"{database}: {publish_again(client[database][ARCHIVE])} messages will be published again.")
    admin = deploy.topics.connect(options, within_seconds=60.0)
    try:
        _remove(admin, own)
        for line in deploy.topics.apply(admin, declared(), {}):
            say(line)
    finally:
        admin.close()
    for database in DATABASES:
        ids = [one.offset for one in lost if one.database == database]
        client[database]["offsets"].delete_many({"_id": {"$in": ids}})


def _remove(admin: KafkaAdminClient, topics: set[str]) -> None:
    if there := sorted(topics & set(admin.list_topics())):
        admin.delete_topics(there)
    give_up_at = time.monotonic() + GONE_WITHIN_SECONDS
    while topics & set(admin.list_topics()):
        if time.monotonic() > give_up_at:
            raise CannotDo(f"Kafka still lists {', '.join(there)}: see that it allows topics to be deleted.")
        time.sleep(0.2)


def publish_again(archive: Collection[dict[str, Any]]) -> int:
    """Mark every message but answers to records, which their senders have had, and requests, which are asked again."""
    others = [CONTROL_TOPIC, ANSWERS_TOPIC]
    condition = {"pend": {"$exists": False}, "topic": {"$regex": r"^journey\.", "$nin": others}}
    count, updates = 0, list[UpdateOne]()
    for row in archive.find(condition, {"key": 1}, batch_size=CHUNK):
        updates.append(UpdateOne({"_id": row["_id"]}, {"$set": {"pend": shard_of(row["key"])}}))
        if len(updates) == CHUNK:
            count += archive.bulk_write(updates, ordered=False).modified_count
            updates = []
    return count + (archive.bulk_write(updates, ordered=False).modified_count if updates else 0)
