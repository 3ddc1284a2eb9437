"""Replaying and skipping parked events of one subject, by the same rules as for events that arrive."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from shared.language.decision import Subject, kind_of
from shared.language.errors import Conflict, StateUnreadable, Unknown
from shared.runtime.breaker import Breaker
from shared.runtime.fold import Batch
from shared.runtime.groups import Group
from shared.runtime.parts import Parts, batch_of
from shared.runtime.transaction import transact


class ByHand(Batch):
    """Replays or skips the parked events of one subject, inside one unit of work; the caller flushes."""

    def replay(self, subject: Subject, at: datetime) -> None:
        """Apply the subject's parked events in order, as far as possible. An event that fails again stays poison.

        at: from when on the remaining events wait, real time, UTC. Does nothing while the subject's state cannot be
        read.
        """
        held = self.open(subject)
        if held.unreadable:
            return
        held.blocked = False
        self.drain(held)
        self.parking.settle(held, at)

    def apply_ready(self, subject: Subject) -> None:
        """Apply the ready events of a subject that no poison event blocks."""
        held = self.open(subject)
        if held.unreadable:
            return
        self.drain(held)
        self.parking.settle(held)

    def skip(self, subject: Subject, source: str, seq: int, at: datetime) -> None:
        """Count that event as applied, without its effect; then apply what waited behind it.

        Raises Conflict when an earlier event of the same source is still to come: it would be skipped too, unseen;
        Unknown, StateUnreadable.
        """
        held = self.open(subject)
        if held.unreadable:
            raise StateUnreadable(kind_of(subject), held.unreadable)
        skipped = self.parking.of(subject).get((source, seq))
        if skipped is None:
            raise Unknown("event that this subject waits behind")
        applied = held.applied.get(source, 0)
        if seq > applied + 1:
            raise Conflict("earlier-event-first", f"Of {source}, {applied + 1} comes before {seq}.")
        if seq == applied + 1:
            self.count_as_applied(held, skipped.envelope, skipped.value)
        self.parking.remove(held, skipped)
        held.blocked = any(one.reason == "poison" for one in self.parking.of(subject).values())
        self.drain(held)
        self.parking.settle(held, at)


def drained(parts: Parts, group: Group, subject: Subject) -> int:
    """Apply the subject's ready events in a transaction of its own. Returns how many. Raises Busy."""

    def work(session: ClientSession) -> int:
        unit, batch = batch_of(parts, group, session, Breaker(), ByHand)
        batch.apply_ready(subject)
        unit.flush()
        return len(batch.tally.events)

    return transact(parts.client, work)


def passed_over(parts: Parts, group: Group, row: Mapping[str, Any], at: datetime) -> None:
    """Count a parked event of the group as applied, without its effect, in a transaction of its own.

    Raises Conflict when an earlier one of its source has to come first, Unknown when it is parked no more, Busy.
    """

    def work(session: ClientSession) -> None:
        if not row.get("source"):
            parts.client[parts.service.database]["parked"].delete_one({"_id": row["_id"]}, session=session)
            return
        unit, batch = batch_of(parts, group, session, Breaker(), ByHand)
        batch.skip(Subject(row["subject"]), row["source"], row["seq"], at)
        unit.flush()

    transact(parts.client, work)
