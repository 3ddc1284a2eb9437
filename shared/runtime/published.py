"""What intake published, as every service keeps it: the programmes' versions, and the register of who takes part.

Both live in the service's own database, and in the memory of each of its processes. Who asks pays a look-up; the
database is asked at most once a second for what is new.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pymongo.read_concern import ReadConcern

from shared.language.access import Known
from shared.language.errors import Busy
from shared.language.programmes import Programmes
from shared.language.register import KnownRegister, Register
from shared.language.register_rows import REGISTER, entry_in
from shared.runtime.collections import Collections
from shared.runtime.programmes import FRESH_SECONDS, PublishedProgrammes


class PublishedRegister:
    """The register as this process knows it. A change may take a second to be seen.

    now: seconds, by a clock that only goes forward.
    """

    def __init__(self, database: Collections, now: Callable[[], float] = time.monotonic) -> None:
        # What another server would not have kept after a failover is not seen: its count would be given again.
        self._collection = database[REGISTER].with_options(read_concern=ReadConcern("majority"))
        self._now = now
        self._known = KnownRegister()
        self._at = 0
        self._looked: float | None = None
        self._looking = threading.Lock()

    def current(self, *, awaited: bool = True) -> KnownRegister:
        """The register as it is now; it stays so for who holds it.

        Raises Busy until anything of it has come, where something is awaited.
        """
        looked = self._looked
        fresh = self._at > 0 and looked is not None and self._now() - looked < FRESH_SECONDS
        # One thread looks; the others answer from what is known, unless nothing is yet.
        if not fresh and self._looking.acquire(blocking=self._at == 0):
            try:
                self._look()
            finally:
                self._looking.release()
        if self._at == 0 and awaited:
            raise Busy("The register of who takes part has not come here yet.")
        return self._known

    def expire(self) -> None:
        """Look again at the next question."""
        self._looked = None

    def _look(self) -> None:
        began = self._now()
        if self._at and self._looked is not None and began - self._looked < FRESH_SECONDS:
            return
        rows = list(self._collection.find({"at": {"$gt": self._at}}, sort=[("at", 1)]))
        if rows:
            self._known = self._known.with_entries(entry_in(row) for row in rows)
            self._at = rows[-1]["at"]
        self._looked = began


class PublishedHere(Protocol):
    """What was published, as this service keeps it."""

    @property
    def programmes(self) -> Programmes:
        """Every published version that this service has taken in."""

    @property
    def register(self) -> Register:
        """Who takes part, as this service knows it."""

    def known(self, at: datetime) -> Known:
        """What a right rests on at that moment, UTC."""


class Published:
    """Programmes and register of one service's database. now: seconds, by a clock that only goes forward."""

    def __init__(self, database: Collections, now: Callable[[], float] = time.monotonic) -> None:
        self.programmes = PublishedProgrammes(database, now)
        self.kept_register = PublishedRegister(database, now)

    @property
    def register(self) -> Register:
        """Who takes part, as it is known now; it stays so for who holds it.

        Raises Busy while there are programmes and nothing of it has come. Without a programme, nobody has a role.
        """
        return self.kept_register.current(awaited=bool(self.programmes.every_version()))

    def look(self) -> None:
        """Take in what is there, if it is due. Raises PyMongoError."""
        self.programmes.every_version()
        self.kept_register.current(awaited=False)

    def known(self, at: datetime) -> Known:
        """What a right rests on at that moment, UTC."""
        return KnownAt(self.programmes, self.register, at)


@dataclass(frozen=True, slots=True)
class KnownAt:
    """What was published, and a moment. Satisfies `shared.language.access.Known`."""

    programmes: Programmes
    register: Register
    at: datetime
