"""HTTP in: one command, one transaction, once per idempotency key.

The answer is stored with the effect, without personal data, and given again when the same key comes with the same
body; another body under the key is refused. Reads wait until this service has seen what the caller has.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

import structlog
from pymongo import InsertOne, MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, PyMongoError

from shared.errors import Busy, NotYetSeen, Refused
from shared.runtime.change import Repository, Subject, Vector, Work
from shared.runtime.clock import Clock
from shared.runtime.programmes import PublishedProgrammes
from shared.runtime.unit import Unit, transact

COMMAND_SECONDS = 5.0
WAIT_SECONDS = 2.0
WAIT_STEP_SECONDS = 0.02
DUPLICATE_KEY = 11000

log = structlog.get_logger()
UseCase = Callable[[Work], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to: its body, the vector of what it caused, the subject's revision."""

    body: dict[str, Any]
    vector: Vector
    revision: int
    subject: str


class Commands:
    """Runs use cases of one service for its web process. Threads share it.

    waiters: how many threads may wait for an event at once; the next one is told to come back.
    """

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        repository: Repository,
        programmes: PublishedProgrammes,
        source: str,
        clock: Clock,
        waiters: int,
    ) -> None:
        self._client = client
        self._database = client[database]
        self._repository = repository
        self._programmes = programmes
        self._source = source
        self._clock = clock
        self._waiting = BoundedSemaphore(waiters)

    def run(
        self, use_case: UseCase, *, key: str | None, body: bytes, subject: Subject | None, vector: Vector
    ) -> Answer:
        """Decide and make durable, once per key. Safe to repeat with the same key after any failure.

        key: `<organisation>:<route>:<the caller's key>`; None for commands that are idempotent by nature. vector: what
        the caller has seen of the subject. Raises Refused (nothing stored) or Busy (repeat).
        """
        self.wait(subject, vector)
        fingerprint = hashlib.sha256(body).hexdigest()

        def work(session: ClientSession) -> Answer:
            unit = self._unit(session)
            answer = self._answer(unit, use_case(unit), subject)
            if key is not None:
                document = {
                    "_id": key,
                    "fingerprint": fingerprint,
                    "at": datetime.now(UTC),
                    "body": answer.body,
                    "vector": dict(answer.vector),
                    "revision": answer.revision,
                    "subject": answer.subject,
                }
                unit.write("commands", InsertOne(document))
            unit.flush()
            return answer

        try:
            return transact(self._client, work, seconds=COMMAND_SECONDS)
        except (Refused, Busy) as error:
            # A key used before shows as a duplicate, or as a state that refuses what was already done: asked for only
            # now, so that the many that are new pay nothing.
            if isinstance(error, Busy) and not _is_duplicate(error):
                raise
            stored = self._stored(key, fingerprint)
            if stored is None:
                raise
            return stored

    def read(self, use_case: UseCase, *, subject: Subject | None, vector: Vector) -> Answer:
        """Answer from one snapshot, changing nothing but what `Work.save` records of the reading itself."""
        return self.run(use_case, key=None, body=b"", subject=subject, vector=vector)

    def wait(self, subject: Subject | None, vector: Vector) -> None:
        """Wait, at most two seconds, until everything in the vector has been applied. Raises NotYetSeen."""
        if subject is None or not vector or self._seen(subject, vector):
            return
        if not self._waiting.acquire(blocking=False):
            raise NotYetSeen("Many callers wait already.")
        try:
            until = time.monotonic() + WAIT_SECONDS
            while not self._seen(subject, vector):
                if time.monotonic() > until:
                    raise NotYetSeen("Some events that the caller has seen have not arrived here yet.")
                time.sleep(WAIT_STEP_SECONDS)
        finally:
            self._waiting.release()

    def _seen(self, subject: Subject, vector: Vector) -> bool:
        fields = {"in": 1, "out.seq": 1}
        try:
            found = self._database[self._repository.collection].find_one({"_id": subject}, fields)
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error
        document = found or {"in": {}, "out": {"seq": 0}}
        applied = {**document["in"], self._source: document["out"]["seq"]}
        return all(applied.get(source, 0) >= count for source, count in vector.items())

    def _unit(self, session: ClientSession) -> Unit:
        at = self._clock.now(session)
        return Unit(self._database, session, self._repository, self._programmes, self._source, at)

    def _answer(self, unit: Unit, body: dict[str, Any], named: Subject | None) -> Answer:
        subject = unit.last_saved or named
        if subject is None:
            return Answer(body, {}, 0, "")
        return Answer(body, unit.vector(subject), unit.revision(subject), subject)

    def _stored(self, key: str | None, fingerprint: str) -> Answer | None:
        try:
            found = None if key is None else self._database["commands"].find_one({"_id": key})
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error
        if found is None:
            return None
        if found["fingerprint"] != fingerprint:
            raise Refused("idempotency-key-reused", "The key was used with another body.")
        return Answer(found["body"], found["vector"], found["revision"], found["subject"])


def _is_duplicate(error: Busy) -> bool:
    cause = error.__cause__
    return isinstance(cause, BulkWriteError) and any(
        one["code"] == DUPLICATE_KEY for one in (cause.details or {}).get("writeErrors", [])
    )
