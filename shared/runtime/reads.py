"""The audit of reads: one row per reading and per refusal, in a database to which a service can only add.

The rows lie in `<service>_audit`. There MongoDB lets the service's user find and insert, but not change or remove.
A row is inserted by itself, before the answer leaves, so it conflicts with no other write. Without the row there is no
answer. Nothing here may be logged: rows name people.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import structlog
from pymongo import ASCENDING, IndexModel, MongoClient
from pymongo.errors import PyMongoError

from shared.language.errors import Busy

READS, SEALS, OPERATORS = "reads", "seals", "operators"
"""The collections of the audit: reads and refusals, the hash chain over them, and the acts of operators."""

INDEXES: Mapping[str, list[IndexModel]] = {
    # who read what concerns this person, the latest last; the chain goes by `_id` alone
    READS: [IndexModel([("subject", ASCENDING), ("_id", ASCENDING)])],
    SEALS: [],
    # what operators did, the latest first; whether they had an event skipped
    OPERATORS: [
        IndexModel([("at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("came_to.parked_id", ASCENDING)], sparse=True),
    ],
}
"""Made by `deploy.database`, since no service may."""

APPEND_SECONDS = 5.0
LATE_SECONDS = 10.0
"""A row so late may come after its time was sealed, and would then look as if somebody had put it there."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One read, or one refusal of anything that names a person or a journey.

    person: the reader's handle. subject: `participant/p-…`, `journey/j-…`, a handover, a follow-up, or the exact
    figures of a period, `programme/<id>/<from>/<to>/<by, or all>`; None for a list, and for a text that cannot be an
    id. count: the length of a list, or of a file of rows. purpose: the reader's own words. came_to: `given`, or the
    code of the refusal.
    """

    person: str
    organisation: str
    duty: str
    action: str
    route: str
    subject: str | None
    count: int | None
    purpose: str | None
    came_to: str
    trace_id: str


def audit_database(service_database: str) -> str:
    """The database that the service may only add to."""
    return f"{service_database}_audit"


def entry_id(at: datetime) -> str:
    """The key of a row at that moment: keys sort by time, to the microsecond."""
    return f"{int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)):016x}-{secrets.token_hex(8)}"


def moment_of(key: str) -> datetime:
    """The UTC time of the row with that key; the beginning of 1970 for a key that this platform did not make.

    A row with such a key counts as old and unsealed, and no reader of the rows fails on it.
    """
    began = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return began + timedelta(microseconds=int(key[:16], 16))
    except (ValueError, OverflowError):
        return began


class ReadLedger:
    """Adds to one service's rows. Threads share it."""

    def __init__(self, client: MongoClient[dict[str, Any]], database: str) -> None:
        self._rows = client[audit_database(database)][READS]

    def append(self, reading: Reading) -> None:
        """Note it, by real time. Blocks until a majority has it, at most 5 s. Raises Busy: then nothing is given."""
        at, began = datetime.now(UTC), time.monotonic()
        try:
            with pymongo.timeout(APPEND_SECONDS):
                self._rows.insert_one({"_id": entry_id(at), "at": at, **asdict(reading)})
        except PyMongoError as error:
            raise Busy(f"The reading could not be noted: {type(error).__name__}.") from error
        if time.monotonic() - began > LATE_SECONDS:
            log.warning("read-noted-late", seconds=round(time.monotonic() - began, 1))
