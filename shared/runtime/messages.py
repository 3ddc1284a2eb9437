"""What one transaction says to others, as rows of the outbox: events, replies, answers to records, notices."""

import time
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.language import codec
from shared.language.decision import Notice, Reply, event_id
from shared.language.events import Fact
from shared.language.messages import encode_message, message_type
from shared.runtime.outgoing import Speaker, kept_a_day
from shared.runtime.staged import SubjectDocument
from shared.telemetry.traces import current_traceparent

SHARDS = 4
"""Shards of the outbox and of counters; each outbox shard is published by one relay at a time."""

Row = tuple[str, dict[str, Any]]
"""A row's identity, and the row without it."""


def shard_of(subject: str) -> int:
    """The shard that the subject's outgoing events and counters lie in."""
    return zlib.crc32(subject.encode()) % SHARDS


class Messages:
    """Makes the rows of one transaction's messages; stores nothing.

    speaker: who says them. at: the moment of the decision, UTC. emitted: `<type>:<number>` of each event so far.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.emitted: list[str] = []

    def event(self, held: SubjectDocument, body: Fact) -> Row:
        """The subject's next event, which its document counts."""
        kind, source = codec.event_type(body), self.speaker.source
        held.out_seq += 1
        past = {one: count for one, count in held.seen.items() if one != source}
        headers = codec.encode_headers(
            kind, held.subject, held.out_seq, body.recorded_at, past, current_traceparent()
        )
        self.emitted.append(f"{kind.name}:{held.out_seq}")
        row = _row(kind.topic, held.subject, held.tick(), headers, codec.encode_body(body))
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
        # The identity of an inbound record's answer is its place, which a topic made anew has once more.
        now = time.time_ns() // 1000
        order = held.hlc - 1 if held is not None and held.dirty else now
        return identity, self._to(said, identity, subject, order, at) | kept_a_day(now)

    def notice(self, held: SubjectDocument, notice: Notice, at: datetime) -> Row:
        """The last word on the subject."""
        kind = message_type(notice.body)
        identity = f"notice/{kind.name}/{held.subject}"
        headers = self._headers(identity, kind.name, held.subject, at)
        return identity, _row(kind.topic, held.subject, held.tick(), headers, encode_message(notice.body))

    def _to(self, said: Reply, identity: str, subject: str, order: int, at: datetime) -> dict[str, Any]:
        kind = message_type(said.body)
        headers, value = self._headers(identity, kind.name, subject, at), encode_message(said.body)
        return _row(kind.topic.format(organisation=said.organisation), subject, order, headers, value)

    def _headers(self, identity: str, kind: str, subject: str, at: datetime) -> dict[str, str]:
        return {
            "ce_specversion": "1.0",
            "ce_id": f"{self.speaker.source}:{identity}",
            "ce_source": self.speaker.source,
            "ce_type": kind,
            "ce_subject": subject,
            "ce_time": at.isoformat(),
            "traceparent": current_traceparent(),
            "content-type": "application/json",
        }


def _row(topic: str, key: str, order: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    return {
        "topic": topic,
        "key": key,
        "pend": shard_of(key),
        "ts": order,
        "type": headers["ce_type"],
        "headers": headers,
        "body": body,
    }
