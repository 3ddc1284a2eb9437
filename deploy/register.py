"""Whether a unit takes part, by the register's own log, which is kept whole.

Read with an administrator's credentials, so that no token for intake is needed. It blocks for as long as the log takes:
seconds for 30,000 entries.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.trouble import CannotApply
from shared.language.codec import Undecodable, read_body, read_envelope
from shared.language.events import REGISTER_TOPIC, Organisation
from shared.language.register import Entry, KnownRegister
from shared.language.register_events import EntryFact, entry_of

PATIENCE_MS = 30_000
SOON_SECONDS, AGAIN_SECONDS = 5.0, 0.5
NEXT = "docs/how-to/keep-the-register.md says how it is registered."


def read_register(config: Mapping[str, Any]) -> KnownRegister:
    """Who takes part, as the log says it up to its end. config: kafka-python's client arguments. Raises CannotApply."""
    try:
        return KnownRegister().with_entries(_entries(config))
    except KafkaError as error:
        raise CannotApply(f"the register's log cannot be read: {error!r}") from error


def await_part(config: Mapping[str, Any], unit: Organisation, today: date) -> None:
    """As `check_takes_part`, on the log; what was said of the unit just now may take seconds to be there."""
    until: float | None = None
    while True:
        known = read_register(config)
        # The first reading may itself take longer than what was said just now needs to come.
        until = until or time.monotonic() + SOON_SECONDS
        try:
            return check_takes_part(known, unit, today)
        except CannotApply:
            if time.monotonic() > until:
                raise
        time.sleep(AGAIN_SECONDS)


def check_takes_part(known: KnownRegister, unit: Organisation, today: date) -> None:
    """Raise CannotApply, naming the register's field, unless the unit is there and a member of some programme.

    today: a Swedish calendar day. A unit or a membership that begins later may be prepared for.
    """
    entry = known.unit(unit)
    if entry is None:
        raise CannotApply(f"unit_id: the register holds no unit {unit}. {NEXT}")
    if entry.last_day is not None and entry.last_day < today:
        raise CannotApply(f"last_day: the unit {unit} ended on {entry.last_day}.")
    held = [one for programme in known.programmes_of(unit) for one in known.memberships(unit, programme)]
    if not held:
        raise CannotApply(f"memberships: the unit {unit} is a member of no programme. {NEXT}")
    ended = [one.last_day for one in held if one.last_day is not None and one.last_day < today]
    if len(ended) == len(held):
        raise CannotApply(f"memberships: the last membership of the unit {unit} ended on {max(ended)}.")


def _entries(config: Mapping[str, Any]) -> Iterable[Entry]:
    """The entries as each was said last."""
    newest: dict[str, tuple[int, Entry]] = {}
    for headers, value in _records(config):
        try:
            envelope = read_envelope(headers)
            fact = read_body(envelope.type, value)
        except Undecodable as error:
            raise CannotApply(f"the register's log holds what this version cannot read: {error}") from error
        # What was sent again may stand behind what followed it.
        if isinstance(fact, EntryFact) and newest.get(envelope.subject, (0, None))[0] < envelope.seq:
            newest[envelope.subject] = envelope.seq, entry_of(fact)
    return [entry for _, entry in newest.values()]


def _records(config: Mapping[str, Any]) -> Iterator[tuple[Any, bytes]]:
    consumer = KafkaConsumer(**config, group_id=None, enable_auto_commit=False)
    try:
        places = [
            TopicPartition(REGISTER_TOPIC, one) for one in consumer.partitions_for_topic(REGISTER_TOPIC) or ()
        ]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        while any(consumer.position(place) < end for place, end in ends.items()):
            polled = consumer.poll(timeout_ms=PATIENCE_MS)
            if not polled:
                raise CannotApply("the register's log gives nothing; run the command again")
            for records in polled.values():
                yield from ((record.headers, record.value) for record in records)
    finally:
        consumer.close()
