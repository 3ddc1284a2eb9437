"""Commands from HTTP: each is decided and made durable once per idempotency key.

Commands that wait at the same time share one transaction (`group_commit`): one commit and one write per collection,
however many they are. Each command sees the effects of the earlier ones, and a refused command leaves nothing behind.
Commands that cannot share, because of a write conflict or a repeated key, each get a transaction of their own.

The answer is stored with the effect, without personal data. A repetition with the same key and content gets the
stored answer; another content under the key is refused. The caller's right is checked before a stored answer is
looked up, so a key opens nothing. Rows of a file have no keys: the sender's own reference makes each row idempotent.
A caller that names events it has seen waits until this service has seen them too (`waiting`). A caller without a part
in the journey waits just as long, and is then told that it is unknown, so that the wait reveals nothing.
"""

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pymongo
import structlog
from pymongo import InsertOne, MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language.access import Known
from shared.language.decision import Repository, Subject, Vector, Work
from shared.language.errors import Busy, Forbidden, NotYetSeen, Refused, Unknown
from shared.runtime.clock import Clock
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.group_commit import GroupCommit, Member
from shared.runtime.many import OneOfMany, Trial, UseCase, Wanted, fetch_ahead
from shared.runtime.published import Published
from shared.runtime.reads import Reading, ReadLedger
from shared.runtime.staged import Staged
from shared.runtime.transaction import is_duplicate, transact
from shared.runtime.unit import Apart, Unit
from shared.runtime.waiting import WAIT_SECONDS, Waiting

COMMAND_SECONDS = 5.0
ROWS_IN_ROUND = 250
SHARED_TRIES = 8

log = structlog.get_logger()
Again = Callable[[Work, Mapping[str, Any]], None]
NEVER_AGAIN = (Forbidden, Unknown, NotYetSeen)
"""The right was not found: no stored answer is looked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command: its body, the vector of the events that it caused, and the subject's revision.

    emitted: `<type>:<number>` of every event, in order; empty where the answer was stored before.
    """

    body: dict[str, Any]
    vector: Vector
    revision: int
    subject: str
    emitted: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class _Asked(Member):
    """One command under way. `context` is its caller's context: the identity and the trace.

    organisation: the caller's. rows, beside: rows and subjects fetched ahead. trial: True when the command is only
    tried and nothing of it is kept.
    """

    use_case: UseCase
    key: str | None
    fingerprint: str
    subject: Subject | None
    vector: Vector
    context: Context
    organisation: str = ""
    rows: tuple[Wanted, ...] = ()
    trial: Trial | None = None
    beside: tuple[Subject, ...] = ()
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def settled(self) -> bool:
        return self.answer is not None or self.error is not None


class _Behind(Exception):
    """This service has not yet seen all events that the caller has seen."""


