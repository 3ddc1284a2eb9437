"""What intake published, as every service keeps it: the programmes' versions, and the register of who takes part.

Both live in the service's own database, and in the memory of each of its processes. Who asks pays a look-up; the
database is asked at most once a second for what is new.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.language.access import Known
from shared.language.events import Code, Organisation
from shared.language.programmes import Programmes
from shared.language.register import KnownRegister, Membership, Register, Unit
from shared.language.register_rows import REGISTER, entry_in
from shared.runtime.collections import Collections
from shared.runtime.programmes import FRESH_SECONDS, PublishedProgrammes


class PublishedRegister:
    """Satisfies `shared.language.register.Register`. A change may take a second to be seen.

    now: seconds, by a clock that only goes forward.
    """

    def __init__(self, database: Collections, now: Callable[[], float] = time.monotonic) -> None:
        self._collection = database[REGISTER]
        self._now = now
        self._known = KnownRegister()
        self._at = -1
        self._looked: float | None = None
        self._looking = threading.Lock()

    def unit(self, unit: Organisation) -> Unit | None:
        """The unit, or None."""
        return self._fresh().unit(unit)

    def memberships(self, unit: Organisation, programme: Code) -> Sequence[Membership]:
        """The unit's memberships in the programme, those that have ended too, by first day."""
        return self._fresh().memberships(unit, programme)

    def programmes_of(self, unit: Organisation) -> Collection[Code]:
        """The programmes in which the unit has or had a membership."""
        return self._fresh().programmes_of(unit)

    def expire(self) -> None:
        """Look again at the next question."""
        self._looked = None

    def _fresh(self) -> KnownRegister:
        looked = self._looked
        if looked is not None and self._now() - looked < FRESH_SECONDS:
            return self._known
        # One thread looks; the others answer from what is known, unless nothing is yet.
        if self._looking.acquire(blocking=looked is None):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._known

    def _look(self) -> None:
        began = self._now()
        if self._looked is not None and began - self._looked < FRESH_SECONDS:
            return
        for row in self._collection.find({"at": {"$gt": self._at}}, sort=[("at", 1)]):
            self._known.put(entry_in(row))
            self._at = row["at"]
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
    """Programmes and register of one service's database."""

    def __init__(self, database: Collections) -> None:
        self.programmes = PublishedProgrammes(database)
        self.register = PublishedRegister(database)

    def known(self, at: datetime) -> Known:
        """What a right rests on at that moment, UTC."""
        return KnownAt(self.programmes, self.register, at)


@dataclass(frozen=True, slots=True)
class KnownAt:
    """What was published, and a moment. Satisfies `shared.language.access.Known`."""

    programmes: Programmes
    register: Register
    at: datetime
