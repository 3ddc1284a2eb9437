"""The unit of work: one MongoDB transaction with everything that one decision, or one batch, changes.

State, rows, outgoing events, timers and whatever the caller adds (consumer offsets, an idempotency key) become
durable together or not at all. `staged` says what the document of a subject holds.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pymongo import ASCENDING, DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession

from shared.language.decision import (
    ARCHIVE,
    Change,
    Reply,
    Repository,
    Skip,
    Subject,
    Vector,
    key_of,
    kind_of,
)
from shared.language.errors import StateUnreadable, Unknown
from shared.language.events import ANSWERS_TOPIC
from shared.language.messages import Message
from shared.language.programmes import Programmes
from shared.language.register import Register
from shared.runtime.collections import Collections
from shared.runtime.ids import random_id
from shared.runtime.messages import REPLIES, Messages, outbox_row, shard_of
from shared.runtime.outgoing import kept_a_day
from shared.runtime.published import PublishedHere
from shared.runtime.staged import Staged, SubjectDocument, read, written
from shared.runtime.write_conflicts import OnRead
from shared.telemetry.traces import current_traceparent

Document = dict[str, Any]
T = TypeVar("T")

log = structlog.get_logger()


class Apart(Exception):
    """This decision needs a transaction of its own."""


class Unit:
    """Everything one transaction reads and writes. Satisfies `decision.Work`.

    now: gives the moment of the decision, UTC; called once, and only when a decision needs it. on_read: called after
    each load with all that the unit has read. Reads go through the session; writes are collected and sent by `flush`.
    source: the service that decides. organisation: who asked for it, for the log; empty where nobody did.
    Several decisions may share a unit. Each works on a `branch`, which sees all branches joined before it, and is
    either joined whole or dropped.
    """

    def __init__(
        self,
        database: Collections,
        session: ClientSession,
        repository: Repository,
        published: PublishedHere,
        source: str,
        now: Callable[[], datetime],
        base: "Unit | None" = None,
        on_read: OnRead | None = None,
        organisation: str = "",
    ) -> None:
        self._published = published
        self._now = now
        self._base = base
        self._on_read = on_read
        self._database = database
        self._session = session
        self._repository = repository
        self._messages = Messages(source, organisation)
        self.staged = Staged()
        self._last_saved: Subject | None = None
        self._minted: set[str] = set()
        self._fetched: dict[tuple[str, str], Document | None] = {}

    @property
    def programmes(self) -> Programmes:
        """Every published version that this service has taken in."""
        return self._published.programmes

    @functools.cached_property
    def register(self) -> Register:
        """Who takes part, as this service knows it: the same for the whole decision."""
        return self._published.register if self._base is None else self._base.register

    @functools.cached_property
    def at(self) -> datetime:
        """The moment of the decision, UTC. Asked for the first time it may read the database."""
        return self._now()

    # --- sharing ---------------------------------------------------------------------------------

    def branch(self, organisation: str = "") -> "Unit":
        """A unit for one of several decisions in this transaction. organisation: who asks for it."""
        return Unit(
            self._database,
            self._session,
            self._repository,
            self._published,
            self._messages.source,
            lambda: self.at,
            self,
            organisation=organisation,
        )

    def join(self, branch: "Unit") -> None:
        """Add everything that a branch collected; later branches see it."""
        self.staged.merge(branch.staged)

    # --- reading ---------------------------------------------------------------------------------

    def load(self, subjects: Iterable[Subject]) -> None:
        """Fetch these subjects at once; a missing one is held as new."""
        wanted = [subject for subject in subjects if subject not in self.staged.held]
        for subject in wanted:
            self.staged.held[subject] = SubjectDocument(subject)
        wanted = [subject for subject in wanted if key_of(subject) not in self._minted]
        if not wanted:
            return
        if self._base is not None:
            self._base.load(wanted)
            for subject in wanted:
                self.staged.held[subject] = replace(self._base.staged.held[subject])
            return
        collection = self._database[self._repository.collection]
        condition: Document = {"_id": wanted[0] if len(wanted) == 1 else {"$in": wanted}}
        for document in collection.find(condition, session=self._session, batch_size=len(wanted) + 1):
            self.staged.held[document["_id"]] = read(document, self._repository)
        if self._on_read is not None:
            self._on_read(collection, self.staged.held)

    def held(self, subject: Subject) -> SubjectDocument:
        """The subject's document, fetched if need be; it may be unreadable."""
        found = self.staged.held.get(subject)
        if found is None:
            self.load((subject,))
            found = self.staged.held[subject]
        return found

    def find(self, subject: Subject) -> Any | None:
        """The subject's state, or None. Raises StateUnreadable."""
        return self._readable(subject).state

    def _readable(self, subject: Subject) -> SubjectDocument:
        held = self.held(subject)
        if held.unreadable:
            raise StateUnreadable(kind_of(subject), held.unreadable)
        return held

    def get(self, subject: Subject) -> Any:
        """The subject's state. Raises Unknown, StateUnreadable."""
        state = self.find(subject)
        if state is None:
            raise Unknown(f"{kind_of(subject)}")
        return state

    def readable(self, subject: Subject) -> Any | None:
        """The subject's state, or None where this release cannot read it, which is logged. Raises Unknown."""
        try:
            return self.get(subject)
        except StateUnreadable as error:
            log.error("left-out-of-a-list", kind=kind_of(subject), cause=error.why)
            return None

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """A row saved by this or an earlier unit, or None."""
        if (collection, key) in self.staged.puts:
            staged = self.staged.puts[collection, key]
            return None if staged is None else {"_id": key, **staged}
        if self._base is not None:
            return self._base.row(collection, key)
        if (collection, key) in self._fetched:
            return self._fetched[collection, key]
        found: Document | None = self._database[collection].find_one({"_id": key}, session=self._session)
        return found

    def fetch(self, collection: str, keys: Collection[str]) -> None:
        """Read these rows at once: `row` then asks nothing more for them, whether they are there or not."""
        if self._base is not None:
            self._base.fetch(collection, keys)
            return
        wanted = [key for key in keys if (collection, key) not in self._fetched]
        if not wanted:
            return
        rows = self._database[collection].find({"_id": {"$in": wanted}}, session=self._session)
        there = {(collection, one["_id"]): one for one in rows}
        self._fetched |= {(collection, key): there.get((collection, key)) for key in wanted}

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: Any, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """A page of rows saved by earlier units; an index should serve `where` and `order`.

        Raises Apart when an earlier branch of this unit may have saved one.
        """
        if self._base is not None and (self._base.staged.puts or self._base.staged.dirty()):
            raise Apart
        skip, place = (after.rows, after.beyond) if isinstance(after, Skip) else (0, after)
        condition = dict(where) if place is None else {**where, order: {"$gt": place}}
        found = self._database[collection].find(
            condition, sort=[(order, ASCENDING)], skip=skip, limit=limit, session=self._session
        )
        return list(found)

    def revision(self, subject: Subject) -> int:
        """How often commands and timers have changed the subject here."""
        return self.held(subject).rev

    def vector(self, subject: Subject) -> Vector:
        """{source: how many of its events on the subject this service has emitted or applied}."""
        held = self.held(subject)
        return {**held.seen, self._messages.source: held.out_seq} if held.out_seq else dict(held.seen)

    def reached(self, subject: Subject, vector: Vector) -> bool:
        """Whether this service has emitted or applied all events of the vector. Raises StateUnreadable."""
        held = self._readable(subject)
        applied = {**held.applied, self._messages.source: held.out_seq}
        return all(applied.get(source, 0) >= count for source, count in vector.items())

    @property
    def last_saved(self) -> Subject | None:
        """The subject that `save` was last called for."""
        return self._last_saved

    @property
    def emitted(self) -> Sequence[str]:
        """`<type>:<number>` of each event that this unit has emitted."""
        return self._messages.emitted

    def new_id(self, prefix: str) -> str:
        """A random id; nothing is looked for under it."""
        minted = random_id(prefix)
        self._minted.add(minted)
        return minted

    # --- deciding --------------------------------------------------------------------------------

    def save(self, subject: Subject, change: Change[T]) -> T:
        """Collect the change that a command or a timer decided; an empty change leaves the subject untouched.

        Raises StateUnreadable.
        """
        held = self._readable(subject)
        self._last_saved = subject
        if self.take(held, change) and not held.revision_incremented:
            held.rev += 1
            held.revision_incremented = True
        return change.state

    def take(self, held: SubjectDocument, change: Change[Any]) -> bool:
        """Collect a change's writes. Returns whether there was anything in it."""
        for event in change.events:
            identity, outgoing = self._messages.event(held, event)
            self.write(ARCHIVE, InsertOne({"_id": identity, **outgoing}))
        for reply in change.replies:
            self.put(REPLIES, *self._messages.reply(held, reply, self.at))
        for notice in change.notices:
            self.put(ARCHIVE, *self._messages.notice(held, notice, self.at))
        for row in change.rows:
            self.put(row.collection, row.key, row.body)
        for collection, key in change.removes:
            self.put(collection, key, None)
        for add in change.adds:
            self.staged.add((add.collection, add.key, shard_of(held.subject)), add.cells, add.also)
        for timer in change.timers:
            document = {"due": timer.due, "subject": held.subject, "command": timer.command}
            document |= {"body": dict(timer.body), "trace": current_traceparent()}
            self.put("timers", timer.key, document)
        for key in change.cancels:
            self.put("timers", key, None)
        moved = change.state is not held.state
        changed = moved or bool(
            change.events
            or change.rows
            or change.removes
            or change.adds
            or change.timers
            or change.cancels
            or change.replies
            or change.notices
        )
        held.state = change.state
        held.dirty = held.dirty or changed
        return changed

    def put(self, collection: str, key: str, body: Mapping[str, Any] | None) -> None:
        """Replace the document, or remove it; the last word of this transaction on a key counts."""
        self.staged.puts[collection, key] = body

    def write(self, collection: str, operation: Any) -> None:
        """Add a write of the caller's own to this transaction."""
        self.staged.writes[collection].append(operation)

    def answer(self, organisation: str, identity: str, subject: str, body: Message) -> None:
        """Answer one record, before any message that it causes; an earlier answer of that identity gives way."""
        held = self.staged.held.get(Subject(subject))
        self.put(REPLIES, *self._messages.answer(held, Reply(organisation, body), identity, subject, self.at))

    def say_answer(self, organisation: str, identity: str, subject: str, body: Message) -> None:
        """Answer one record through intake, which gives the answer its number; the relay publishes it."""
        said = Reply(organisation, body)
        name, answer = self._messages.answer(None, said, identity, subject, self.at)
        row = outbox_row(ANSWERS_TOPIC, organisation, answer["ts"], answer["headers"], answer["body"])
        self.put(ARCHIVE, f"answer/{name}", {**row, **kept_a_day(answer["ts"])})

    # --- writing ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send everything collected: one bulk write per collection."""
        states = [written(held, self._repository) for held in self.staged.dirty()]
        for (collection, key, shard), (cells, also) in self.staged.adds.items():
            amounts = {cell: amount for cell, amount in cells.items() if amount}
            if amounts:
                update = {"$inc": amounts, "$setOnInsert": {"key": key, "shard": shard, **also}}
                self.write(collection, UpdateOne({"_id": f"{key}|{shard}"}, update, upsert=True))
        for (collection, key), body in self.staged.puts.items():
            gone = body is None
            self.write(
                collection, DeleteOne({"_id": key}) if gone else ReplaceOne({"_id": key}, body, upsert=True)
            )
        for collection, operations in self.staged.writes.items():
            self._bulk(collection, operations)
        # Last, because they are what others want: held only from here to the commit.
        if states:
            self._bulk(self._repository.collection, states)

    def _bulk(self, collection: str, operations: Sequence[Any]) -> None:
        self._database[collection].bulk_write(operations, ordered=False, session=self._session)
