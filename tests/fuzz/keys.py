"""Chosen idempotency keys: nobody is given another's answer, and nobody keeps another's row from being stored."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.fuzz.files import NDJSON
from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.requests import shown
from tests.fuzz.wire import NoAnswer, Reply, Sent, encoded
from tests.fuzz.world import (
    ANALYST,
    OPERATOR,
    OTHER_REFERRER,
    PROVIDER,
    REFERRER,
    STRANGER,
    Who,
    World,
    day,
    referral,
)

COLLEAGUE = replace(REFERRER, person="arbetsformedlingen-caseworker-2")
SUPERVISOR = replace(REFERRER, duty="supervisor")
CALLERS = (
    REFERRER,
    COLLEAGUE,
    SUPERVISOR,
    replace(REFERRER, duty="analyst"),
    OTHER_REFERRER,
    STRANGER,
    OPERATOR,
    PROVIDER,
    ANALYST,
)
PREFIXES = (
    "reference:",
    "row|",
    "row:",
    "request|",
    "request:",
    "key|",
    "",
    "POST:/sessions:",
    "second-hand-skelleftea:POST:/sessions:reference:",
)
TWISTS: Sequence[bytes] = (
    b"",
    b"\x00",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
    b" ",
    b"\t",
    b"a b",
    b"k" * 200,
    b"k" * 201,
    b"k" * 5000,
    b"$where",
    b"a.b",
    b"../..",
    b"%00",
    b"{}",
    b"null",
    b"'; drop",
    b"\xc3\xa5",
    b'"',
    b"|",
    b":",
    b"/",
    b"_id",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command under a key. deed: `register`, `refer`, `rows` or `session`; marks: what its body says apart."""

    who: Who
    deed: str
    key: bytes
    marks: str

    def __str__(self) -> str:
        who = f"{self.who.sub} ({self.who.organisation}:{self.who.duty})"
        return f"{who} {self.deed} {self.marks} under {shown(self.key)}"


@dataclass(frozen=True, slots=True)
class Story:
    """Commands one after the other, whose keys meet. row: a row's reference that must be stored by the last one."""

    steps: tuple[Step, ...]
    row: str = ""

    def simpler(self) -> Iterator[Story]:
        """With one step less."""
        if len(self.steps) > 2:
            for at in range(len(self.steps) - bool(self.row)):
                yield replace(self, steps=self.steps[:at] + self.steps[at + 1 :])

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps))


