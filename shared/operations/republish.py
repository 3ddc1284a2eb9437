"""Republishing from the archive: rows are marked as unpublished, and the relay publishes them in order.

The outbox keeps every event that was ever emitted, so any of them can be republished. A reader that has applied it
already skips it by its number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.language.control import LAST
from shared.runtime.messages import shard_of

MOST = 1000
"""Events republished at once: one chunk of the relay, so that new events do not wait behind them."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one request. more: the archive has further events of the subject after `last`."""

    count: int
    first: int
    last: int
    more: bool


def pend_again(
    database: Database[Any],
    session: ClientSession,
    subject: str,
    from_seq: int,
    *,
    at: datetime,
    to_seq: int = LAST,
    most: int = MOST,
) -> Sent | None:
    """Mark the subject's events with these numbers as unpublished, at most `most`. None: the archive has none.

    An event that waits to be published, or that Kafka rejects, is left as it is. at: now, real time, UTC; kept as
    `again`. By it the outbox's age can tell republished events from new ones.
    """
    last_id = f"{subject}:{to_seq:08d}"
    condition: Mapping[str, Any] = {"_id": {"$gte": f"{subject}:{from_seq:08d}", "$lte": last_id}}
    found = database["events"].find(
        condition, {"_id": 1}, sort=[("_id", ASCENDING)], limit=most + 1, session=session
    )
    ids = [row["_id"] for row in found]
    if not ids:
        return None
    chosen = ids[:most]
    database["events"].update_many(
        {"_id": {"$in": chosen}, "pend": {"$exists": False}},
        {"$set": {"pend": shard_of(subject), "again": at}},
        session=session,
    )
    first, last = (int(one.rpartition(":")[2]) for one in (chosen[0], chosen[-1]))
    return Sent(len(chosen), first, last, len(ids) > most)
