"""World: one running stack, its people and organisations, and journeys at every stage, made by public interfaces."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from joserfc import jwt
from pymongo import MongoClient

from tests.fuzz.processes import Watch
from tests.fuzz.wire import Line, NoAnswer, Reply, Sent, encoded
from tools.stack import Stack
from tools.stack.issuer import sign
from tools.stack.settings import AUDIENCE, SERVICES, root_of

NOW = datetime(2017, 9, 1, 10, tzinfo=UTC)
"""The platform's business moment; it stands still."""
TODAY = NOW.date()
DATABASES = tuple(service.replace("-", "_") for service in SERVICES)
BUSY_TRIES = 40
"""How often a caller who is told to come back does."""
LONGEST_WAIT_SECONDS = 5.0
LATER = frozenset({"busy", "not-yet-seen"})


@dataclass(frozen=True, slots=True)
class Who:
    """A caller. person: empty for the first person of that duty."""

    organisation: str
    duty: str = "caseworker"
    person: str = ""

    @property
    def sub(self) -> str:
        """The person as the token says it."""
        return self.person or f"{self.organisation}-{self.duty}-1"


REFERRER = Who("arbetsformedlingen-skelleftea")
OTHER_REFERRER = Who("forsakringskassan")
PROVIDER = Who("second-hand-skelleftea", "supervisor")
OTHER_PROVIDER = Who("kafe-solrosen", "supervisor")
EMPLOYER = Who("skellefte-tra", "supervisor")
OWNER = Who("urkraft", "owner")
REPORTER = Who("urkraft", "supervisor")
ANALYST = Who("second-hand-skelleftea", "analyst")
STRANGER = Who("okand-organisation", "supervisor")
OPERATOR = Who("plattform", "operator")
EVERYBODY = (
    REFERRER,
    OTHER_REFERRER,
    PROVIDER,
    OTHER_PROVIDER,
    EMPLOYER,
    OWNER,
    ANALYST,
    STRANGER,
    OPERATOR,
)  # fmt: skip


@dataclass(slots=True)
class Journey:
    """One journey as its parties know it. seen: the newest vector that an answer gave."""

    participant: str
    referrer: Who
    journey: str = ""
    stage: str = "registered"
    responsible: Who = PROVIDER
    handover: str = ""
    seen: dict[str, int] = field(default_factory=dict)


