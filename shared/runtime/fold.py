"""Folding: what a batch of events does to the subjects it speaks of. Knows MongoDB only through the unit.

Per subject and source, events are applied in the order 1, 2, 3 …: at or below what was applied is a duplicate and
skipped; the next one, when everything its emitter had seen has been applied too, is applied; anything else is parked
as `waiting` and drained as soon as what it waits for has come. An event whose fold fails, always in the same way,
is parked as `poison` and blocks its subject, and no other. Where this release cannot read the stored state of a
subject, the subject's events are parked as `unreadable`; they are applied in order once the state can be read.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.language import codec
from shared.language.codec import Envelope, Headers, Undecodable
from shared.language.decision import Fold, Received, Subject
from shared.language.errors import Halt, Unready
from shared.language.events import BY_BODY, BY_NAME, PROGRAMMES_TOPIC, Fact
from shared.language.programmes import ProgrammePublished
from shared.runtime.breaker import Breaker
from shared.runtime.origin import SPEAKERS, check_origin
from shared.runtime.programmes import PublishedProgrammes
from shared.runtime.staged import Held
from shared.runtime.unit import Unit
from shared.telemetry.traces import resume_trace

Read = Callable[[Database[Any], ClientSession, Sequence[Received]], Mapping[Subject, Any]]


@dataclass(frozen=True, slots=True)
class Enrich:
    """What a fold is given from the service's own database beside the event. bodies: the kinds of events that need it.

    read: asked once for all such events of a batch, before the first is folded.
    """

    bodies: frozenset[type[Fact]]
    read: Read


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """One record of the log. readable: False where the library could not read its headers; then there are none.

    gap: no record, but the last of those places before the log's end that hold none to read: what was aborted, or the
    mark that ends a transaction. Nothing is folded, and the group's offset moves past it.
    """

    topic: str
    partition: int
    offset: int
    headers: Headers
    value: bytes
    readable: bool = True
    key: bytes | None = None
    gap: bool = False


def _nothing() -> None:
    """Nothing more is to be done."""


@dataclass(slots=True)
class Tally:
    """What one attempt at a batch came to. `events` are those applied, in order.

    when_durable: called once, when the attempt's transaction has become durable; one that is repeated says nothing.
    """

    events: list[Envelope] = field(default_factory=list)
    duplicate: int = 0
    drained: int = 0
    parked: dict[str, int] = field(default_factory=dict)
    when_durable: Callable[[], None] = _nothing


@dataclass(slots=True)
class _Parked:
    identity: str
    envelope: Envelope
    value: bytes
    document: Mapping[str, Any]


def linked(previous: int, identity: bytes, value: bytes) -> int:
    """The next link of a chain: a signed 64-bit hash of all that was applied before, and of this event after it.

    Two chains are equal only if the same events were applied, each once and in the same order. 0 begins one.
    """
    digest = hashlib.blake2b(previous.to_bytes(8, "big", signed=True), digest_size=8)
    digest.update(identity)
    digest.update(value)
    return int.from_bytes(digest.digest(), "big", signed=True)


def parked_id(*place: object) -> str:
    """What a parked event is called: the same for the same event in the same group, and saying nothing of either."""
    return hashlib.blake2b("|".join(map(str, place)).encode(), digest_size=16).hexdigest()


class Batch:
    """One batch on its way into one unit of work.

    speakers: {topic: the one source that speaks on it}.
    """

    def __init__(
        self,
        unit: Unit,
        database: Database[Any],
        session: ClientSession,
        *,
        group: str,
        own_source: str | None,
        sources: frozenset[str],
        folds: Mapping[type[Fact], Fold],
        programmes: PublishedProgrammes,
        breaker: Breaker,
        enrich: Enrich | None,
        speakers: Mapping[str, str] = SPEAKERS,
    ) -> None:
        self._breaker = breaker.attempt()
        self.tally = Tally(when_durable=self._breaker.keep)
        self._unit = unit
        self._database = database
        self._session = session
        self._group = group
        self._own_source = own_source
        self._sources = sources
        self._folds = {BY_BODY[body].name: fold for body, fold in folds.items()}
        self._programmes = programmes
        self._enrich = enrich
        self._speakers = speakers
        self._parked: defaultdict[Subject, dict[tuple[str, int], _Parked]] = defaultdict(dict)
        self._extras: dict[Subject, Any] = {}

    def fold(self, records: Iterable[Arrived]) -> None:
        """Apply, skip or park every record."""
        events: list[tuple[Envelope, Arrived]] = []
        fresh_programmes: list[str] = []
        for record in records:
            try:
                envelope = codec.read_envelope(record.headers)
                check_origin(record.topic, self._speakers, envelope)
                if record.topic == PROGRAMMES_TOPIC:
                    fresh_programmes.append(self._take_programme(envelope, record))
                else:
                    events.append((envelope, record))
            except Undecodable as error:
                self._park_unreadable(record, str(error))
        woken = self._waiting_for(fresh_programmes)
        subjects = {Subject(envelope.subject) for envelope, _ in events} | woken
        self._unit.load(subjects)
        readable_again = self._load_parked(subjects)
        self._fetch_extras(events)
        for subject in woken | readable_again:
            self._drain(self._unit.held(subject))
        for subject in readable_again:
            self._settle(self._unit.held(subject))
        for envelope, record in events:
            self._one(envelope, record)

    def _take_programme(self, envelope: Envelope, record: Arrived) -> str:
        body = codec.read_body(envelope.type, record.value)
        if not isinstance(body, ProgrammePublished):
            raise Undecodable("No programme is published.")
        if envelope.subject != f"programme/{body.programme.key}":
            raise Undecodable("The header 'ce_subject' names another programme than the body.")
        self._programmes.store(self._unit, body.programme)
        return body.programme.key

    def _waiting_for(self, needs: Sequence[str]) -> set[Subject]:
        if not needs:
            return set()
        condition = {"group": self._group, "needs": {"$in": list(needs)}}
        rows = self._database["parked"].find(condition, {"subject": 1}, session=self._session)
        return {Subject(row["subject"]) for row in rows}

    def _load_parked(self, subjects: Iterable[Subject]) -> set[Subject]:
        """Fetch what is parked of these subjects. Returns those that were unreadable, and can be read now."""
        behind = [subject for subject in subjects if self._unit.held(subject).waits]
        readable_again: set[Subject] = set()
        if not behind:
            return readable_again
        condition = {"group": self._group, "subject": {"$in": behind}}
        for row in self._database["parked"].find(condition, session=self._session):
            envelope = codec.read_envelope([(name, text.encode()) for name, text in row["headers"].items()])
            identity = row.pop("_id")
            self._parked[row["subject"]][envelope.source, envelope.seq] = _Parked(
                identity, envelope, row["value"], row
            )
            if row["reason"] == "unreadable" and not self._unit.held(row["subject"]).unreadable:
                readable_again.add(row["subject"])
        return readable_again

    def _parked_of(self, subject: Subject) -> int:
        """How many events of the subject are parked, as this transaction sees it."""
        condition = {"group": self._group, "subject": subject}
        return self._database["parked"].count_documents(condition, session=self._session)

    def _fetch_extras(self, events: Sequence[tuple[Envelope, Arrived]]) -> None:
        if self._enrich is None:
            return
        wanted = {BY_BODY[body].name for body in self._enrich.bodies}
        waiting = [(row.envelope, row.value) for rows in self._parked.values() for row in rows.values()]
        pairs = [(envelope, record.value) for envelope, record in events] + waiting
        received = []
        for envelope, value in pairs:
            # One whose body cannot be read is parked when its turn comes; it must not hold up the others here.
            with suppress(Undecodable):
                if envelope.type in wanted:
                    received.append(self._received(envelope, codec.read_body(envelope.type, value)))
        if received:
            self._extras = dict(self._enrich.read(self._database, self._session, received))

    def _one(self, envelope: Envelope, record: Arrived) -> None:
        held = self._unit.held(Subject(envelope.subject))
        applied = held.applied.get(envelope.source, 0)
        parked = self._parked[held.subject] if held.waits else {}
        if envelope.seq <= applied or (envelope.source, envelope.seq) in parked:
            self.tally.duplicate += 1
        elif held.unreadable:
            # Counted once per subject: one unreadable state must not halt the group, many in a row must.
            if not any(row.document["reason"] == "unreadable" for row in parked.values()):
                self._breaker.note(True)
            self._park(held, envelope, record, "unreadable", error=held.unreadable)
        elif held.blocked:
            self._park(held, envelope, record, "blocked")
        elif envelope.seq != applied + 1 or not self._met(held, envelope):
            self._park(held, envelope, record, "waiting")
        elif self._apply(held, envelope, record.value, record) and held.waits:
            self._drain(held)

    def _met(self, held: Held, envelope: Envelope) -> bool:
        for source, count in envelope.after.items():
            known = source in self._sources and source != self._own_source
            if known and held.applied.get(source, 0) < count:
                return False
        return True

    def _received(self, envelope: Envelope, body: Fact) -> Received:
        subject = Subject(envelope.subject)
        extra = self._extras.get(subject)
        return Received(subject, envelope.source, envelope.seq, envelope.type, body, envelope.after, extra)  # type: ignore[arg-type]

    def _apply(self, held: Held, envelope: Envelope, value: bytes, record: Arrived | None) -> bool:
        """Fold one event; a record that must wait or is poison is parked. Returns whether the subject moved on."""
        fold = self._folds.get(envelope.type)
        change = None
        try:
            if fold is not None:
                body = codec.read_body(envelope.type, value)
                change = fold(held.state, self._received(envelope, body), self._programmes)
            elif envelope.type not in BY_NAME:
                raise Undecodable(f"The type {envelope.type} is not known to this version.")
        except Unready as unready:
            if record is not None:
                self._park(held, envelope, record, "waiting", needs=unready.needs)
            else:
                self._note_needs(self._parked[held.subject][envelope.source, envelope.seq], unready.needs)
            return False
        except (PyMongoError, Halt):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a fold raises is this event's poison
            self._breaker.note(True)
            held.blocked = held.dirty = True
            reason = f"{type(error).__name__}: {error}"
            if record is not None:
                self._park(held, envelope, record, "poison", error=reason)
            else:
                row = self._parked[held.subject][envelope.source, envelope.seq]
                self._name_anew(row, reason="poison", error=reason)
            return False
        self._breaker.note(False)
        self._advance(held, envelope, value)
        if change is not None:
            resume_trace(envelope.traceparent)
            self._unit.take(held, change)
        self.tally.events.append(envelope)
        return True

    def _advance(self, held: Held, envelope: Envelope, value: bytes) -> None:
        """Count the event as applied."""
        source, seen = envelope.source, held.seen
        held.applied[source] = envelope.seq
        held.chain[source] = linked(held.chain.get(source, 0), envelope.identity, value)
        for other, count in envelope.after.items():
            if seen.get(other, 0) < count:
                seen[other] = count
        if seen.get(source, 0) < envelope.seq:
            seen[source] = envelope.seq
        held.dirty = True

    def _name_anew(self, row: _Parked, **changed: Any) -> None:
        row.document = {**row.document, **changed}
        self._unit.put("parked", row.identity, row.document)

    def _note_needs(self, row: _Parked, needs: str) -> None:
        """A parked event was tried and needs a programme that is not here: its arrival then wakes the event."""
        if row.document.get("needs") != needs:
            self._name_anew(row, reason="waiting", needs=needs)

    def _settle(self, held: Held, at: datetime | None = None) -> None:
        """Events that something else held back are blocked by a poisoned one now, or wait.

        at: from when on they wait, real time, UTC; now where it is None.
        """
        reason, at = "blocked" if held.blocked else "waiting", at or datetime.now(UTC)
        for row in self._parked[held.subject].values():
            if row.document["reason"] in ("blocked", "unreadable") and row.document["reason"] != reason:
                self._name_anew(row, reason=reason, error="", at=at)

    def _drain(self, held: Held) -> None:
        if held.unreadable:
            return
        rows = self._parked[held.subject]
        moved = True
        while moved and rows:
            moved = False
            for slot, row in sorted(rows.items()):
                if held.blocked:
                    return
                applied = held.applied.get(row.envelope.source, 0)
                due = row.envelope.seq == applied + 1 and self._met(held, row.envelope)
                if row.envelope.seq <= applied or (due and self._apply(held, row.envelope, row.value, None)):
                    del rows[slot]
                    held.waits -= 1
                    held.dirty = True
                    self._unit.put("parked", row.identity, None)
                    self.tally.drained += 1
                    moved = True

    def _park(
        self,
        held: Held,
        envelope: Envelope,
        record: Arrived,
        reason: str,
        *,
        needs: str | None = None,
        error: str = "",
    ) -> None:
        """Set the event aside, and touch the state, so that two writers conflict instead of leaving it asleep."""
        identity = parked_id(self._group, envelope.subject, envelope.source, envelope.seq)
        headers = {
            name: (text or b"").decode(errors="replace")
            for name, text in record.headers
            if name in codec.HEADERS
        }
        held.waits += 1
        held.dirty = True
        document = {
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
        self._parked[held.subject][envelope.source, envelope.seq] = _Parked(
            identity, envelope, record.value, document
        )
        self._unit.put("parked", identity, document)
        self.tally.parked[reason] = self.tally.parked.get(reason, 0) + 1

    def set_aside(self, record: Arrived, error: str) -> None:
        """Park one record that can be neither applied nor parked under its subject."""
        self._park_unreadable(record, f"It cannot be handled: {error}.")

    def _park_unreadable(self, record: Arrived, error: str) -> None:
        """Park the record under its own place, never under the subject that it names.

        The breaker does not count it: it says nothing about this version's code, and whoever may write one topic could
        halt every group with a few.
        """
        identity = parked_id(self._group, record.topic, record.partition, record.offset)
        document = {
            "group": self._group,
            "subject": f"unreadable/{record.topic}:{record.partition}:{record.offset}",
            "reason": "poison",
            "error": error if record.readable else "The headers cannot be read.",
            "at": datetime.now(UTC),
        }
        self._unit.put("parked", identity, document)
        self.tally.parked["poison"] = self.tally.parked.get("poison", 0) + 1
