"""Records on agencies' inbound topics: wild headers, keys, values and timestamps, and after them an honest record."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Broken, Fuzzer
from tests.fuzz.requests import shown, smaller_bodies
from tests.fuzz.topics import Headers, Published, Replies, Writer
from tests.fuzz.world import OTHER_REFERRER, REFERRER, World, referral
from tests.support.bad_input import inbound_faults
from tools.contracts.inbound import referral_schema

AGENCIES = (REFERRER.organisation, OTHER_REFERRER.organisation)
SOMEBODY = "h-" + "8" * 26
"""Stands in a record for a person who is registered as it is sent: nobody is referred to a programme twice."""
ANSWERED_SECONDS = 20.0
HEADERS_SHOWN = 8
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
GOOD: Headers = (("traceparent", TRACE),)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an agency. good: whether its value is a referral that must be taken, whatever stands around it."""

    agency: str
    value: bytes | None
    good: bool = False
    key: bytes | None = None
    headers: Headers = ()
    timestamp: int | None = None

    def simpler(self) -> Iterator[Record]:
        """Without one header, without key or timestamp, with less in its value."""
        for at in range(len(self.headers)):
            yield replace(self, headers=self.headers[:at] + self.headers[at + 1 :])
        if self.key is not None:
            yield replace(self, key=None)
        if self.timestamp is not None:
            yield replace(self, timestamp=None)
        if self.value:
            yield from (replace(self, value=less, good=False) for less in smaller_bodies(self.value))

    def __str__(self) -> str:
        value = None if self.value is None else shown(self.value)
        key = None if self.key is None else shown(self.key)
        said = [
            (name if len(name) < 80 else f"{name[:80]!r}…", _short(value)) for name, value in self.headers
        ]
        more = f" and {len(said) - HEADERS_SHOWN} more" if len(said) > HEADERS_SHOWN else ""
        return (
            f"inbound.{self.agency}.referrals.v1 headers={said[:HEADERS_SHOWN]}{more} key={key} "
            f"timestamp={self.timestamp} value={value}"
        )


def _short(said: bytes | None) -> str:
    return "null" if said is None else shown(said)


