"""Records on journey topics, written with a service's own password, that say what only another service may say."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from shared.language.events import BY_NAME, CONTROL_TOPIC, PROGRAMMES_TOPIC, SOURCES, TOPICS
from shared.runtime.kafka import API_VERSION
from tests.chaos.awaiting import TimedOut, until
from tests.chaos.backlog import Backlog
from tests.chaos.observe import CONSUMING
from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Broken, Fuzzer
from tests.fuzz.requests import shown
from tests.fuzz.topics import Headers, Writer
from tests.fuzz.world import World

EXAMPLES = Path(__file__).parents[2] / "shared" / "language" / "examples"
DRAINED_SECONDS = 25.0
HONEST = ("referral-received", "referral-accepted", "journey-started")
"""What intake says in turn of a journey that it alone knows: its own to say, and applied by all others."""
VICTIMS = ("received", "accepted", "started", "offered")
ID_SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"
NO_SOURCES = ("$where", "a.b", "", "INTAKE", "intake\x00")
NO_SUBJECTS = ("programme/coactive@1", "", "participant/p-x", "$a/b.c", "journey/")
ODD_PASTS = ("intake=999", "$where=1", "a.b=1", "=", "intake=x", "intake=-1")
ODD_COUNTS = ("0", "-1", "1e3", "9" * 30, "", " 1")
ODD_HEADERS: Sequence[tuple[str, bytes | None]] = (
    ("traceparent", None),
    ("\udcff\udcfe", b"x"),
    ("", b""),
    ("ce_type", None),
    ("ce_source", b"\xff"),
)
MOVES = ("_id", "v", "rev", "at")
"""What of a state's document is not the state."""


@dataclass(frozen=True, slots=True)
class Said:
    """One record of a service. honest: whether it is the service's own to say, and next in turn."""

    principal: str
    topic: str
    headers: Headers
    value: bytes
    key: bytes
    honest: bool = False
    subject: str = ""

    def simpler(self) -> Iterator[Said]:
        """Without one header."""
        for at in range(len(self.headers)):
            yield replace(self, headers=self.headers[:at] + self.headers[at + 1 :])

    def __str__(self) -> str:
        said = [f"{name}={'null' if value is None else shown(value)}" for name, value in self.headers]
        return f"{self.principal} on {self.topic}: {', '.join(said)} {shown(self.value)}"


