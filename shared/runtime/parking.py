"""Parked events of one batch: those that cannot be applied yet, by subject, as rows of the collection `parked`.

A row is written in the batch's transaction. Parking touches the subject's document too, so that two writers conflict
instead of one leaving the other's event asleep.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from shared.language import codec
from shared.language.codec import Envelope
from shared.language.decision import Subject
from shared.runtime.arrived import Arrived
from shared.runtime.collections import Collections
from shared.runtime.staged import SubjectDocument
from shared.runtime.unit import Unit


@dataclass(slots=True)
class ParkedEvent:
    """One parked event: the id and the fields of its row, and its decoded content."""

    identity: str
    envelope: Envelope
    value: bytes
    row: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """Why it is parked: waiting, poison, blocked or unreadable."""
        return str(self.row["reason"])


def parked_id(*place: object) -> str:
    """The id of a parked event: the same for the same event in the same group; it tells nothing of either."""
    return hashlib.blake2b("|".join(map(str, place)).encode(), digest_size=16).hexdigest()


class Parking:
    """The parked events of the subjects of one batch, in one group."""

    def __init__(self, unit: Unit, database: Collections, session: ClientSession, group: str) -> None:
        self._unit = unit
        self._database = database
        self._session = session
        self._group = group
        self._events: defaultdict[Subject, dict[tuple[str, int], ParkedEvent]] = defaultdict(dict)

    def load(self, subjects: Iterable[Subject]) -> set[Subject]:
        """Fetch the parked events of these subjects. Returns the subjects that were unreadable and can be read now."""
        behind = [subject for subject in subjects if self._unit.held(subject).waits]
        readable_again: set[Subject] = set()
        if not behind:
            return readable_again
        condition = {"group": self._group, "subject": {"$in": behind}}
        for row in self._database["parked"].find(condition, session=self._session):
            envelope = codec.read_envelope([(name, text.encode()) for name, text in row["headers"].items()])
            identity = row.pop("_id")
            self._events[row["subject"]][envelope.source, envelope.seq] = ParkedEvent(
                identity, envelope, row["value"], row
            )
            if row["reason"] == "unreadable" and not self._unit.held(row["subject"]).unreadable:
                readable_again.add(row["subject"])
        return readable_again

    def of(self, subject: Subject) -> dict[tuple[str, int], ParkedEvent]:
        """{(source, sequence): event}, as loaded and changed in this batch."""
        return self._events[subject]

    def all_loaded(self) -> list[ParkedEvent]:
        """Every parked event that was loaded, of all subjects."""
        return [event for events in self._events.values() for event in events.values()]

    def waiting_for(self, programmes: Sequence[str]) -> set[Subject]:
        """The subjects with events that wait for one of these programme versions."""
        if not programmes:
            return set()
        condition = {"group": self._group, "needs": {"$in": list(programmes)}}
        rows = self._database["parked"].find(condition, {"subject": 1}, session=self._session)
        return {Subject(row["subject"]) for row in rows}

    def count(self, subject: Subject) -> int:
        """The number of parked events of the subject, as this transaction sees it."""
        condition = {"group": self._group, "subject": subject}
        return self._database["parked"].count_documents(condition, session=self._session)

    def park(
        self,
        held: SubjectDocument,
        envelope: Envelope,
        record: Arrived,
        reason: str,
        *,
        needs: str | None = None,
        error: str = "",
    ) -> None:
        """Park the event, and touch its subject's document."""
        identity = parked_id(self._group, envelope.subject, envelope.source, envelope.seq)
        headers = {
            name: (text or b"").decode(errors="replace")
            for name, text in record.headers
            if name in codec.HEADERS
        }
        held.waits += 1
        held.dirty = True
        row = {
            "group": self._group,
            "subject": envelope.subject,
            "source": envelope.source,
            "seq": envelope.seq,
            "type": envelope.type,
            "reason": reason,
            "headers": headers,
            "value": record.value,
            "error": error,
            "at": datetime.now(UTC),
        } | ({"needs": needs} if needs else {})
        self._events[held.subject][envelope.source, envelope.seq] = ParkedEvent(
            identity, envelope, record.value, row
        )
        self._unit.put("parked", identity, row)

    def park_unreadable_record(self, record: Arrived, error: str) -> None:
        """Park a record that is no event under its own place in the log, never under the subject that it names."""
        identity = parked_id(self._group, record.topic, record.partition, record.offset)
        row = {
            "group": self._group,
            "subject": f"unreadable/{record.topic}:{record.partition}:{record.offset}",
            "reason": "poison",
            "error": error if record.readable else "The headers cannot be read.",
            "at": datetime.now(UTC),
        }
        self._unit.put("parked", identity, row)

    def change(self, event: ParkedEvent, **changed: Any) -> None:
        """Change fields of the event's row."""
        event.row = {**event.row, **changed}
        self._unit.put("parked", event.identity, event.row)

    def settle(self, held: SubjectDocument, at: datetime | None = None) -> None:
        """Name the reason anew where something else held the events back: blocked by a poison event, or waiting.

        at: from when on they wait, real time, UTC; now where it is None.
        """
        reason, at = "blocked" if held.blocked else "waiting", at or datetime.now(UTC)
        for event in self._events[held.subject].values():
            if event.reason in ("blocked", "unreadable") and event.reason != reason:
                self.change(event, reason=reason, error="", at=at)

    def remove(self, held: SubjectDocument, event: ParkedEvent) -> None:
        """Remove the row: the event was applied, or counted as applied."""
        del self._events[held.subject][event.envelope.source, event.envelope.seq]
        held.waits -= 1
        held.dirty = True
        self._unit.put("parked", event.identity, None)
