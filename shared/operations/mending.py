"""Operators' acts on parked events: replay, skip, republish. Each is one transaction with its audit row, once per key.

A replay applies events by the group's own rules and writes the subject's own document. So it and the consumer exclude
each other, and the later one sees the earlier one's changes. Nothing here can lose an event. A replay that fails again
leaves the event parked. A skip counts the event as applied, in the vector and in the chain, without its effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pymongo import ASCENDING
from pymongo.client_session import ClientSession

from shared.language.access import Actor
from shared.language.codec import Envelope
from shared.language.decision import Subject
from shared.language.errors import Conflict, Refused, Unknown
from shared.operations.by_hand import ByHand
from shared.operations.parked import scrubbed, shown_subject
from shared.operations.republish import pend_again
from shared.runtime.breaker import Breaker
from shared.runtime.groups import Group
from shared.runtime.ids import random_id
from shared.runtime.parts import Parts, batch_of
from shared.runtime.reads import OPERATORS, audit_database
from shared.runtime.transaction import transact
from shared.telemetry.traces import own_trace

SECONDS = 30.0

Applied = list[tuple[str, Envelope]]
"""The events that one attempt has applied, each with its group."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's order: person, reason and idempotency key.

    fingerprint: of the request, to tell a repetition from another order. at: real time, UTC.
    """

    actor: Actor
    reason: str
    key: str
    fingerprint: str
    at: datetime


class Mending:
    """Mends the parked events of one service's groups. Threads share it."""

    def __init__(self, parts: Parts, groups: Mapping[str, Group]) -> None:
        self.groups = groups
        self._parts = parts
        self._database = parts.client[parts.service.database]

    # --- what can be done -------------------------------------------------------------------------

    def replay(self, order: Order, parked_id: str) -> dict[str, Any]:
        """Apply the parked events of that event's subject in its group, in order. Returns the outcome.

        Raises Unknown, Conflict for a record that could not be read, Busy.
        """

        def work(session: ClientSession, applied: Applied) -> dict[str, Any]:
            row = self._row(session, parked_id)
            if "headers" not in row:
                raise Conflict(
                    "record-unreadable", "The record has no readable headers; it can only be skipped."
                )
            group, subject = self.groups[row["group"]], Subject(row["subject"])
            came = self._replayed(session, group, subject, order.at, applied)
            return self._told(order, session, "replay", subject, [came])

        return self._once_applying(order, work)

    def replay_subject(self, order: Order, subject: Subject) -> dict[str, Any]:
        """Replay in every group of the service that knows the subject. Raises Unknown, Busy."""

        def work(session: ClientSession, applied: Applied) -> dict[str, Any]:
            known = [group for group in self.groups.values() if self._knows(session, group, subject)]
            if not known:
                raise Unknown("subject here")
            came = [self._replayed(session, group, subject, order.at, applied) for group in known]
            return self._told(order, session, "replay", subject, came)

        return self._once_applying(order, work)

    def skip(self, order: Order, parked_id: str) -> dict[str, Any]:
        """Count one parked event as applied, without its effect, and fold what waited behind it.

        Raises Unknown, Conflict when an earlier one of its source has to come first, Busy.
        """

        def work(session: ClientSession, applied: Applied) -> dict[str, Any]:
            row = self._row(session, parked_id)
            subject = Subject(row["subject"])
            if "headers" not in row:
                self._database["parked"].delete_one({"_id": parked_id}, session=session)
                return self._told(order, session, "skip", subject, [], parked_id)
            group = self.groups[row["group"]]
            unit, batch = batch_of(self._parts, group, session, Breaker(), ByHand)
            with own_trace():
                batch.skip(subject, row["source"], row["seq"], order.at)
                unit.flush()
            came = self._came_to(session, group, batch, subject, applied)
            return self._told(order, session, "skip", subject, [came], parked_id)

        return self._once_applying(order, work)

    def republish(self, order: Order, subject: Subject, from_seq: int) -> dict[str, Any]:
        """Send the subject's events from the archive again, in order, at most 1,000 of them; receivers skip duplicates.

        Raises Unknown when the archive has none from there on, Busy.
        """

        def work(session: ClientSession) -> dict[str, Any]:
            sent = pend_again(self._database, session, subject, from_seq, at=order.at)
            if sent is None:
                raise Unknown("event in the archive")
            came = {"events": sent.count, "from_seq": sent.first, "to_seq": sent.last, "more": sent.more}
            self.audit(order, session, "republish", subject, came)
            return {"subject": shown_subject(subject), **came}

        return self.once(order, work)

    # --- how --------------------------------------------------------------------------------------

    def once(self, order: Order, work: Callable[[ClientSession], dict[str, Any]]) -> dict[str, Any]:
        """Run the work in one transaction, once per key; the same order again gets the same answer. Raises Busy."""
        commands = self._database["commands"]

        def attempt(session: ClientSession) -> dict[str, Any]:
            stored = commands.find_one({"_id": order.key}, session=session)
            if stored is not None:
                if stored["fingerprint"] != order.fingerprint:
                    raise Refused("idempotency-key-reused", "The key was used with another content.")
                answer: dict[str, Any] = stored["body"]
                return answer
            answer = work(session)
            document = {
                "_id": order.key,
                "fingerprint": order.fingerprint,
                "at": order.at,
                "body": answer,
                "vector": {},
                "revision": 0,
                "subject": "",
            }
            commands.insert_one(document, session=session)
            return answer

        return transact(self._parts.client, attempt, seconds=SECONDS)

    def _once_applying(
        self, order: Order, work: Callable[[ClientSession, Applied], dict[str, Any]]
    ) -> dict[str, Any]:
        """The same, for work that applies events; each is logged once it is durable.

        A line is in the operator's trace, with a link to the event's own. Raises Busy.
        """
        applied: Applied = []

        def attempt(session: ClientSession) -> dict[str, Any]:
            applied.clear()
            return work(session, applied)

        answer = self.once(order, attempt)
        for group, event in applied:
            log.info(
                "applied-by-hand",
                group=group,
                subject=shown_subject(event.subject),
                of=event.source,
                seq=event.seq,
                link=event.traceparent[3:35] or None,
            )
        return answer

    def _row(self, session: ClientSession, parked_id: str) -> dict[str, Any]:
        condition = {"_id": parked_id, "group": {"$in": list(self.groups)}}
        row: dict[str, Any] | None = self._database["parked"].find_one(condition, session=session)
        if row is None:
            raise Unknown("parked event")
        return row

    def _knows(self, session: ClientSession, group: Group, subject: Subject) -> bool:
        states = self._database[group.repository.collection]
        return states.find_one({"_id": subject}, {"_id": 1}, session=session) is not None

    def _replayed(
        self, session: ClientSession, group: Group, subject: Subject, at: datetime, applied: Applied
    ) -> dict[str, Any]:
        unit, batch = batch_of(self._parts, group, session, Breaker(), ByHand)
        with own_trace():
            batch.replay(subject, at)
            unit.flush()
        return self._came_to(session, group, batch, subject, applied)

    def _came_to(
        self, session: ClientSession, group: Group, batch: ByHand, subject: Subject, applied: Applied
    ) -> dict[str, Any]:
        """The remaining parked events, as this transaction sees them now."""
        applied += [(group.name, event) for event in batch.tally.events]
        parked, left = self._database["parked"], {"group": group.name, "subject": subject}
        fails = {"$in": ["poison", "unreadable"]}
        poison = parked.find_one(
            {**left, "reason": fails}, sort=[("source", ASCENDING), ("seq", ASCENDING)], session=session
        )
        return {
            "group": group.name,
            "applied": len(batch.tally.events),
            "still_parked": parked.count_documents(left, session=session),
            "fails_at": None
            if poison is None
            else {"source": poison["source"], "seq": poison["seq"], "error": scrubbed(poison["error"])},
        }

    def _told(
        self,
        order: Order,
        session: ClientSession,
        did: str,
        subject: Subject,
        came: list[dict[str, Any]],
        parked_id: str | None = None,
    ) -> dict[str, Any]:
        self.audit(order, session, did, subject, {"groups": came, "parked_id": parked_id})
        return {"subject": shown_subject(subject), "groups": came}

    def audit(
        self, order: Order, session: ClientSession, did: str, subject: str, came_to: Mapping[str, Any]
    ) -> None:
        """Add the audit row, in the transaction of the act."""
        row = {
            "_id": random_id("a"),
            "at": order.at,
            "person": order.actor.person,
            "organisation": order.actor.organisation,
            "did": did,
            "subject": subject,
            "reason": order.reason,
            "came_to": came_to,
        }
        kept = self._parts.client[audit_database(self._parts.service.database)]
        kept[OPERATORS].insert_one(row, session=session)
