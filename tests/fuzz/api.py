"""A walk through the four services' operations with real ids, as people of every part, and sometimes wrongly."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote

from tests.fuzz.files import NDJSON
from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.requests import Request
from tests.fuzz.routes import NEVER, Known, Operation, all_operations, baseline
from tests.fuzz.wire import NoAnswer, Reply, Sent, encoded
from tests.fuzz.world import DATABASES, EVERYBODY, OPERATOR, REFERRER, Journey, Who, World
from tests.support.bad_input import faults

ODD_TEXTS: Sequence[Any] = (
    "",
    "x",
    "\x00",
    "\u202e",
    "\ud800",
    "å" * 300,
    "x" * 100_000,
    "$where",
    "a.b",
    "../..",
    "%00",
    "'",
    "0",
    "-1",
    str(1 << 63),
    str(1 << 64),
    "9" * 400,
    "1e999",
    "NaN",
    "null",
    "true",
    "2017-02-30",
    "9999-12-31",
)
ODD_VALUES: Sequence[Any] = (
    *ODD_TEXTS,
    None,
    True,
    0,
    -1,
    1 << 63,
    10**400,
    1.5,
    [],
    {},
    [[]],
    {"$gt": ""},
    {"a": {"a": {}}},
    [None] * 500,
)
ODD_HEADERS: Sequence[tuple[str, str]] = (
    ("Journey-Vector", "intake=999999"),
    ("Journey-Vector", "intake=-1"),
    ("Journey-Vector", "$where=1"),
    ("Journey-Vector", "=," * 2000),
    ("Journey-Vector", "intake=" + "9" * 400),
    ("If-Match", '"999999999"'),
    ("If-Match", "*"),
    ("If-Match", 'W/"1"'),
    ("Content-Type", "text/html"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Encoding", "gzip"),
    ("Accept", "x" * 3000),
    ("Expect", "100-continue"),
    ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
    ("traceparent", "\xff" * 60),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Host", "evil.example"),
    ("Cookie", "page_session=x; " * 200),
    ("Purpose", "\xff\x00"),
    ("Range", "bytes=0-1"),
    ("Upgrade", "h2c"),
)
FILES = frozenset({"log_sessions", "import_units", "mark_stretches"})
"""Operations that take files of rows."""
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "X000001", "get")


@dataclass(frozen=True, slots=True)
class Call(Request):
    """One request of the walk. journey: which one it is about; trace: by which its effects are known."""

    operation: str = ""
    journey: Journey | None = None
    trace: str = ""


class Api(Fuzzer[Call]):
    """Never a fault of ours, always a problem document, and nothing stored from what was refused."""

    name: ClassVar[str] = "api"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._operations = [one for one in all_operations() if one.path != "/clock"]
        self._own = [one for one in self._operations if one.action != "operate" and one.method != "GET"]
        self._known = Known({})
        self._refused: set[str] = set()
        self._count: dict[str, int] = {}

    def prepare(self) -> None:
        """How many commands each service keeps before."""
        self._count = {name: self._commands(name) for name in DATABASES}

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Call]:
        """What was a fault of ours: a lone surrogate in a name, a cursor beyond 63 bits, methods without end."""
        found = []
        for name, contact in (
            ("\ud800", None),
            ("Kim", {"phone": "\udfff"}),
            ("\x00", None),
            ("Kim\u202e", None),
        ):
            body = {"name": name, "personnummer": None, "contact": contact}
            found.append(
                self._call(
                    self._named("register_participant"),
                    REFERRER,
                    json.dumps(body).encode(),
                    Journey("", REFERRER),
                )
            )
        journey = self.world.at("started")
        for cursor in (1 << 63, (1 << 63) - 1, -1):
            call = self._call(self._named("list_sessions"), journey.responsible, b"", journey)
            found.append(
                replace(call, sent=replace(call.sent, target=call.sent.target + b"?cursor=%d" % cursor))
            )
        for method in (b"X000001", b"DELETE", b"HEAD"):
            call = self._call(self._named("list_programmes"), REFERRER, b"", journey)
            found.append(
                replace(call, route="/programmes by an odd method", sent=replace(call.sent, method=method))
            )
        long = self._call(self._named("list_programmes"), REFERRER, b"", journey)
        found.append(replace(long, route="a long target", sent=replace(long.sent, target=b"/" + b"x" * 9000)))
        return found

    def _named(self, identity: str) -> Operation:
        return next(one for one in self._operations if one.identity == identity)

    def generated(self) -> Call:
        """The next step of some journey by whom it takes, in three of five; else any operation, with something odd."""
        chance = self.chance.random()
        if chance < 0.6:
            return self._step(self._possible() if chance < 0.45 else self.chance.choice(self._operations))
        by = self.chance.choice(EVERYBODY) if chance < 0.75 else None
        call = self._step(self.chance.choice(self._operations), by)
        return call if chance < 0.72 else self._odd(call)

    def _possible(self) -> Operation:
        """A change for which there is a journey at the right stage."""
        stages = {one.stage for one in self.world.journeys}
        return self.chance.choice(
            [one for one in self._own if not one.needs.stages or stages.intersection(one.needs.stages)]
        )

    def _step(self, operation: Operation, by: Who | None = None) -> Call:
        """The operation as it would succeed, where there is a journey for it."""
        needs = operation.needs
        fitting = [one for one in self.world.journeys if one.stage in needs.stages]
        journey = self.chance.choice(fitting or self.world.journeys)
        may = journey.responsible if isinstance(needs.by, str) else needs.by
        who = by or (may if operation.identity not in NEVER else REFERRER)
        if operation.identity in NEVER and who == OPERATOR:
            who = REFERRER
        made = baseline(self.world, operation, journey, self._known)
        body = made.text or (json.dumps(made.body).encode() if operation.method != "GET" else b"")
        return self._call(operation, who, body, journey, made.path, made.headers)

    def _call(
        self,
        operation: Operation,
        who: Who,
        body: bytes,
        journey: Journey,
        path: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Call:
        trace = f"{self.chance.getrandbits(128):032x}"
        where = {"journeyId": journey.journey, **(path or {})}
        target = operation.path.format_map(
            defaultdict(lambda: "0", {name: quote(value, safe="") for name, value in where.items()})
        )
        headers = {
            "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
            "Purpose": "to plan a meeting",
            **(more or {}),
        }
        if operation.method != "GET":
            media = NDJSON if operation.identity in FILES else "application/json"
            headers |= {"Content-Type": media, "Idempotency-Key": self.world.name()}
        if journey.seen and "{journeyId}" in operation.path and self.chance.random() < 0.8:
            headers["Journey-Vector"] = ", ".join(
                f"{source}={count}" for source, count in journey.seen.items()
            )
        headers["Authorization"] = f"Bearer {self.world.token(who)}"
        sent = Sent(operation.method.encode(), target.encode(), encoded(headers), body)
        return Call(
            operation.process,
            f"{operation.method} {operation.path}",
            sent,
            who,
            operation.identity,
            journey,
            trace=trace,
        )

    def _odd(self, call: Call) -> Call:
        """With one thing wrong: in the body, the query, the path, a header or the method."""
        change = self.chance.random()
        operation = self._named(call.operation)
        if change < 0.45 and operation.schema is not None:
            return replace(call, sent=replace(call.sent, body=self._odd_body(operation, call.sent.body)))
        if change < 0.65 and operation.query:
            name, value = self.chance.choice(operation.query), str(self.chance.choice(ODD_TEXTS))
            target = (
                call.sent.target
                + b"?"
                + name.encode()
                + b"="
                + quote(value, errors="surrogatepass", safe="").encode()
            )
            return replace(call, sent=replace(call.sent, target=target))
        if change < 0.75:
            odd = quote(str(self.chance.choice(ODD_TEXTS)), errors="surrogatepass", safe="")[:3000]
            parts = call.sent.target.decode().split("/")
            parts[self.chance.randrange(1, len(parts))] = odd
            return replace(call, sent=replace(call.sent, target="/".join(parts).encode()))
        if change < 0.92:
            name, value = self.chance.choice(ODD_HEADERS)
            kept = tuple(one for one in call.sent.headers if one[0].lower() != name.lower().encode())
            return replace(call, sent=replace(call.sent, headers=(*kept, *encoded([(name, value)]))))
        return replace(call, sent=replace(call.sent, method=self.chance.choice(METHODS).encode()))

    def _odd_body(self, operation: Operation, body: bytes) -> bytes:
        assert operation.schema is not None
        fields = json.loads(body or b"{}")
        if self.chance.random() < 0.5 or not fields:
            wrong = list(faults(operation.schema, operation.document, fields))
            return json.dumps(self.chance.choice(wrong).body if wrong else {}).encode()
        fields[self.chance.choice(list(fields))] = self.chance.choice(ODD_VALUES)
        return json.dumps(fields).encode()

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Call]) -> Outcome:
        """Make each call, learn from its answer, and see that a refused one stored nothing."""
        outcome = Outcome()
        for call in trials:
            self._attempt(call, outcome)
        return outcome

    def _attempt(self, call: Call, outcome: Outcome) -> None:
        try:
            reply = self.world.patiently(lambda: self.world.send(call.process, call.sent), ("busy",))
        except NoAnswer as silent:
            outcome.failed += 1
            outcome.problem(f"no answer of {call.route}", str(silent))
            return
        judge(reply, call.route, outcome, has_body=call.sent.method != b"HEAD")
        database = call.process.removesuffix("-web").replace("-", "_")
        count = self._commands(database)
        if reply.status < 400:
            self._learn(call, reply)
        elif call.trace:
            self._refused.add(call.trace)
            if count != self._count[database]:
                outcome.problem(
                    f"stored from what was refused: {call.route}", f"{reply.status}, a command more"
                )
        self._count[database] = count

    def _learn(self, call: Call, reply: Reply) -> None:
        journey = call.journey
        if journey is None:
            return
        answer = reply.json if isinstance(reply.json, dict) else {}
        if call.operation == "register_participant" and reply.status == 201:
            self.world.journeys.append(Journey(answer["participant_id"], REFERRER))
            return
        self._known.learn(journey.journey, answer)
        if "{journeyId}" in call.route or call.operation == "refer":
            self._see(journey, reply.headers.get("journey-vector", ""))
        becomes = self._named(call.operation).needs.becomes
        if call.sent.method != b"POST" or not becomes:
            return
        journey.stage = becomes
        journey.journey = journey.journey or str(answer.get("journey_id", ""))
        journey.handover = str(answer.get("handover_id", journey.handover))
        if call.operation == "accept_handover" and call.who is not None:
            journey.responsible = call.who

    @staticmethod
    def _see(journey: Journey, vector: str) -> None:
        for part in filter(None, vector.split(",")):
            source, _, seq = part.strip().partition("=")
            journey.seen[source] = max(int(seq), journey.seen.get(source, 0))

    def _commands(self, database: str) -> int:
        """How many keyed answers a service keeps; nobody else gives it commands meanwhile."""
        return self.world.mongo[database]["commands"].estimated_document_count()

    def finish(self) -> Outcome:
        """No event may carry the trace of a request that was refused."""
        outcome = Outcome()
        for database in DATABASES:
            for row in self.world.mongo[database]["events"].find(
                {}, {"headers.traceparent": 1, "headers.ce_type": 1}
            ):
                trace = str(row.get("headers", {}).get("traceparent", ""))[3:35]
                if trace in self._refused:
                    outcome.problem("an event from what was refused", f"{database}: {row['headers']}")
        return outcome
