"""The control topic: requests between services; none is about a person.

There is one request: to republish events that a group waits for. The group that lacks them asks; their emitter
republishes them from its archive. A repeated or needless request costs duplicates, which are skipped.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from pymongo.database import Database

from shared.language.control import RepublishRequested
from shared.language.events import SOURCES
from shared.language.messages import BY_MESSAGE, encode_message
from shared.operations.missing import Missing
from shared.operations.republish import pend_again
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.consumer import ProcessBatch, SetAside
from shared.runtime.messages import shard_of
from shared.runtime.write_conflicts import Attempt
from shared.telemetry.metrics import metric
from shared.telemetry.traces import start_trace

log = structlog.get_logger()


REQUESTED = BY_MESSAGE[RepublishRequested]
_decode = msgspec.json.Decoder(RepublishRequested).decode


def request(asking: str, group: str, wanted: Missing, times: int, at: datetime) -> dict[str, Any]:
    """The outbox row of a request. asking: the service that asks, its `ce_source`; at: real time, UTC."""
    body = RepublishRequested(
        source=wanted.source,  # type: ignore[arg-type] # a Missing names one of SOURCES
        subject=wanted.subject,
        seq=wanted.seq,
        last=wanted.last,
        group=group,
        times=times,
    )
    identity = f"request/{group}|{wanted.source}|{wanted.subject}|{wanted.seq}:{times:08d}"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"{asking}:{identity}",
        "ce_source": asking,
        "ce_type": REQUESTED.name,
        "ce_subject": wanted.subject,
        "ce_time": at.isoformat(),
        "traceparent": start_trace(""),
        "content-type": "application/json",
    }
    return {
        "_id": identity,
        "topic": REQUESTED.topic,
        "key": wanted.subject,
        "pend": shard_of(wanted.subject),
        "ts": int(at.timestamp() * 1_000_000),
        "type": REQUESTED.name,
        "headers": headers,
        "body": encode_message(body),
    }


def read_request(headers: Mapping[str, bytes | None], value: bytes) -> RepublishRequested | None:
    """The request, or None for a record of another kind. Raises ValueError, RecursionError for one unreadable."""
    if headers.get("ce_type") != REQUESTED.name.encode():
        return None
    return _decode(value)


def check_asking(asking: bytes | None, asked: RepublishRequested) -> None:
    """Check that a service asks, and for a group of its own. Raises ValueError.

    The topic has four writers, so the record's own words are all that there is to check. A false request costs
    duplicates, which are skipped.
    """
    asker = (asking or b"").decode()
    if asker not in SOURCES:
        raise ValueError("no service asks")
    for other in SOURCES:
        if other != asker and (asked.group == other or asked.group.startswith(f"{other}-")):
            raise ValueError("another service's group")


def answering(database: Database[Any], source: str) -> ProcessBatch:
    """The service's handling of the control topic: mark its own events for republishing.

    It does so in the transaction that moves the offsets.
    """

    def process_batch(attempt: Attempt, records: list[Arrived]) -> Tally:
        for record in records:
            asked = _asked(record, f"{source}-control")
            if asked is None or asked.source != source:
                continue
            sent = pend_again(
                database, attempt.session, asked.subject, asked.seq, to_seq=asked.last, at=datetime.now(UTC)
            )
            count = sent.count if sent else 0
            metric("journey_republished_total").inc(count)
            log.warning(
                "republished",
                group=asked.group,
                subject=asked.subject if not asked.subject.startswith("participant/") else None,
                asked=asked.last - asked.seq + 1,
                events=count,
            )
        return Tally()

    return process_batch


def leaving(group: str) -> SetAside:
    """How a control consumer handles a request that fails: it skips it and logs that."""

    def leave(_: Attempt, record: Arrived, error: str) -> Tally:
        return Tally(when_durable=lambda: _leave(group, record, error))

    return leave


def _asked(record: Arrived, group: str) -> RepublishRequested | None:
    """The request in the record, or None if it is unreadable: the group that lacks something asks again."""
    headers = dict(record.headers)
    try:
        asked = read_request(headers, record.value)
        if asked is not None:
            check_asking(headers.get("ce_source"), asked)
        return asked
    except (ValueError, RecursionError) as error:
        _leave(group, record, type(error).__name__)
        return None


def _leave(group: str, record: Arrived, error: str) -> None:
    metric("journey_records_left_total", group=group).inc()
    log.error(
        "record-left",
        group=group,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error=error,
    )