class Keys(Fuzzer[Story]):
    """A key is its person's own: it repeats that person's answer to that request, and means nothing to others."""

    name: ClassVar[str] = "keys"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._journey = world.at("started")
        self._people: dict[str, str] = {}

    def prepare(self) -> None:
        """A journey of its own."""
        self._journey = self.world.make("started")

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Story]:
        """Keys that were a row's, and answers that were another's."""
        found = []
        for prefix in PREFIXES:
            row = self.world.name()
            key = (prefix + row).encode()
            found.append(Story((Step(PROVIDER, "rows", key, row),), row))
            row = self.world.name()
            key = (prefix + row).encode()
            found.append(
                Story((Step(ANALYST, "rows", key, "other"), Step(PROVIDER, "rows", self._key(), row)), row)
            )
            found.append(
                Story((Step(PROVIDER, "session", key, row), Step(PROVIDER, "rows", self._key(), row)))
            )
        for who in CALLERS:
            key = self._key()
            found.append(Story((Step(REFERRER, "register", key, "same"), Step(who, "register", key, "same"))))
        return found

    def generated(self) -> Story:
        """Two or three commands whose keys are the same, or one the other's row."""
        key = self._key()
        chance = self.chance.random()
        row = self.world.name()
        if chance < 0.25:
            other = (self.chance.choice(PREFIXES) + row).encode()[:200]
            who = self.chance.choice(
                (PROVIDER, ANALYST, replace(PROVIDER, person="second-hand-supervisor-2"), STRANGER)
            )
            deed = self.chance.choice(("rows", "session", "rows"))
            return Story((Step(who, deed, other, "other"), Step(PROVIDER, "rows", key, row)), row)
        if chance < 0.5:
            deed = self.chance.choice(("register", "refer", "rows", "session"))
            return Story((Step(self._able(deed), deed, self.chance.choice(TWISTS), row),))
        deed = self.chance.choice(("register", "refer"))
        first = Step(self._able(deed), deed, key, row)
        steps = [first]
        for _ in range(self.chance.choice((1, 1, 2))):
            who = self.chance.choice((first.who, first.who, COLLEAGUE, self.chance.choice(CALLERS)))
            marks = self.chance.choice((row, row, row + "x"))
            steps.append(Step(who, self.chance.choice((deed, deed, "register")), key, marks))
        return Story(tuple(steps))

    def _able(self, deed: str) -> Who:
        return REFERRER if deed in ("register", "refer") else PROVIDER

    def _key(self) -> bytes:
        return self.world.name().encode()

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Story]) -> Outcome:
        """Tell each story and compare who was answered what."""
        outcome = Outcome()
        for story in trials:
            self._tell(story, outcome)
        return outcome

    def _tell(self, story: Story, outcome: Outcome) -> None:
        told: list[tuple[Step, Reply]] = []
        for step in story.steps:
            process, sent = self._request(step)
            try:
                reply = self.world.patiently(lambda p=process, s=sent: self.world.send(p, s))  # type: ignore[misc]
            except NoAnswer as silent:
                outcome.failed += 1
                outcome.problem(f"no answer to {step.deed}", str(silent))
                continue
            judge(reply, step.deed, outcome)
            self._compare(told, step, reply, outcome)
            told.append((step, reply))
        if story.row and told:
            self._check_row(story, told[-1][1], outcome)

    @staticmethod
    def _compare(told: Sequence[tuple[Step, Reply]], step: Step, reply: Reply, outcome: Outcome) -> None:
        for before, answered in told:
            if before.key != step.key or answered.status != 201 or before.deed != step.deed:
                continue
            if before.who == step.who:
                same = (answered.status, answered.json) == (reply.status, reply.json)
                if before.marks == step.marks and not same:
                    outcome.problem(
                        "a repeated command answered otherwise", f"{answered.body!r}, then {reply.body!r}"
                    )
                if before.marks != step.marks and reply.code != "idempotency-key-reused":
                    outcome.problem("a key for another body taken", f"{reply.status} {reply.body[:300]!r}")
            elif reply.status == 201 and (crossed := _named(step, reply) & _named(before, answered)):
                outcome.problem("an answer given to another person", f"{crossed}")

    def _check_row(self, story: Story, reply: Reply, outcome: Outcome) -> None:
        results = (reply.json or {}).get("results", ())
        if not any(one["status"] == 201 and one.get("reference") == story.row for one in results):
            outcome.problem("a row kept from being stored", f"{reply.status} {reply.body[:400]!r}")

    def _request(self, step: Step) -> tuple[str, Sent]:
        """Bodies depend on the marks alone, so that the same marks are the same body."""
        process, path, body = self._said(step)
        media = NDJSON if step.deed == "rows" else "application/json"
        headers = encoded({"Authorization": f"Bearer {self.world.token(step.who)}", "Content-Type": media})
        return process, Sent(b"POST", path.encode(), (*headers, (b"Idempotency-Key", step.key)), body)

    def _said(self, step: Step) -> tuple[str, str, bytes]:
        session = {
            "activity": "work_training",
            "occurred_on": day(5),
            "attendance": "yes",
            "minutes": 1,
            "reference": step.marks,
        }
        journey = self._journey.journey
        match step.deed:
            case "register":
                body: dict[str, Any] = {"name": f"Kim {step.marks}", "personnummer": None}
                return "intake-web", "/participants", json.dumps(body).encode()
            case "refer":
                # A person of these marks' own: who stands in the programme is not referred to it again.
                if step.marks not in self._people:
                    self._people[step.marks] = self.world.register(REFERRER)
                body = {**referral(self.world, self._people[step.marks]), "reference": step.marks}
                return "intake-web", "/referrals", json.dumps(body).encode()
            case "session":
                path = f"/journeys/{journey}/sessions"
                return "activity-tracking-web", path, json.dumps(session).encode()
            case _:
                row = {} if step.marks == "other" else {**session, "journey_id": journey}
                return "activity-tracking-web", "/sessions", json.dumps(row, sort_keys=True).encode()


def _named(step: Step, reply: Reply) -> set[str]:
    """The ids that an answer names as new. An organisation's own reference names one referral, whoever gives it."""
    said = reply.json if isinstance(reply.json, dict) else {}
    new = {"register": "participant_id", "session": "session_id"}.get(step.deed, "")
    return {str(said[new])} if said.get(new) else set()
