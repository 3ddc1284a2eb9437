"""The transactions of one member: the writes of a batch and the offsets that it moves, together or not at all."""

import contextlib
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from pymongo import MongoClient, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language.errors import Busy
from shared.runtime.arrived import Tally
from shared.runtime.kafka import Partition
from shared.runtime.topic_identity import offset_id
from shared.runtime.transaction import transact
from shared.runtime.write_conflicts import Attempt, WriteConflicts

TRANSACTION_SECONDS = 30.0
CONTENDED_SECONDS, PAUSE_SECONDS = 10.0, 0.002
WRITE_CONFLICT = 112


class Overtaken(Exception):
    """Another writer was at one of the documents first."""


class Fenced(Exception):
    """Another process has moved the offset on: this one must reload and start over."""


class Durable:
    """The transactions of one member of one group, in a session that its successor can end. For one thread."""

    def __init__(self, client: MongoClient[dict[str, Any]], database: str, group: str, stop: Event) -> None:
        self._client = client
        self._offsets = client[database]["offsets"]
        self._group = group
        self._stop = stop
        self._session: ClientSession | None = None

    def commit(
        self, moves: Mapping[Partition, tuple[int, int]], process_batch: Callable[[Attempt], Tally]
    ) -> tuple[Tally, int]:
        """Write the effect of the batch and move the offsets. Blocks.

        moves: {partition: (the group's stored offset, its next one)}. process_batch: may be called again, until one
        attempt is committed. Returns its tally, and how many attempts were lost to write conflicts. Raises Fenced,
        Busy, Halt, and what `process_batch` raises.
        """
        conflicts = WriteConflicts()

        def work(session: ClientSession) -> Tally:
            try:
                attempt = conflicts.begin(session)
                self._compare_and_set(session, moves)
                return process_batch(attempt)
            except PyMongoError as error:
                if getattr(error, "code", None) == WRITE_CONFLICT:
                    raise Overtaken from error
                raise

        return self._transacted(work, conflicts, time.monotonic() + CONTENDED_SECONDS), conflicts.losses

    def _transacted(
        self, work: Callable[[ClientSession], Tally], conflicts: WriteConflicts, until: float
    ) -> Tally:
        """Repeat at once after a write conflict; first lock the contested documents.

        The driver's own repetition waits longer each time, up to half a second, and loses again. Among many short
        transactions a long one wins only if it retries often and locks its documents early. Raises Busy.
        """
        session = self.session()
        while True:
            try:
                return transact(self._client, work, seconds=TRANSACTION_SECONDS, session=session)
            except Overtaken as overtaken:
                if time.monotonic() > until:
                    raise Busy("Other writers were always first.") from overtaken
                conflicts.learn()
                self._stop.wait(PAUSE_SECONDS)

    def _compare_and_set(self, session: ClientSession, moves: Mapping[Partition, tuple[int, int]]) -> None:
        operations = [
            UpdateOne({"_id": offset_id(self._group, at), "next": expected}, {"$set": {"next": following}})
            for at, (expected, following) in moves.items()
        ]
        result = self._offsets.bulk_write(operations, ordered=False, session=session)
        if result.matched_count != len(operations):
            raise Fenced

    def take_over(self, begins: Mapping[str, int]) -> None:
        """Become the holder of these offsets, and end the open transaction of their previous holder. Blocks.

        begins: {an offset's id: the first offset, for a group that has read nothing yet}. Raises PyMongoError.
        """
        mine = self.session().session_id["id"]
        holders = {
            bytes(row["holder"]): row["holder"]
            for row in self._offsets.find({"_id": {"$in": list(begins)}})
            if row.get("holder") not in (None, mine)
        }
        if holders:
            self._client.admin.command("killSessions", [{"id": holder} for holder in holders.values()])
        operations = [
            UpdateOne({"_id": one}, {"$setOnInsert": {"next": begin}, "$set": {"holder": mine}}, upsert=True)
            for one, begin in begins.items()
        ]
        self._offsets.bulk_write(operations, ordered=False)

    def pass_lost(self, offset: str, begins: int, topic: str | None) -> int:
        """Move this offset to where its partition begins now, if that is further. Returns the number of lost records.

        topic: Kafka's id of the topic that is read; an offset in another topic stays. Raises PyMongoError.
        """
        condition = {"_id": offset, "next": {"$lt": begins}, "topic": topic}
        row = self._offsets.find_one_and_update(condition, {"$set": {"next": begins}})
        return begins - int(row["next"]) if row else 0

    def session(self) -> ClientSession:
        """The session of every transaction; its id is stored with the offsets, so that a successor can end it."""
        if self._session is None:
            self._session = self._client.start_session()
        return self._session

    def drop_session(self) -> None:
        """End this session. The next transaction begins in a new one."""
        if self._session is not None:
            session, self._session = self._session, None
            with contextlib.suppress(PyMongoError):
                session.end_session()
