"""What one transaction says to others, as rows: events and notices for the outbox, replies and answers to records.

A row of the outbox is published as it is. A reply waits in `replies` until it has its number in the sequence of its
organisation.
"""

import time
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.language import codec
from shared.language.decision import Notice, Reply, event_id, kind_of
from shared.language.events import Fact
from shared.language.messages import encode_message, message_type
from shared.runtime.staged import SubjectDocument
from shared.telemetry.traces import current_traceparent

SHARDS = 4
"""Shards of the outbox and of counters; each outbox shard is published by one relay at a time."""

REPLIES = "replies"
"""Replies without a number, in the order `ts`; intake gives them one and takes them away."""

Row = tuple[str, dict[str, Any]]
"""A row's identity, and the row without it."""


def shard_of(subject: str) -> int:
    """The shard that the subject's outgoing events and counters lie in."""
    return zlib.crc32(subject.encode()) % SHARDS


class Messages:
    """Makes the rows of one transaction's messages; stores nothing.

    source: the service that says them. organisation: who asked for it; empty where nobody did. at: the moment of the
    decision, UTC. emitted: `<type>:<number>` of each event so far.
    """

    def __init__(self, source: str, organisation: str = "") -> None:
        self.source = source
        self.organisation = organisation
        self.emitted: list[str] = []

    def event(self, held: SubjectDocument, body: Fact) -> Row:
        """The subject's next event, which its document counts."""
        kind, source = codec.event_type(body), self.source
        held.out_seq += 1
        past = {one: count for one, count in held.seen.items() if one != source}
        headers = codec.encode_headers(
            kind,
            held.subject,
            held.out_seq,
            body.recorded_at,
            past,
            current_traceparent(),
            # Who holds a person is nobody's to know from a log.
            "" if kind_of(held.subject) == "participant" else self.organisation,
        )
        self.emitted.append(f"{kind.name}:{held.out_seq}")
        row = outbox_row(kind.topic, held.subject, held.tick(), headers, codec.encode_body(body))
        return event_id(held.subject, held.out_seq), row

    def reply(self, held: SubjectDocument, reply: Reply, at: datetime) -> Row:
        """The subject's next reply, which its document counts."""
        held.replies += 1
        identity = f"reply/{held.subject}:{held.replies:08d}"
        return identity, self._to(reply, identity, held.subject, held.tick(), at)

    def answer(
        self, held: SubjectDocument | None, said: Reply, identity: str, subject: str, at: datetime
    ) -> Row:
        """The answer to one record, before any message that it causes. held: the subject's document, if any."""
        order = (held.first_tick if held is not None else 0) or time.time_ns() // 1000
        return identity, self._to(said, identity, subject, order, at)

    def notice(self, held: SubjectDocument, notice: Notice, at: datetime) -> Row:
        """The last word on the subject."""
        kind = message_type(notice.body)
        identity = f"notice/{kind.name}/{held.subject}"
        headers = self._headers(identity, kind.name, held.subject, at)
        return identity, outbox_row(
            kind.topic, held.subject, held.tick(), headers, encode_message(notice.body)
        )

    def _to(self, said: Reply, identity: str, subject: str, order: int, at: datetime) -> dict[str, Any]:
        headers = self._headers(identity, message_type(said.body).name, subject, at)
        return {
            "organisation": said.organisation,
            "ts": order,
            "headers": headers,
            "body": encode_message(said.body),
        }

    def _headers(self, identity: str, kind: str, subject: str, at: datetime) -> dict[str, str]:
        return {
            "ce_specversion": "1.0",
            "ce_id": f"{self.source}:{identity}",
            "ce_source": self.source,
            "ce_type": kind,
            "ce_subject": subject,
            "ce_time": at.isoformat(),
            "traceparent": current_traceparent(),
            "content-type": "application/json",
        }


def outbox_row(topic: str, key: str, order: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """A row that the relay publishes. key: what its order holds within. order: microseconds since 1970, growing."""
    return {
        "topic": topic,
        "key": key,
        "pend": shard_of(key),
        "ts": order,
        "type": headers["ce_type"],
        "headers": headers,
        "body": body,
    }
