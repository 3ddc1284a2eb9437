"""Which organisations have topics of their own now, as every process of a service knows it.

One process looks in Kafka (intake, `services.intake.on_kafka`) and keeps what it finds in the service's database. The
others ask the database, at most once a second. Only a service that answers records has any.
"""

import threading
import time
from collections.abc import Callable, Iterator

from shared.language.events import Organisation
from shared.runtime.collections import Collections

CHANNELS = "channels"
"""A row for each organisation that has topics; its key is the organisation."""
FRESH_SECONDS = 1.0


class Channels:
    """The organisations with topics, as a collection. now: seconds, by a clock that only goes forward."""

    def __init__(self, database: Collections, now: Callable[[], float] = time.monotonic) -> None:
        self._rows = database[CHANNELS]
        self._now = now
        self._known: frozenset[Organisation] = frozenset()
        self._looked: float | None = None
        self._looking = threading.Lock()

    def now(self) -> frozenset[Organisation]:
        """Those that have topics now, as of a second ago at most. Raises PyMongoError."""
        with self._looking:
            if self._looked is None or self._now() - self._looked >= FRESH_SECONDS:
                began = self._now()
                self._known = frozenset(row["_id"] for row in self._rows.find({}, {"_id": 1}))
                self._looked = began
            return self._known

    def fresh(self) -> frozenset[Organisation]:
        """Those that have topics at this moment. Raises PyMongoError."""
        self._looked = None
        return self.now()

    def note(self, organisation: Organisation) -> None:
        """Keep that the organisation has topics, unless it is known. Raises PyMongoError."""
        if organisation not in self.now():
            self.keep(organisation)

    def keep(self, organisation: Organisation) -> None:
        """Keep that the organisation has topics. Safe to repeat. Raises PyMongoError."""
        self._rows.update_one({"_id": organisation}, {"$set": {}}, upsert=True)
        self._looked = None

    def end(self, organisation: Organisation) -> None:
        """Forget an organisation that has topics no longer. Safe to repeat. Raises PyMongoError."""
        self._rows.delete_one({"_id": organisation})
        self._looked = None

    def __contains__(self, organisation: object) -> bool:
        return organisation in self.now()

    def __iter__(self) -> Iterator[Organisation]:
        return iter(self.now())

    def __len__(self) -> int:
        return len(self.now())
