"""Applying a batch of events to their subjects. MongoDB is reached only through the unit.

A group follows the kinds of subjects on which it folds an event; it passes all others by, and keeps nothing of them.

Per subject and source, events are applied in the order 1, 2, 3 …. A number at or below the last applied one is a
duplicate and is skipped. The next number is applied once everything that its emitter had seen is applied too. Any
other event is parked as `waiting`, and drained as soon as the missing events have arrived.

An event whose fold fails, always in the same way, is parked as `poison` and blocks its own subject only. If this
release cannot read the stored state of a subject, its events are parked as `unreadable`. They are applied in order
once the state can be read.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language import codec
from shared.language.codec import Envelope, Undecodable
from shared.language.decision import Fold, Received, Subject
from shared.language.errors import Halt, Unready
from shared.language.events import BY_BODY, BY_NAME, PROGRAMMES_TOPIC, REGISTER_TOPIC, Fact
from shared.language.programmes import ProgrammePublished
from shared.language.register_events import EntryFact, entry_of
from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of, subject_of_entry
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.collections import Collections
from shared.runtime.origin import SPEAKERS, check_origin
from shared.runtime.parking import Parking
from shared.runtime.published import Published
from shared.runtime.staged import SubjectDocument
from shared.runtime.unit import Unit
from shared.telemetry.traces import resume_trace

Read = Callable[[Collections, ClientSession, Sequence[Received]], Mapping[Subject, Any]]


@dataclass(frozen=True, slots=True)
class Enrich:
    """Data of the service's own database that a fold gets beside the event. bodies: the events that need it.

    read: called once for all such events of a batch, before the first one is applied.
    """

    bodies: frozenset[type[Fact]]
    read: Read


def linked(previous: int, identity: bytes, value: bytes) -> int:
    """The next link of a chain: a signed 64-bit hash of all that was applied before, and of this event after it.

    Two chains are equal only if the same events were applied, each once and in the same order. 0 begins one.
    """
    digest = hashlib.blake2b(previous.to_bytes(8, "big", signed=True), digest_size=8)
    digest.update(identity)
    digest.update(value)
    return int.from_bytes(digest.digest(), "big", signed=True)


def kinds_followed(folds: Iterable[type[Fact]]) -> frozenset[str]:
    """The kinds of subjects that a group with folds for these events follows."""
    return frozenset(BY_BODY[body].subject for body in folds)


def _may_matter(envelope: Envelope, kinds: Collection[str]) -> bool:
    """Whether the event is of a subject of these kinds, as far as this version knows."""
    known = BY_NAME.get(envelope.type)
    return known is None or known.subject in kinds


class Batch:
    """Applies one batch of records in one unit of work.

    speakers: {topic: the one source that speaks on it}.
    """

    def __init__(
        self,
        unit: Unit,
        database: Collections,
        session: ClientSession,
        *,
        group: str,
        own_source: str | None,
        sources: frozenset[str],
        folds: Mapping[type[Fact], Fold],
        published: Published,
        breaker: Breaker,
        enrich: Enrich | None,
        speakers: Mapping[str, str] = SPEAKERS,
    ) -> None:
        self._breaker = breaker.attempt()
        self.tally = Tally(when_durable=self._breaker.keep)
        self._unit = unit
        self._database = database
        self._session = session
        self._heard = sources - {own_source}
        self._folds = {BY_BODY[body].name: fold for body, fold in folds.items()}
        self._published = published
        self._enrich = enrich
        self._speakers = speakers
        self.parking = Parking(unit, database, session, group)
        self._extras: dict[Subject, Any] = {}

    def fold(self, records: Iterable[Arrived]) -> None:
        """Apply, skip or park every record."""
        kinds = kinds_followed(BY_NAME[name].body for name in self._folds)
        events: list[tuple[Envelope, Arrived]] = []
        fresh_programmes: list[str] = []
        for record in records:
            try:
                envelope = codec.read_envelope(record.headers)
                check_origin(record.topic, self._speakers, envelope)
                if record.topic == PROGRAMMES_TOPIC:
                    fresh_programmes.append(self._take_programme(envelope, record))
                elif record.topic == REGISTER_TOPIC:
                    self._take_entry(envelope, record)
                elif _may_matter(envelope, kinds):
                    events.append((envelope, record))
            except Undecodable as error:
                self._park_unreadable(record, str(error))
        woken = self.parking.waiting_for(fresh_programmes)
        subjects = {Subject(envelope.subject) for envelope, _ in events} | woken
        self._unit.load(subjects)
        readable_again = self.parking.load(subjects)
        self._fetch_extras(events)
        for subject in woken | readable_again:
            self.drain(self._unit.held(subject))
        for subject in readable_again:
            self.parking.settle(self._unit.held(subject))
        for envelope, record in events:
            self._one(envelope, record)

    def _take_programme(self, envelope: Envelope, record: Arrived) -> str:
        body = codec.read_body(envelope.type, record.value)
        if not isinstance(body, ProgrammePublished):
            raise Undecodable("No programme is published.")
        if envelope.subject != f"programme/{body.programme.key}":
            raise Undecodable("The header 'ce_subject' names another programme than the body.")
        self._published.programmes.store(self._unit, body.programme)
        return body.programme.key

    def _take_entry(self, envelope: Envelope, record: Arrived) -> None:
        """Keep what the register says of one subject; what came before the last is known already."""
        body = codec.read_body(envelope.type, record.value)
        if not isinstance(body, EntryFact):
            raise Undecodable("No entry of the register is said.")
        entry = entry_of(body)
        if envelope.subject != subject_of_entry(entry):
            raise Undecodable("The header 'ce_subject' names another entry than the body.")
        held = self._unit.row(REGISTER, envelope.subject)
        if held is not None and held["n"] >= envelope.seq:
            self.tally.duplicate += 1
            return
        for row in rows_of(entry, self._unit.row(COUNTS, COUNT), envelope.seq):
            self._unit.put(row.collection, row.key, row.body)

    def _fetch_extras(self, events: Sequence[tuple[Envelope, Arrived]]) -> None:
        if self._enrich is None:
            return
        wanted = {BY_BODY[body].name for body in self._enrich.bodies}
        waiting = [(parked.envelope, parked.value) for parked in self.parking.all_loaded()]
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
        parked = self.parking.of(held.subject) if held.waits else {}
        if envelope.seq <= applied or (envelope.source, envelope.seq) in parked:
            self.tally.duplicate += 1
        elif held.unreadable:
            # Counted once per subject: one unreadable state must not halt the group, many in a row must.
            if not any(one.reason == "unreadable" for one in parked.values()):
                self._breaker.note(True)
            self._park(held, envelope, record, "unreadable", error=held.unreadable)
        elif held.blocked:
            self._park(held, envelope, record, "blocked")
        elif envelope.seq != applied + 1 or not self._met(held, envelope):
            self._park(held, envelope, record, "waiting")
        elif self._apply(held, envelope, record.value, record) and held.waits:
            self.drain(held)

    def _met(self, held: SubjectDocument, envelope: Envelope) -> bool:
        for source, count in envelope.after.items():
            if source in self._heard and held.applied.get(source, 0) < count:
                return False
        return True

    def _received(self, envelope: Envelope, body: Fact) -> Received:
        subject = Subject(envelope.subject)
        extra = self._extras.get(subject)
        return Received(subject, envelope.source, envelope.seq, envelope.type, body, envelope.after, extra)  # type: ignore[arg-type]

    def _apply(self, held: SubjectDocument, envelope: Envelope, value: bytes, record: Arrived | None) -> bool:
        """Fold one event; a record that must wait or is poison is parked. Returns whether the subject moved on."""
        fold = self._folds.get(envelope.type)
        change = None
        try:
            if fold is not None:
                body = codec.read_body(envelope.type, value)
                change = fold(held.state, self._received(envelope, body), self._published.programmes)
            elif envelope.type not in BY_NAME:
                raise Undecodable(f"The type {envelope.type} is not known to this version.")
        except Unready as unready:
            if record is not None:
                self._park(held, envelope, record, "waiting", needs=unready.needs)
            else:
                self._note_needs(held, envelope, unready.needs)
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
                parked = self.parking.of(held.subject)[envelope.source, envelope.seq]
                self.parking.change(parked, reason="poison", error=reason)
            return False
        self._breaker.note(False)
        self.count_as_applied(held, envelope, value)
        if change is not None:
            resume_trace(envelope.traceparent)
            self._unit.take(held, change)
        self.tally.events.append(envelope)
        return True

    def count_as_applied(self, held: SubjectDocument, envelope: Envelope, value: bytes) -> None:
        """Count the event as applied, in the vector and in the chain of its subject."""
        source, seen = envelope.source, held.seen
        held.applied[source] = envelope.seq
        held.chain[source] = linked(held.chain.get(source, 0), envelope.identity, value)
        for other, count in envelope.after.items():
            if seen.get(other, 0) < count:
                seen[other] = count
        if seen.get(source, 0) < envelope.seq:
            seen[source] = envelope.seq
        held.dirty = True

    def _note_needs(self, held: SubjectDocument, envelope: Envelope, needs: str) -> None:
        """A parked event was tried and needs a programme that is not here: its arrival then wakes the event."""
        parked = self.parking.of(held.subject)[envelope.source, envelope.seq]
        if parked.row.get("needs") != needs:
            self.parking.change(parked, reason="waiting", needs=needs)

    def open(self, subject: Subject) -> SubjectDocument:
        """The subject and everything parked of it, for an operator or the healer. Its document will be written.

        The count of parked events is taken anew: a document that was restored by hand may say another number.
        """
        held = self._unit.held(subject)
        held.dirty = True
        held.waits = self.parking.count(subject)
        self.parking.load({subject})
        self._fetch_extras([])
        return held

    def drain(self, held: SubjectDocument) -> None:
        """Apply, in order, every parked event of the subject that can be applied now."""
        if held.unreadable:
            return
        events = self.parking.of(held.subject)
        moved = True
        while moved and events:
            moved = False
            for _, one in sorted(events.items()):
                if held.blocked:
                    return
                applied = held.applied.get(one.envelope.source, 0)
                due = one.envelope.seq == applied + 1 and self._met(held, one.envelope)
                if one.envelope.seq <= applied or (due and self._apply(held, one.envelope, one.value, None)):
                    self.parking.remove(held, one)
                    self.tally.drained += 1
                    moved = True

    def set_aside(self, record: Arrived, error: str) -> None:
        """Park one record that can be neither applied nor parked under its subject."""
        self._park_unreadable(record, f"It cannot be handled: {error}.")

    def _park(
        self,
        held: SubjectDocument,
        envelope: Envelope,
        record: Arrived,
        reason: str,
        *,
        needs: str | None = None,
        error: str = "",
    ) -> None:
        self.parking.park(held, envelope, record, reason, needs=needs, error=error)
        self.tally.parked[reason] = self.tally.parked.get(reason, 0) + 1

    def _park_unreadable(self, record: Arrived, error: str) -> None:
        """Park a record that is no event. The breaker does not count it: it says nothing about this version's code.

        Otherwise any writer of one topic could halt every group with a few such records.
        """
        self.parking.park_unreadable_record(record, error)
        self.tally.parked["poison"] = self.tally.parked.get("poison", 0) + 1