@dataclass
class World:
    """One running stack, seen by those who use it. say: told in one line what happens."""

    stack: Stack
    chance: random.Random
    say: Callable[[str], None]
    broken: bool = False
    journeys: list[Journey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(
            self.stack.admin_mongo_uri, tz_aware=True, connect=False
        )
        self.signing_key = self.stack.settings.credentials.signing_key()
        self.issuer = self.stack.url("issuer")
        self.watch = Watch(self.stack)
        self._lines: dict[str, Line] = {}
        self._tokens: dict[Who, str] = {}
        self._number = 0

    def close(self) -> None:
        """Let go of the stack, which goes on running."""
        for line in self._lines.values():
            line.close()
        self.mongo.close()

    # --- asking --------------------------------------------------------------------------------------

    def token(self, who: Who) -> str:
        """A bearer token, signed as the issuer signs."""
        if who not in self._tokens:
            self._tokens[who] = sign(
                self.signing_key, self.issuer, [(who.organisation, who.duty)], person=who.sub
            )
        return self._tokens[who]

    def token_of(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """A token that says just this, signed by the issuer's key."""
        said = {"alg": "RS256", "kid": self.signing_key.kid, **(header or {})}
        return jwt.encode(said, dict(claims), self.signing_key)

    def claims(self, who: Who) -> dict[str, Any]:
        """The claims of an ordinary token."""
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": who.sub,
            "organisation": who.organisation,
            "duty": who.duty,
            "iat": now,
            "exp": now + 3600,
        }

    def name(self) -> str:
        """A name that nobody had before, of letters alone: digits might read as a personnummer."""
        self._number += 1
        return "fz" + "".join(chr(ord("a") + int(digit)) for digit in str(self._number)) + self.letters(6)

    def letters(self, count: int) -> str:
        """So many letters of chance."""
        return "".join(self.chance.choices("abcdefghijklmnopqrstuvwxyz", k=count))

    def send(self, process: str, sent: Sent) -> Reply:
        """One request on the kept connection to a process. Raises NoAnswer."""
        if process not in self._lines:
            self._lines[process] = Line(self.stack.settings.port(process))
        return self._lines[process].ask(rooted(process, sent))

    def send_anew(self, port: int, sent: Sent, within: float) -> Reply:
        """One request on a connection of its own. Raises NoAnswer."""
        line = Line(port)
        try:
            return line.ask(sent, within)
        finally:
            line.close()

    def is_healthy(self, process: str, within: float) -> bool:
        """Whether the process says that it lives and is ready, on its port for that."""
        port = self.stack.settings.health_port(process)
        probes = (Sent(b"GET", path) for path in (b"/healthz", b"/readyz"))
        try:
            return all(self.send_anew(port, one, within).status == 200 for one in probes)
        except NoAnswer:
            return False

    def request(
        self,
        method: str,
        target: str,
        who: Who,
        body: Mapping[str, Any] | bytes | None = None,
        **headers: str,
    ) -> Sent:
        """A request as an honest client makes it; headers: with underscores for hyphens, which take precedence."""
        said = {"Authorization": f"Bearer {self.token(who)}"}
        if method != "GET":
            said |= {"Content-Type": "application/json", "Idempotency-Key": self.name()}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Sent(method.encode(), target.encode(), encoded(said), raw)

    def ask(
        self,
        process: str,
        method: str,
        target: str,
        who: Who,
        body: Mapping[str, Any] | bytes | None = None,
        **headers: str,
    ) -> Reply:
        """Ask as an honest client does, who comes back when told to. Raises NoAnswer."""
        sent = self.request(method, target, who, body, **headers)
        return self.patiently(lambda: self.send(process, sent))

    def patiently(self, asking: Callable[[], Reply], again: Collection[str] = LATER) -> Reply:
        """Ask again while the answer is one of these codes, or 429; the last answer where that never ends."""
        reply = asking()
        for _ in range(BUSY_TRIES):
            if reply.status != 429 and reply.code not in again:
                break
            self.pause(min(LONGEST_WAIT_SECONDS, float(reply.headers.get("retry-after", "0.2"))))
            reply = asking()
        return reply

    @staticmethod
    def pause(seconds: float) -> None:
        """Come back later, as one was told to."""
        time.sleep(seconds)

    # --- what there is --------------------------------------------------------------------------------

    def make(self, stage: str, steps: Sequence[Step] = ()) -> Journey:
        """A new journey brought to that stage. Raises AssertionError, with the answer, where a step is refused.

        steps: in the place of those that bring a journey there.
        """
        journey = Journey(self.register(REFERRER), REFERRER)
        for step in steps or STEPS[stage]:
            step(self, journey)
        journey.stage = stage
        self.journeys.append(journey)
        self._await_seen(journey)
        return journey

    def _await_seen(self, journey: Journey) -> None:
        """Wait until every service has seen what its parties have. Raises AssertionError."""
        for process in ("activity-tracking-web", "outcome-web"):
            path = f"/journeys/{journey.journey}"
            reply = self.ask(process, "GET", path, journey.referrer, None, Journey_Vector=_vector(journey))
            assert reply.status == 200, f"{process} of {journey}: {reply.status} {reply.body.decode()[:400]}"

    def at(self, *stages: str) -> Journey:
        """One of the journeys at one of these stages."""
        return self.chance.choice([one for one in self.journeys if one.stage in stages])

    def furnish(self) -> None:
        """The platform's day, and a journey at every stage."""
        for name in DATABASES:
            self.mongo[name]["clock"].update_one({"_id": "clock"}, {"$set": {"at": NOW}}, upsert=True)
        for stage in STEPS:
            self.make(stage)

    def register(self, who: Who) -> str:
        """A registered person's handle."""
        body = {"name": f"Kim {self.letters(8)}", "personnummer": None}
        return str(self.done("intake-web", "/participants", who, body)["participant_id"])

    def done(
        self, process: str, target: str, who: Who, body: Mapping[str, Any], journey: Journey | None = None
    ) -> Any:
        """A command that must succeed: its answer. Raises AssertionError."""
        said = {"Journey_Vector": _vector(journey)} if journey is not None and journey.seen else {}
        reply = self.ask(process, "POST", target, who, body, **said)
        assert reply.status in (200, 201), f"{target} as {who}: {reply.status} {reply.body.decode()[:400]}"
        if journey is not None:
            for part in filter(None, reply.headers.get("journey-vector", "").split(",")):
                source, _, count = part.strip().partition("=")
                journey.seen[source] = max(int(count), journey.seen.get(source, 0))
        return reply.json


def _vector(journey: Journey) -> str:
    return ", ".join(f"{source}={count}" for source, count in journey.seen.items())


def day(ago: int) -> str:
    """The calendar day so many days before the platform's today."""
    found: date = TODAY - timedelta(days=ago)
    return found.isoformat()


def referral(world: World, participant: str, **what: Any) -> dict[str, Any]:
    """The body of a referral that is taken."""
    return {
        "reference": world.name(),
        "participant_id": participant,
        "programme": "coactive",
        "municipality": "2482",
        "provider": PROVIDER.organisation,
        "occurred_on": day(100),
        **what,
    }


Step = Callable[[World, Journey], None]


def _refer(world: World, one: Journey) -> None:
    answer = world.done("intake-web", "/referrals", one.referrer, referral(world, one.participant), one)
    one.journey = answer["journey_id"]


def _say(process: str, path: str, by: Who, **body: Any) -> Step:
    def step(world: World, one: Journey) -> None:
        world.done(process, path.format(journey=one.journey, handover=one.handover), by, body, one)

    return step


def _offer(world: World, one: Journey) -> None:
    body = {
        "kind": "provider_to_employer",
        "to_organisation": EMPLOYER.organisation,
        "deadline_on": (TODAY + timedelta(days=20)).isoformat(),
        "occurred_on": day(20),
    }
    answer = world.done("handover-web", f"/journeys/{one.journey}/handovers", PROVIDER, body, one)
    one.handover = answer["handover_id"]


def _taken_on(world: World, one: Journey) -> None:
    body = {"occurred_on": day(19)}
    world.done("handover-web", f"/handovers/{one.handover}/acceptance", EMPLOYER, body, one)
    one.responsible = EMPLOYER


_ACCEPT = _say("intake-web", "/referrals/{journey}/acceptance", PROVIDER, occurred_on=day(99))
_CONSENT = _say(
    "intake-web",
    "/journeys/{journey}/consents",
    PROVIDER,
    purpose="sharing",
    given=True,
    organisations=[EMPLOYER.organisation, OTHER_PROVIDER.organisation],
    last_day=(TODAY + timedelta(days=365)).isoformat(),
    occurred_on=day(98),
)
START = _say("intake-web", "/journeys/{journey}/start", PROVIDER, occurred_on=day(97))
READY = _say("activity-tracking-web", "/journeys/{journey}/readiness", PROVIDER, occurred_on=day(30))
_EXIT = _say(
    "outcome-web",
    "/journeys/{journey}/exit",
    PROVIDER,
    way="by_plan",
    reason="goal_reached",
    situation="employed",
    occurred_on=day(10),
)
_STARTED: tuple[Step, ...] = (_refer, _ACCEPT, _CONSENT, START)
STEPS: Mapping[str, tuple[Step, ...]] = {
    "received": (_refer,),
    "declined": (
        _refer,
        _say("intake-web", "/referrals/{journey}/decline", PROVIDER, reason="no_place", occurred_on=day(99)),
    ),
    "withdrawn": (
        _refer,
        _say(
            "intake-web",
            "/referrals/{journey}/withdrawal",
            REFERRER,
            reason="other_effort",
            occurred_on=day(99),
        ),
    ),
    "mistake": (
        _refer,
        _say(
            "intake-web", "/journeys/{journey}/mistake", REFERRER, reason="wrong_person", occurred_on=day(99)
        ),
    ),
    "accepted": (_refer, _ACCEPT),
    "consented": (_refer, _ACCEPT, _CONSENT),
    "started": _STARTED,
    "ready": (*_STARTED, READY),
    "offered": (*_STARTED, READY, _offer),
    "handed_over": (*_STARTED, READY, _offer, _taken_on),
    "exited": (*_STARTED, _EXIT),
}
"""What brings a journey to each stage, from a person who is registered."""


def rooted(process: str, sent: Sent) -> Sent:
    """The request below the API's root, where the process has one and the target is a path."""
    if not sent.target.startswith(b"/"):
        return sent
    return replace(sent, target=root_of(process).encode() + sent.target)