class Spoofing(Fuzzer[Said]):
    """No service speaks for another, no record stops a group, and what is rightly said is applied by all."""

    name: ClassVar[str] = "spoofing"
    batch: ClassVar[int] = 12

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._examples = _examples()
        self._victims = [f"journey/{world.at(stage).journey}" for stage in VICTIMS]
        self._told: tuple[str, int] = ("", 0)
        self._writers: dict[str, Writer] = {}
        self._before: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._backlog = Backlog(world.mongo, {**world.stack.kafka_admin_config(), "api_version": API_VERSION})

    def prepare(self) -> None:
        """Each service's client of Kafka, and the victims as they are when all has been read."""
        self._writers = {source: Writer(self.world.stack, source) for source in SOURCES}
        self._await_drained("before anything was forged")
        self._before = self._documents()

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Said]:
        """Another service's event, and sources that are none, each followed by honest records."""
        found = []
        for victim in self._victims[1:3]:
            started = self._event("handover", victim, "journey.intake.journey-started.v1", "intake")
            found += [started, *self._honest_row()]
            for source in ("$where", "a.b", "", "handover"):
                found += [
                    replace(started, headers=_with(started.headers, "ce_source", source)),
                    self._honest(),
                ]
        handed = self._event(
            "activity-tracking", self._victims[3], "journey.handover.handover-accepted.v1", "handover"
        )
        consent = self._event("outcome", self._victims[1], "journey.intake.consent-given.v1", "intake")
        return [*found, handed, *self._honest_row(), consent, *self._honest_row()]

    def generated(self) -> Said:
        """An honest record in two of five; else one with a wrong source, type, topic or subject, and often more."""
        if self.chance.random() < 0.45:
            return self._honest()
        principal = self.chance.choice(SOURCES)
        kind = self.chance.choice(sorted(self._examples))
        source = self.chance.choice((*SOURCES, _source_of(kind), _source_of(kind), *NO_SOURCES))
        if principal == source == _source_of(kind):
            # Its own to say, true or not: nobody else can know.
            source = self.chance.choice([one for one in (*SOURCES, *NO_SOURCES) if one != principal])
        subject = self.chance.choice((*self._victims, *self._victims, self._stranger(), *NO_SUBJECTS))
        said = self._event(principal, subject, kind, source)
        change = self.chance.random()
        if change < 0.25:
            return replace(said, headers=_with(said.headers, "ce_after", self.chance.choice(ODD_PASTS)))
        if change < 0.35:
            return replace(said, headers=_with(said.headers, "ce_sequence", self.chance.choice(ODD_COUNTS)))
        if change < 0.5:
            return replace(said, headers=(*said.headers, self.chance.choice(ODD_HEADERS)))
        if change < 0.6:
            return replace(
                said, topic=self.chance.choice((CONTROL_TOPIC, PROGRAMMES_TOPIC, TOPICS["intake"]))
            )
        if change < 0.7:
            values = (b"", b"{", b"null", b"[" * 10_000, self.chance.randbytes(50))
            return replace(said, value=self.chance.choice(values))
        return said

    def _stranger(self) -> str:
        return "journey/j-" + "".join(self.chance.choices(ID_SIGNS, k=26))

    def _honest_row(self) -> list[Said]:
        return [self._honest() for _ in HONEST]

    def _honest(self) -> Said:
        subject, count = self._told
        if count in (0, len(HONEST)):
            subject, count = self._stranger(), 0
        self._told = subject, count + 1
        said = self._event("intake", subject, f"journey.intake.{HONEST[count]}.v1", "intake", count + 1)
        return replace(said, honest=True)

    def _event(self, principal: str, subject: str, kind: str, source: str, seq: int = 0) -> Said:
        """An event as its example, about that subject, next in the turn of its victim where it has one."""
        body = self._examples[kind]
        seq = seq or self._next(subject, source)
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"{source}:{subject}:{seq}",
            "ce_source": source,
            "ce_type": kind,
            "ce_subject": subject,
            "ce_time": "2017-08-01T08:00:00+00:00",
            "ce_sequence": str(seq),
            "ce_after": "",
            "traceparent": f"00-{self.chance.getrandbits(128):032x}-00f067aa0ba902b7-01",
            "content-type": "application/json",
        }
        return Said(
            principal, TOPICS[principal], tuple((name, text.encode()) for name, text in headers.items()),  # type: ignore[index]
            json.dumps(body).encode(), subject.encode(), subject=subject,
        )  # fmt: skip

    def _next(self, subject: str, source: str) -> int:
        documents = (
            [self._before.get((one.group, subject)) for one in CONSUMING] if subject in self._victims else []
        )
        return max(((document or {}).get("in", {}).get(source, 0) for document in documents), default=0) + 1

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Said]) -> Outcome:
        """Publish them in turn, wait until every group has read them, and look at the states."""
        outcome = Outcome()
        refused = 0
        for said in trials:
            placed = self._writers[said.principal].send(said.topic, said.value, said.key, said.headers)
            refused += placed is None
        if not self._await_drained("the forged records read", outcome):
            outcome.problems += self.world.watch.look()
            forged = [one for one in trials if not one.honest]
            raise Broken(
                "a record on a journey topic holds up those after it", outcome, (forged or list(trials))[0]
            )
        honest = [one for one in trials if one.honest]
        applied = self._applied(honest, outcome)
        outcome.accepted += applied
        outcome.refused += len(trials) - len(honest)
        outcome.failed += len(honest) - applied
        self._check_victims(outcome)
        self._check_strangers([one for one in trials if not one.honest], outcome)
        return outcome

    def _await_drained(self, what: str, outcome: Outcome | None = None) -> bool:
        ends = until(self._backlog.ends, "the ends of the log")
        try:
            until(lambda: not any(self._backlog.lag(ends).values()), what, DRAINED_SECONDS, pause=0.05)
        except TimedOut:
            if outcome is None:
                raise
            lag = {group: count for group, count in self._backlog.lag(ends).items() if count}
            outcome.problem("records hold up a group", f"unread after {DRAINED_SECONDS:.0f} s: {lag}")
            return False
        return True

    def _documents(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for one in CONSUMING:
            for row in self.world.mongo[one.database][one.collection].find({"_id": {"$in": self._victims}}):
                kept = {name: value for name, value in row.items() if name not in MOVES}
                found[one.group, row["_id"]] = kept
        return found

    def _check_victims(self, outcome: Outcome) -> None:
        now = self._documents()
        for place, before in self._before.items():
            after = now.get(place, {})
            changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
            if changed:
                seen = {name: (before.get(name), after.get(name)) for name in sorted(changed)}
                outcome.problem(f"a service spoke for another in {place[0]}", f"{place[1]}: {seen}")
        self._before = now

    def _check_strangers(self, forged: Sequence[Said], outcome: Outcome) -> None:
        """Nothing may be known of a subject of which only others than its source have spoken."""
        for said in forged:
            told = dict(said.headers).get("ce_source") or b""
            for one in CONSUMING:
                row = self.world.mongo[one.database][one.collection].find_one(
                    {"_id": said.subject}, {"in": 1}
                )
                foreign = {*(row or {}).get("in", {})} - {said.principal}
                if said.subject not in self._victims and foreign and told.decode(errors="replace") in foreign:
                    outcome.problem(
                        "a service spoke for another", f"{said.subject} in {one.group}: {foreign}"
                    )

    def _applied(self, honest: Sequence[Said], outcome: Outcome) -> int:
        """How many of the honest records all other groups have applied."""
        count = 0
        for said in honest:
            seq = int((dict(said.headers)["ce_sequence"] or b"0").decode())
            late = []
            for one in CONSUMING:
                row = self.world.mongo[one.database][one.collection].find_one(
                    {"_id": said.subject}, {"in": 1}
                )
                if one.own != "intake" and ((row or {}).get("in") or {}).get("intake", 0) < seq:
                    late.append(one.group)
            count += not late
            if late:
                outcome.problem("an honest record not applied", f"{said.subject} {seq} in {late}")
        return count


def _with(headers: Headers, name: str, text: str) -> Headers:
    return tuple((one, text.encode() if one == name else value) for one, value in headers)


def _source_of(kind: str) -> str:
    return kind.split(".")[1]


def _examples() -> dict[str, Mapping[str, Any]]:
    """{event type: the body of its first example}, of those about journeys."""
    found = {}
    for file in sorted(EXAMPLES.glob("*/1.json")):
        example = json.loads(file.read_text(encoding="utf-8"))
        if file.parent.name in BY_NAME and example["headers"]["ce_subject"].startswith("journey/"):
            found[file.parent.name] = example["body"]
    return found
