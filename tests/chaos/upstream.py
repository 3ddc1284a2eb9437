"""What the long run's upstream source says: ten million sessions, each known by arithmetic alone.

The source numbers its events on each journey without holes, names the events that it had seen, and can repeat any
part, as a service's outbox can. Chunk n always has the same bytes. So an interrupted feeder gives its chunk again,
and a check afterwards needs only the number of chunks.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.language import codec
from shared.language.events import BY_BODY, JourneyId, Organisation, SessionId, SessionLogged
from tests.chaos.log import link

SOURCE = "activity-tracking"
ROWS = 1000
"""Events of one chunk."""
EACH = 10
"""Of these, on one journey."""
AT_ONCE = ROWS // EACH
MINUTES = 480


def trace_of(seed: str, number: int) -> str:
    """The trace under which chunk `number` is found in the log; the same whoever asks."""
    return f"{random.Random(f'{seed}/chunk/{number}').getrandbits(128) | 1:032x}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A journey that is under way. after: what its start had come after, as its answer's vector said."""

    journey: str
    after: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it goes to Kafka."""

    subject: str
    seq: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes


class Upstream:
    """The source's whole history. journeys: a multiple of AT_ONCE; provider: who says so; at: the business moment."""

    def __init__(self, seed: str, journeys: Sequence[Begun], provider: str, at: datetime) -> None:
        if not journeys or len(journeys) % AT_ONCE:
            raise ValueError(f"{len(journeys)} journeys are no multiple of {AT_ONCE}")
        self._seed = seed
        self._journeys = journeys
        self._provider = Organisation(provider)
        self._at = at
        self._on: date = at.date()

    @property
    def topic(self) -> str:
        """Where it speaks."""
        return BY_BODY[SessionLogged].topic

    @property
    def type(self) -> str:
        """What kind of event all its events are."""
        return BY_BODY[SessionLogged].name

    def chunk(self, number: int) -> Iterator[Said]:
        """The events of one chunk, in order: EACH on AT_ONCE journeys, one after the other and round again."""
        rounds, block = divmod(number, len(self._journeys) // AT_ONCE)
        some = self._journeys[block * AT_ONCE : (block + 1) * AT_ONCE]
        traceparent = f"00-{trace_of(self._seed, number)}-00f067aa0ba902b7-01"
        for seq in range(rounds * EACH + 1, rounds * EACH + EACH + 1):
            for one in some:
                yield self._event(one, seq, traceparent)

    def _event(self, begun: Begun, seq: int, traceparent: str) -> Said:
        subject = f"journey/{begun.journey}"
        chance = zlib.crc32(f"{self._seed}/{subject}/{seq}".encode())
        body = SessionLogged(
            occurred_on=self._on,
            recorded_at=self._at + timedelta(microseconds=seq),
            session=SessionId(f"s-{chance:08x}-{JourneyId(begun.journey)[2:12]}-{seq}"),
            organisation=self._provider,
            activity="work_training",
            attendance="late" if chance % 7 == 0 else "yes",
            minutes=1 + chance % MINUTES,
        )
        kind = codec.event_type(body)
        headers = codec.encode_headers(kind, subject, seq, body.recorded_at, begun.after, traceparent)
        encoded = [(name, text.encode()) for name, text in headers.items()]
        return Said(subject, seq, encoded, codec.encode_body(body))

    def emitted(self, chunks: int) -> dict[tuple[str, str], tuple[int, int]]:
        """{(subject, source): (how many events the first chunks hold, their chain)}: 20 µs an event, and no I/O."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for number in range(chunks):
            for one in self.chunk(number):
                count, chain = found.get((one.subject, SOURCE), (0, 0))
                if one.seq != count + 1:
                    raise AssertionError(f"{one.subject} says {one.seq} after {count}")
                found[one.subject, SOURCE] = one.seq, link(chain, one.headers[1][1], one.value)
        return found
