"""Quarantine for events that Kafka rejects permanently. Later events of the same ordered key wait; all others go on.

Kafka rejects a record that is too large, or whose topic is missing or closed to us, however often it is sent. One
such record fails its whole chunk and kafka-python's idempotent producer. So the relay halves the chunk until one row
is left. The row's ordered key, its topic and subject, then leaves the relay's query: `pend` becomes `-1 - shard`, and
the first row stores Kafka's error in `refused`. If Kafka rejects the topic itself, all its subjects leave. Later rows
of the same key join the quarantine.

From time to time the first row is sent again, alone. Once Kafka accepts it, the rows return to their shard and are
published in order. Only an error that names the record or its topic counts; after any other error the relay repeats
the chunk.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)
from pymongo import MongoClient
from pymongo.database import Database

from shared.runtime.outgoing import PUBLISHED
from shared.telemetry.logs import log_published, loggable
from shared.telemetry.metrics import metric

RETRY_SECONDS = 15.0
REFUSALS_IN_A_ROUND = 3
HEADS_IN_A_ROUND = 200

OF_THE_TOPIC = (TopicAuthorizationFailedError, InvalidTopicError, UnknownTopicOrPartitionError)
OF_THE_RECORD = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    InvalidTimestampError,
    PolicyViolationError,
    UnsupportedForMessageFormatError,
)

Row = Mapping[str, Any]
OrderedKey = tuple[str, str | None]
"""Topic and key, which must stay in order; no key where the whole topic is refused."""

log = structlog.get_logger()


class Narrowed(Exception):
    """Kafka rejected something in the chunk: a smaller one, or one without it, is to be sent at once."""


def aside(shard: int) -> int:
    """The `pend` of a quarantined row of this shard."""
    return -1 - shard


class Quarantine:
    """The quarantined keys of one service's outbox, as known to the relay that holds their shards.

    limit: how many rows to send at once, while the rejected row is being found. retry_seconds: how long a rejected
    event rests before it is sent again.
    """

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        database: str,
        kafka_options: Mapping[str, Any],
        most: int,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.limit = most
        self._most = most
        self._retry_seconds = retry_seconds
        self._client = client
        self._events = client[database]["events"]
        self._kafka_options = kafka_options
        self._shards: list[int] = []
        self._loaded_at = float("-inf")
        self._tried_at = float("-inf")
        self._keys: set[OrderedKey] = set()

    def known_to(self, shards: list[int], since: float) -> None:
        """Load the keys again when the shards are others, or were leased again `since` (monotonic seconds)."""
        if shards == self._shards and self._loaded_at >= since:
            return
        self._loaded_at = time.monotonic()
        self._shards = list(shards)
        fields = {"topic": 1, "key": 1, "refused.whole": 1}
        self._keys = {_ordered_key(row) for row in self._events.find(self._set_aside_rows(), fields)}

    def without(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows whose keys are not quarantined; the others join the quarantine."""
        if not self._keys:
            return rows
        behind = [row for row in rows if self._closed(row)]
        if behind:
            self._move([row["_id"] for row in behind])
        return [row for row in rows if not self._closed(row)]

    def taken(self) -> None:
        """A chunk was accepted: the next may be twice as large."""
        self.limit = min(self._most, self.limit * 2)

    def judge(self, rows: Sequence[Row], error: KafkaError) -> None:
        """Quarantine the rejected row, or narrow the chunk, and raise Narrowed; return after any other error.

        Blocks for a query to the broker when the topic may not exist.
        """
        if topics := self._topics_refused({row["topic"] for row in rows}, error):
            for topic in topics:
                of_topic = [row for row in rows if row["topic"] == topic]
                self._set_aside(of_topic[0], [row["_id"] for row in of_topic], error, whole=True)
        elif not isinstance(error, OF_THE_RECORD):
            return
        elif len(rows) > 1:
            self.limit = len(rows) // 2
        else:
            self._set_aside(rows[0], [rows[0]["_id"]], error, whole=False)
        raise Narrowed

    def try_again(self, send: Callable[[Iterable[Row]], None], renew: Callable[[], None]) -> None:
        """Send the first row of each key, those tried longest ago first; release the keys that Kafka accepts.

        send: sends and waits for Kafka's acknowledgement. renew: replaces the producer. Does nothing before it is
        time, and ends a round at its third rejection. Raises KafkaError when Kafka fails otherwise, or PyMongoError.
        """
        if not self._keys or time.monotonic() - self._tried_at < self._retry_seconds:
            return
        self._tried_at = time.monotonic()
        heads = self._heads()
        # A missing topic is asked for, since sending to it blocks for seconds.
        missing = self._missing({head["topic"] for head in heads})
        refusals = 0
        for head in heads:
            try:
                if head["topic"] in missing:
                    raise UnknownTopicOrPartitionError(head["topic"])
                send([head])
            except KafkaError as error:
                renew()
                if not (isinstance(error, OF_THE_RECORD) or self._topics_refused({head["topic"]}, error)):
                    raise
                self._note(head, error, whole=_ordered_key(head)[1] is None)
                refusals += 1
                if refusals == REFUSALS_IN_A_ROUND:
                    return
            else:
                self._open(head)

    def _set_aside_rows(self) -> dict[str, Any]:
        return {"pend": {"$in": [aside(one) for one in self._shards]}}

    def _closed(self, row: Row) -> bool:
        return (row["topic"], None) in self._keys or (row["topic"], row["key"]) in self._keys

    def _move(self, ids: Sequence[str]) -> None:
        for shard in self._shards:
            self._events.update_many(
                {"_id": {"$in": list(ids)}, "pend": shard}, {"$set": {"pend": aside(shard)}}
            )

    def _topics_refused(self, topics: set[str], error: KafkaError) -> set[str]:
        if isinstance(error, OF_THE_TOPIC):
            said = error.args[0] if error.args else None
            return topics & (set(said) if isinstance(said, set | frozenset) else {said})
        return self._missing(topics) if isinstance(error, KafkaTimeoutError) else set()

    def _missing(self, topics: set[str]) -> set[str]:
        """The topics that the broker says do not exist; empty while it does not answer."""
        admin: KafkaAdminClient | None = None
        try:
            admin = KafkaAdminClient(
                **self._kafka_options, bootstrap_timeout_ms=2000, request_timeout_ms=4000
            )
            described = admin.describe_topics(sorted(topics))
        except KafkaError:
            return set()
        finally:
            if admin is not None:
                admin.close()
        unknown = UnknownTopicOrPartitionError.errno
        return {one["name"] for one in described if one["error_code"] == unknown}

    def _set_aside(self, head: Row, ids: Sequence[str], error: KafkaError, *, whole: bool) -> None:
        self._note(head, error, whole=whole)
        self._move(ids)
        self._keys.add((head["topic"], None if whole else head["key"]))
        self._tried_at = time.monotonic()
        log.error(
            "refused-by-kafka",
            row=loggable(head["_id"]),
            topic=head["topic"],
            error=type(error).__name__,
            whole=whole,
        )

    def _note(self, head: Row, error: KafkaError, *, whole: bool) -> None:
        metric("journey_relay_refusals_total").inc()
        said = f"{type(error).__name__}: {error}"[:300]
        note = {"refused.error": said, "refused.at": time.time(), "refused.whole": whole}
        self._events.update_one({"_id": head["_id"]}, {"$set": note, "$inc": {"refused.times": 1}})

    def _heads(self) -> list[dict[str, Any]]:
        """The first row of each key, those rejected longest ago first."""
        with self._client.start_session(snapshot=True) as session:
            rows = list(self._events.aggregate(_heads_of(self._set_aside_rows()), session=session))
        whole = {row["topic"] for row in rows if _ordered_key(row)[1] is None}
        ordered = sorted(rows, key=lambda row: (row.get("refused") or {}).get("at", 0.0))
        return [row for row in ordered if row["topic"] not in whole or _ordered_key(row)[1] is None][
            :HEADS_IN_A_ROUND
        ]

    def _open(self, head: Row) -> None:
        """The first row was accepted: the rows behind it go back to their shard."""
        self._events.update_one({"_id": head["_id"]}, PUBLISHED)
        opened = _ordered_key(head)
        same = {"topic": head["topic"]} | ({} if opened[1] is None else {"key": head["key"]})
        for shard in self._shards:
            self._events.update_many(
                {"pend": aside(shard), **same}, {"$set": {"pend": shard}, "$unset": {"refused": 1}}
            )
        self._keys = {one for one in self._keys if one != opened and (opened[1] or one[0] != opened[0])}
        metric("journey_relayed_total").inc()
        log.info("taken-after-refusal", row=loggable(head["_id"]), topic=head["topic"])
        log_published([head])


