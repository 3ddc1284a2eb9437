"""What Kafka refuses for good is set aside with everything behind it, so that nothing else has to wait for it.

A record that is too large, or whose topic is missing or closed to us, is refused however often it is sent. One such
record fails its whole chunk, and kafka-python's idempotent producer with it, so who is to blame is found by sending
less and less: half the chunk, half of that, at last one row. Its lane, the rows of one subject for one topic (or of
all subjects, where the topic itself is refused), then leaves the relay's query: `pend` becomes `-1 - shard`, and the
head of the lane says in `refused` what Kafka said. The lane's later rows join it as they come. From time to time the
head is sent again, alone; once it is taken, the lane goes back to its shard and out in order.

Only what names the record or its topic counts as a refusal. All else is a passing fault, and the relay repeats it.
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
from shared.telemetry.logs import log_published
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
Lane = tuple[str, str | None]
"""Topic and key, which must stay in order; no key where the whole topic is refused."""

log = structlog.get_logger()


class Narrowed(Exception):
    """The chunk held something that Kafka refuses: a smaller one, or one without it, is to be sent at once."""


def aside(shard: int) -> int:
    """What `pend` says of a row of this shard that was set aside."""
    return -1 - shard


class Refused:
    """The lanes of one service's outbox that were set aside, as known to the relay that holds their shards.

    limit: how many rows to send at once, while whoever is to blame is being found. retry_seconds: how long a
    refused event rests before it is sent again.
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
        self._lanes: set[Lane] = set()

    def known_to(self, shards: list[int], since: float) -> None:
        """Read the lanes anew when the shards are others, or were leased again `since` (monotonic seconds)."""
        if shards == self._shards and self._loaded_at >= since:
            return
        self._loaded_at = time.monotonic()
        self._shards = list(shards)
        fields = {"topic": 1, "key": 1, "refused.whole": 1}
        self._lanes = {_lane(row) for row in self._events.find(self._set_aside_rows(), fields)}

    def without(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of the rows whose lanes are open; the others join their lanes aside."""
        if not self._lanes:
            return rows
        behind = [row for row in rows if self._closed(row)]
        if behind:
            self._move([row["_id"] for row in behind])
        return [row for row in rows if not self._closed(row)]

    def taken(self) -> None:
        """A chunk went out: the next may be twice as large."""
        self.limit = min(self._most, self.limit * 2)

    def judge(self, rows: Sequence[Row], error: KafkaError) -> None:
        """Set aside what was refused, or narrow the chunk, and raise Narrowed; return from any other error.

        Blocks for a question to the broker when the fault may be a topic that does not exist.
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
        """Send the heads of the lanes, those tried longest ago first, and open the lanes whose heads were taken.

        send: sends and waits for Kafka's acknowledgement. renew: throws the producer away. Does nothing until it is
        time, and ends a round with its third refusal. Raises KafkaError when Kafka fails otherwise, or PyMongoError.
        """
        if not self._lanes or time.monotonic() - self._tried_at < self._retry_seconds:
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
                self._note(head, error, whole=_lane(head)[1] is None)
                refusals += 1
                if refusals == REFUSALS_IN_A_ROUND:
                    return
            else:
                self._open(head)

    def _set_aside_rows(self) -> dict[str, Any]:
        return {"pend": {"$in": [aside(one) for one in self._shards]}}

    def _closed(self, row: Row) -> bool:
        return (row["topic"], None) in self._lanes or (row["topic"], row["key"]) in self._lanes

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
        """Those of the topics of which the broker says that it has none; none while it does not answer."""
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
        self._lanes.add((head["topic"], None if whole else head["key"]))
        self._tried_at = time.monotonic()
        log.error(
            "refused-by-kafka",
            row=head["_id"],
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
        """The first row of each lane, those refused longest ago first."""
        with self._client.start_session(snapshot=True) as session:
            rows = list(self._events.aggregate(_heads_of(self._set_aside_rows()), session=session))
        whole = {row["topic"] for row in rows if _lane(row)[1] is None}
        ordered = sorted(rows, key=lambda row: (row.get("refused") or {}).get("at", 0.0))
        return [row for row in ordered if row["topic"] not in whole or _lane(row)[1] is None][
            :HEADS_IN_A_ROUND
        ]

    def _open(self, head: Row) -> None:
        """The head is out: the rows behind it go back to where they were."""
        self._events.update_one({"_id": head["_id"]}, PUBLISHED)
        lane = _lane(head)
        same = {"topic": head["topic"]} | ({} if lane[1] is None else {"key": head["key"]})
        for shard in self._shards:
            self._events.update_many(
                {"pend": aside(shard), **same}, {"$set": {"pend": shard}, "$unset": {"refused": 1}}
            )
        self._lanes = {one for one in self._lanes if one != lane and (lane[1] or one[0] != lane[0])}
        metric("journey_relayed_total").inc()
        log.info("taken-after-refusal", row=head["_id"], topic=head["topic"])
        log_published([head])


def _lane(row: Row) -> Lane:
    return row["topic"], None if (row.get("refused") or {}).get("whole") else row["key"]


def _heads_of(condition: Mapping[str, Any]) -> list[dict[str, Any]]:
    lane = {"topic": "$topic", "key": "$key"}
    head = {"$mergeObjects": ["$head", {"rows": "$rows"}]}
    return [
        {"$match": dict(condition)},
        {"$sort": {"ts": 1}},
        {"$group": {"_id": lane, "head": {"$first": "$$ROOT"}, "rows": {"$sum": 1}}},
        {"$replaceRoot": {"newRoot": head}},
    ]


def refused_lanes(database: Database[dict[str, Any]], shards: int) -> list[dict[str, Any]]:
    """For operators: each lane that is set aside, in the order of its first event.

    {topic, subject, event, type, error, at: seconds since the epoch, times, behind: events that wait behind the
    first}. error, at and times are None for a subject of which nothing was sent since its topic is refused. What the
    events say is not shown.
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
