"""One MongoDB transaction: its read and write concerns, and its repetition."""

from collections.abc import Callable
from typing import Any, TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from shared.language.errors import Busy

DUPLICATE_KEY = 11000

T = TypeVar("T")


def transact(
    client: pymongo.MongoClient[dict[str, Any]],
    work: Callable[[ClientSession], T],
    *,
    seconds: float = 10.0,
    session: ClientSession | None = None,
) -> T:
    """Run `work` in one transaction: snapshot reads, majority writes, repeated on conflicts, at most `seconds`.

    `work` may run several times and must leave nothing behind but its writes with the session. Raises Busy when the
    time is up or the database cannot be reached. The commit may then have happened or not; only a repetition under
    the same idempotency key can tell.
    """
    try:
        with pymongo.timeout(seconds):
            if session is not None:
                return _with_transaction(session, work)
            with client.start_session() as own:
                return _with_transaction(own, work)
    except PyMongoError as error:
        raise Busy(f"The database did not finish: {type(error).__name__}.") from error


def is_duplicate(error: Busy) -> bool:
    """Whether the write failed because a document with that key exists."""
    cause = error.__cause__
    return isinstance(cause, BulkWriteError) and any(
        one["code"] == DUPLICATE_KEY for one in (cause.details or {}).get("writeErrors", [])
    )


def _with_transaction(session: ClientSession, work: Callable[[ClientSession], T]) -> T:
    return session.with_transaction(
        work,
        read_concern=ReadConcern("snapshot"),
        write_concern=WriteConcern("majority"),
        read_preference=ReadPreference.PRIMARY,
    )