def _ordered_key(row: Row) -> OrderedKey:
    return row["topic"], None if (row.get("refused") or {}).get("whole") else row["key"]


def _heads_of(condition: Mapping[str, Any]) -> list[dict[str, Any]]:
    key = {"topic": "$topic", "key": "$key"}
    head = {"$mergeObjects": ["$head", {"rows": "$rows"}]}
    return [
        {"$match": dict(condition)},
        {"$sort": {"ts": 1}},
        {"$group": {"_id": key, "head": {"$first": "$$ROOT"}, "rows": {"$sum": 1}}},
        {"$replaceRoot": {"newRoot": head}},
    ]


def quarantined_keys(database: Database[dict[str, Any]], shards: int) -> list[dict[str, Any]]:
    """For operators: each quarantined key, in the order of its first event.

    {topic, subject, event, type, error, at: seconds since 1970, times, behind}, where behind is the number of events
    that wait behind the first. The events' content is not shown.
    """
    condition = {"pend": {"$in": [aside(one) for one in range(shards)]}}
    rows = sorted(database["events"].aggregate(_heads_of(condition)), key=lambda row: int(row["ts"]))
    return [
        {
            "topic": row["topic"],
            "subject": row["key"],
            "event": row["_id"],
            "type": row["type"],
            **{name: (row.get("refused") or {}).get(name) for name in ("error", "at", "times")},
            "behind": row["rows"] - 1,
        }
        for row in rows
    ]