class Commands:
    """Runs use cases of one service for its web process. Threads share it.

    waiters: how many threads may wait for an event at once; one more is refused and told to try again.
    """

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        repository: Repository,
        published: Published,
        source: str,
        clock: Clock,
        fingerprints: Fingerprints,
        waiters: int,
    ) -> None:
        self.fingerprints = fingerprints
        self._client = client
        self._database = client[database]
        self._repository = repository
        self._published = published
        self._source = source
        self._clock = clock
        self._reads = ReadLedger(client, database)
        self.waits = Waiting(self._database, repository.collection, source, waiters)
        self._group_commit: GroupCommit[_Asked] = GroupCommit(self._round)

    def run(
        self,
        use_case: UseCase,
        *,
        key: str | None,
        body: bytes,
        subject: Subject | None,
        vector: Vector,
        organisation: str = "",
        again: Again | None = None,
    ) -> Answer:
        """Decide and make durable, once per key. Safe to repeat with the same key after any failure.

        key: identifies one request of one person, as the edge makes it; None for commands that are idempotent by
        nature. vector: the events of the subject that the caller has seen. organisation: the caller's, which the events
        name; its slots are used for waiting. again: raises Refused where a stored answer may no longer be given. Raises
        Refused (nothing stored) or Busy (repeat).
        """
        asked = _Asked(use_case, key, self._fingerprint(body), subject, vector, copy_context(), organisation)
        self._group_commit.take_part(asked)
        return self._answered(asked, again)

    def run_rows(
        self, rows: Iterable[OneOfMany], *, organisation: str = "", trial: bool = False
    ) -> Iterator[Answer | Refused | Busy]:
        """Decide the rows of one request in order, each by itself, in rounds; give the outcome of each row.

        organisation: the caller's. trial: True to compute each outcome, given the rows before it, and make nothing
        durable.
        """
        after = Trial() if trial else None
        asked = (
            _Asked(
                use_case=one.use_case,
                key=None,
                fingerprint="",
                subject=one.subject,
                vector={},
                context=copy_context(),
                organisation=organisation,
                rows=one.rows,
                trial=after,
                beside=one.beside,
            )
            for one in rows
        )
        while members := list(islice(asked, ROWS_IN_ROUND)):
            self._round(members)
            for one in members:
                try:
                    yield self._outcome(one)
                except (Refused, Busy) as error:
                    yield error.with_traceback(None)

    def _answered(self, asked: _Asked, again: Again | None = None) -> Answer:
        """Return the answer, decided now or stored when the key was first used. Raises Refused or Busy."""
        try:
            return self._outcome(asked)
        except NEVER_AGAIN:
            raise
        except (Refused, Busy) as error:
            # A key used before shows as a duplicate, or as a state that refuses what was done: new ones pay nothing.
            if isinstance(error, Busy) and not is_duplicate(error):
                raise
            stored = self._stored(asked.key, asked.fingerprint)
            if stored is None:
                raise
        if again is not None:
            self.read(lambda work: {"again": again(work, stored.body)}, subject=None, vector={})
        return stored

    def judge(self, right: Callable[[Known], None]) -> None:
        """Check a right that rests on what was published alone. Raises the error of the check, or Busy."""
        try:
            right(self._published.known(self._clock.now()))
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error

    def look_again(self) -> None:
        """Let this process see at once what it has changed in the register."""
        self._published.kept_register.expire()

    @property
    def waiting(self) -> int:
        """The number of callers that wait for a round."""
        return self._group_commit.waiting

    def account(self, reading: Reading) -> None:
        """Note who read what, or was refused it, before the answer leaves. Raises Busy: then nothing may leave."""
        self._reads.append(reading)

    def read(
        self, use_case: UseCase, *, subject: Subject | None, vector: Vector, organisation: str = ""
    ) -> Answer:
        """Answer from one snapshot, changing nothing."""
        return self._outcome(_Asked(use_case, None, "", subject, vector, copy_context(), organisation))

    def _outcome(self, asked: _Asked) -> Answer:
        """Return the command's outcome; carry it out alone if no round has settled it. Raises its refusal."""
        until = time.monotonic() + WAIT_SECONDS
        if not asked.settled:
            self._round([asked])
        subject = asked.subject
        if subject is not None and asked.vector and _unseen(asked.error):
            self.waits.until_decided(
                asked.organisation, subject, asked.vector, until, lambda: self._again(asked)
            )
        if asked.error is not None:
            # Clear the reference: the traceback refers to this frame, and the cycle would keep the request body alive.
            error, asked.error = asked.error, None
            try:
                raise error
            finally:
                del error
        assert asked.answer is not None, "a round of one settles it or raises"
        return asked.answer

    def _again(self, asked: _Asked) -> bool:
        """Decide it once more; whether there is nothing to wait for any longer."""
        asked.error = None
        self._round([asked])
        return not _unseen(asked.error)

    def _round(self, members: Sequence[_Asked]) -> None:
        """Decide commands in turn and make them durable in one transaction.

        Several commands that cannot share one are left unsettled. A single command is always settled, or its error is
        raised.
        """
        attempts, trial, left = 0, members[0].trial, Staged()

        def work(session: ClientSession) -> list[tuple[_Asked, Answer | Exception]]:
            nonlocal attempts, left
            attempts += 1
            if attempts > SHARED_TRIES and len(members) > 1:
                raise Apart
            base = self._unit(session)
            if trial is not None:
                base.staged = trial.staged.copy()
            wanted = {one.subject for one in members if one.subject is not None}
            base.load(wanted.union(*(one.beside for one in members)))
            fetch_ahead([row for one in members for row in one.rows], base)
            decided = [(one, self._decided(one, base)) for one in _of_different_keys(members)]
            if trial is None:
                base.flush()
            else:
                left = base.staged
            return [(one, outcome) for one, outcome in decided if outcome is not None]

        try:
            for one, outcome in transact(self._client, work, seconds=COMMAND_SECONDS):
                if isinstance(outcome, Answer):
                    one.answer = outcome
                else:
                    one.error = outcome
            if trial is not None:
                trial.staged = left.copy()
        except Apart:
            log.debug("round-parted", members=len(members))
        except Busy as error:
            if len(members) == 1 or not is_duplicate(error):
                for one in members:
                    one.error = Busy(str(error))
                    one.error.__cause__ = error.__cause__
        except Exception as error:
            # A value that the database cannot hold, say: whose it was shows when each goes alone.
            if len(members) == 1:
                raise
            log.warning("round-failed", members=len(members), error=type(error).__name__)

    def _decided(self, asked: _Asked, base: Unit) -> Answer | Exception | None:
        """Return one command's answer, joined to the round; its refusal; or None if it must go alone."""
        branch = base.branch(asked.organisation)
        try:
            answer = asked.context.run(self._decide, asked, branch)
        except Apart:
            return None
        except PyMongoError:
            raise
        except (Refused, _Behind) as refused:
            # Drop the traceback: it would keep the whole round alive through a reference cycle.
            return refused.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - it belongs to that caller, in whose thread it is raised
            return error
        base.join(branch)
        return answer

    def _decide(self, asked: _Asked, unit: Unit) -> Answer:
        with pymongo.timeout(COMMAND_SECONDS):
            if asked.subject is not None and asked.vector and not unit.reached(asked.subject, asked.vector):
                raise _Behind
            body = asked.use_case(unit)
            subject = unit.last_saved or asked.subject
            answer = (
                Answer(body, {}, 0, "")
                if subject is None
                else Answer(body, unit.vector(subject), unit.revision(subject), subject, tuple(unit.emitted))
            )
        if asked.key is not None:
            document = {
                "_id": asked.key,
                "fingerprint": asked.fingerprint,
                "at": datetime.now(UTC),
                "body": answer.body,
                "vector": dict(answer.vector),
                "revision": answer.revision,
                "subject": answer.subject,
            }
            unit.write("commands", InsertOne(document))
        return answer

    def _fingerprint(self, body: bytes) -> str:
        return self.fingerprints.of("body", body)

    def _unit(self, session: ClientSession) -> Unit:
        now = functools.partial(self._clock.now, session)
        return Unit(self._database, session, self._repository, self._published, self._source, now)

    def _stored(self, key: str | None, fingerprint: str) -> Answer | None:
        try:
            found = None if key is None else self._database["commands"].find_one({"_id": key})
        except PyMongoError as error:
            raise Busy(f"The database did not answer: {type(error).__name__}.") from error
        if found is None:
            return None
        if found["fingerprint"] != fingerprint:
            raise Refused("idempotency-key-reused", "The key was used with another content.")
        return Answer(found["body"], found["vector"], found["revision"], found["subject"])


def _unseen(error: Exception | None) -> bool:
    """Whether the caller may have seen more than this service: an event, a part or the subject is missing."""
    return isinstance(error, _Behind) or (isinstance(error, Unknown) and not error.within)


def _of_different_keys(members: Sequence[_Asked]) -> Sequence[_Asked]:
    """Without the repetitions of a key that is in the same round: they go alone, and find the answer stored."""
    return list({one.key or id(one): one for one in reversed(members)}.values())[::-1]
