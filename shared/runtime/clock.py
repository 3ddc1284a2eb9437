"""The business clock: real time, or in the local stack a value in the database that a player moves on.

Business rules take the moment from here. Order keys, leases, TTLs and retries run on real time always.
"""

from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database


class Clock:
    """The moment at which a decision is taken.

    driven: read it from `clock` in the service's own database, in the decision's own transaction; until somebody has
    set it, real time. Never in production.
    """

    def __init__(self, database: Database[Any], *, driven: bool) -> None:
        self.driven = driven
        self._collection = database["clock"]

    def now(self, session: ClientSession | None = None) -> datetime:
        """The moment, UTC."""
        if self.driven:
            document = self._collection.find_one({"_id": "clock"}, session=session)
            if document is not None:
                moment: datetime = document["at"]
                return moment
        return datetime.now(UTC)

    def move(self, at: datetime) -> datetime:
        """Move a driven clock forward; it never goes back. Returns where it stands."""
        document = self._collection.find_one_and_update(
            {"_id": "clock"}, {"$max": {"at": at}}, upsert=True, return_document=True
        )
        assert document is not None, "an upsert that returns the document after has one"
        moment: datetime = document["at"]
        return moment
