"""The published programmes, as every service keeps them: one immutable document per version."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import msgspec

from shared.language.errors import Unready
from shared.language.programmes import Programme, ProgrammeKey
from shared.runtime.collections import Collections

COLLECTION = "programmes"
FRESH_SECONDS = 1.0


class Puts(Protocol):
    """What collects the writes of a transaction."""

    def put(self, collection: str, key: str, body: Mapping[str, Any] | None) -> None:
        """Replace the document, or remove it."""


class PublishedProgrammes:
    """Satisfies `shared.language.programmes.Programmes`. Versions never change, so each is decoded once per process.

    A newer version may take a second to be seen. now: seconds, by a clock that only goes forward.
    """

    def __init__(self, database: Collections, now: Callable[[], float] = time.monotonic) -> None:
        self._collection = database[COLLECTION]
        self._now = now
        self._decoded: dict[ProgrammeKey, Programme] = {}
        self._latest: dict[str, tuple[float, Programme]] = {}
        self._every: tuple[float, Collection[Programme]] | None = None

    def store(self, unit: Puts, programme: Programme) -> None:
        """Keep a version when the unit commits; storing it again changes nothing."""
        document = {
            "programme": programme.id,
            "version": programme.version,
            "body": msgspec.to_builtins(programme),
        }
        unit.put(COLLECTION, programme.key, document)
        self._decoded[programme.key] = programme

    def get(self, key: ProgrammeKey) -> Programme:
        """Return that version. Raises Unready when it has not arrived yet."""
        found = self._decoded.get(key)
        if found is None:
            document = self._collection.find_one({"_id": key})
            if document is None:
                raise Unready(key)
            found = self._decode(document)
        return found

    def latest(self, programme: str) -> Programme | None:
        """The newest version, or None when the programme is unknown."""
        seen = self._latest.get(programme)
        if seen and self._now() - seen[0] < FRESH_SECONDS:
            return seen[1]
        newest = self._collection.find_one({"programme": programme}, {"_id": 1}, sort=[("version", -1)])
        if newest is None:
            return None
        found = self.get(ProgrammeKey(newest["_id"]))
        self._latest[programme] = (self._now(), found)
        return found

    def all_latest(self) -> Mapping[str, Programme]:
        """The newest version of each programme, by its id."""
        return {one.id: one for one in self.every_version()}

    def every_version(self) -> Collection[Programme]:
        """All versions of all programmes, by id and then version. A version seen before is not fetched again."""
        seen = self._every
        if seen and self._now() - seen[0] < FRESH_SECONDS:
            return seen[1]
        published = self._collection.find({}, {"_id": 1}, sort=[("programme", 1), ("version", 1)])
        found = tuple(self.get(ProgrammeKey(one["_id"])) for one in published)
        if found:
            self._every = (self._now(), found)
        return found

    def _decode(self, document: Mapping[str, Any]) -> Programme:
        key = ProgrammeKey(document["_id"])
        found = self._decoded.get(key)
        if found is None:
            found = self._decoded[key] = msgspec.convert(document["body"], Programme)
        return found