class Inbound(Fuzzer[Record]):
    """Every record is answered within seconds, the honest one after it is taken, and nothing else is kept."""

    name: ClassVar[str] = "inbound"
    batch: ClassVar[int] = 12

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._writers: dict[str, Writer] = {}
        self._schema = referral_schema()
        self._taken: set[str] = set()
        self._replies: Replies | None = None

    def prepare(self) -> None:
        """Each agency's clients of Kafka."""
        self._writers = {agency: Writer(self.world.stack, agency) for agency in AGENCIES}
        self._replies = Replies(self.world.stack, AGENCIES)
        self._taken = self._stored()

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Record]:
        """What ended the consumer, and headers like it."""
        agency = AGENCIES[1]
        headers: list[Headers] = [
            (("traceparent", None),),
            (("\udcff\udcfe", b"x"),),
            (("", b""),),
            (("traceparent", b"\xff\xfe"),),
            (("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00"),),
            (("traceparent", b"x" * 100_000),),
            tuple((f"h{number}", b"x") for number in range(1000)),
            (("traceparent", TRACE), ("traceparent", None)),
            (("ce_type", None), ("ce_id", b"\x00"), ("content-type", b"text/html")),
        ]
        return [
            *(Record(agency, b"{}", headers=one) for one in headers),
            *(replace(self._honest(agency), headers=one) for one in headers),
            Record(agency, None),
            Record(agency, None, headers=(("traceparent", None),), key=b"\xff" * 1000),
            replace(self._honest(agency), timestamp=0),
            replace(self._honest(agency), timestamp=(1 << 62)),
        ]

    def generated(self) -> Record:
        """A referral in two of three, with something odd around it; else a value with something wrong in it."""
        agency = self.chance.choice(AGENCIES)
        record = self._honest(agency)
        if self.chance.random() < 0.35:
            record = replace(record, value=self._wild_value(json.loads(record.value or b"{}")), good=False)
        if self.chance.random() < 0.7:
            count = self.chance.choice((1, 1, 2, 3, 40))
            record = replace(record, headers=tuple(self._header() for _ in range(count)))
        if self.chance.random() < 0.3:
            record = replace(record, key=self._bytes())
        if self.chance.random() < 0.2:
            record = replace(
                record, timestamp=self.chance.choice((0, 1, (1 << 41) - 1, (1 << 53), 1500000000000))
            )
        return record

    def _honest(self, agency: str) -> Record:
        body = referral(self.world, SOMEBODY)
        return Record(agency, json.dumps(body).encode(), good=True, headers=GOOD)

    def _header(self) -> tuple[str, bytes | None]:
        name = self.chance.choice(
            (
                "traceparent",
                "tracestate",
                "ce_id",
                "ce_type",
                "content-type",
                "",
                "\udcff\udcfe",
                "a" * 300,
                "å",
                "\x00",
                "Traceparent",
            )
        )
        value = self.chance.choice((None, b"", TRACE, TRACE[:-1], TRACE.upper(), self._bytes(), b"x" * 5000))
        return name, value

    def _bytes(self) -> bytes:
        return self.chance.randbytes(self.chance.choice((0, 1, 7, 300)))

    def _wild_value(self, body: Mapping[str, Any]) -> bytes | None:
        makes: Sequence[Callable[[], bytes | None]] = (
            lambda: None,
            self._bytes,
            lambda: self.chance.choice(list(inbound_faults(self._schema, body)))[1],
            lambda: b'{"a":' * 5000,
            lambda: json.dumps({**body, "n": 10**400}).encode(),
            lambda: json.dumps({**body, "reference": "\ud800"}).encode(),
            lambda: json.dumps({"\ud800": body}).encode(),
            lambda: b"1\n" * 30_000,
            lambda: b"," * 60_000,
            lambda: json.dumps({str(number): "" for number in range(8000)}).encode(),
            lambda: b" " * 900_000,
        )
        return self.chance.choice(makes)()

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Record]) -> Outcome:
        """Publish them and an honest record of each agency after them; await an answer to each."""
        outcome = Outcome()
        after = [self._honest(agency) for agency in AGENCIES]
        sent = [(one, self._publish(one)) for one in (*trials, *after)]
        waited = self._await([place for _, place in sent if place])
        for record, place in sent:
            if place is not None:
                self._judge(record, waited.get(place), outcome)
        self._check_stored(outcome)
        if outcome.failed:
            silent = [record for record, place in sent if place and place not in waited]
            guilty = min(silent, key=after.__contains__)
            said = f"{len(silent)} of {len(sent)} in {ANSWERED_SECONDS:.0f} s"
            outcome.problem("records unanswered", said)
            outcome.problems += self.world.watch.look()
            raise Broken("an inbound record holds up those after it", outcome, guilty)
        return outcome

    def _publish(self, record: Record) -> str | None:
        """Where it came to lie; None where the broker itself would not have it."""
        value = record.value
        if value is not None and SOMEBODY.encode() in value:
            (who,) = [one for one in (REFERRER, OTHER_REFERRER) if one.organisation == record.agency]
            value = value.replace(SOMEBODY.encode(), self.world.register(who).encode())
        placed: Published | None = self._writers[record.agency].send(
            f"inbound.{record.agency}.referrals.v1",
            value,
            record.key,
            record.headers,
            record.timestamp,
        )
        return None if placed is None else f"{placed.topic}:{placed.partition}:{placed.offset}"

    def _await(self, places: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        until = time.monotonic() + ANSWERED_SECONDS
        found: dict[str, Mapping[str, Any]] = {}
        while len(found) < len(places) and time.monotonic() < until:
            answers = self._replies.read() if self._replies else {}
            found |= {place: answers[place] for place in places if place in answers}
        return found

    def _judge(self, record: Record, answer: Mapping[str, Any] | None, outcome: Outcome) -> None:
        if answer is None:
            outcome.failed += 1
            return
        taken = answer["status"] == "accepted"
        outcome.accepted += taken
        outcome.refused += not taken
        if taken:
            self._taken.add(answer["reference"])
        if record.good and not taken and _only_odd_around(record):
            outcome.problem("honest record refused", f"{answer['code']}: {record}")
        if answer.get("code") == "internal":
            outcome.problem("fault of ours on a record", f"{dict(answer)}: {record}")

    def _stored(self) -> set[str]:
        rows = self.world.mongo["intake"]["referrals"].find(
            {"state.reference": {"$exists": True}}, {"state.reference": 1}
        )
        return {row["state"]["reference"] for row in rows}

    def _check_stored(self, outcome: Outcome) -> None:
        extra = self._stored() - self._taken
        if extra:
            outcome.problem(
                "stored from what was refused", f"referrals with the references {sorted(extra)[:5]}"
            )


def _only_odd_around(record: Record) -> bool:
    """Whether the platform must take it: headers it cannot read may be a reason to refuse it."""
    return record.headers == GOOD
