"""The platform in memory, for trying use cases and routes without a database: the same promises, by hand."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, get_args

from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint

from shared.edge.acting import Held
from shared.edge.callers import Admission
from shared.edge.interface import Interface
from shared.edge.web import create_app
from shared.language.access import Actor, Duty, Known
from shared.language.codec import event_type
from shared.language.days import start_of
from shared.language.decision import (
    ARCHIVE,
    Change,
    Fold,
    Received,
    Reply,
    Repository,
    Settles,
    Skip,
    Subject,
    Timer,
    TimerFold,
    Vector,
    kind_of,
)
from shared.language.errors import Busy, Forbidden, Refused, Unknown
from shared.language.events import Fact
from shared.language.register import Register
from shared.runtime.commands import NEVER_AGAIN, Answer
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.many import OneOfMany, UseCase
from shared.runtime.reads import Reading
from shared.runtime.settings import Allowance
from tests.support.matching import added, announced, archived, field_at, is_beyond, matches
from tests.support.published import FakeProgrammes
from tests.support.timers import fire_due

S = TypeVar("S")
T = TypeVar("T")


def noon(on: date) -> datetime:
    """A moment in the middle of the Swedish day."""
    return start_of(on) + timedelta(hours=12)


@dataclass
class FakeWork:
    """One service's store: states, rows, timers, and every event said, in order. Satisfies `decision.Work`.

    beside: what its folds are given beside an event. by: who asks in this unit; asked_by: who asked for each of
    `said`. raised: the subjects whose revision this unit has raised; None outside a unit, where every change does.
    """

    programmes: FakeProgrammes
    at: datetime
    states: dict[Subject, Any] = field(default_factory=dict)
    table: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    timers: dict[str, tuple[Subject, Timer]] = field(default_factory=dict)
    events: list[Fact] = field(default_factory=list)
    said: list[tuple[Subject, Fact]] = field(default_factory=list)
    by: str = ""
    asked_by: list[str] = field(default_factory=list)
    revisions: dict[Subject, int] = field(default_factory=dict)
    sums: dict[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    emitted: list[str] = field(default_factory=list)
    raised: set[Subject] | None = None
    last_saved: Subject | None = None
    ids: int = 0
    repository: Repository | None = None
    beside: Callable[["FakeWork", Subject], Any] = lambda memory, subject: None
    unreadable: frozenset[Subject] = frozenset()

    @property
    def register(self) -> Register:
        """Who the newest versions of the published programmes name, and what was registered beside them."""
        return self.programmes.register

    def branch(self) -> "FakeWork":
        """A copy on which something can be tried: what it holds is replaced when it changes, never altered."""
        held: dict[str, Any] = {
            name: copy(one)
            for name, one in vars(self).items()
            if isinstance(one, dict | list) and name != "emitted"
        }
        return replace(self, **held, emitted=[], raised=set(), last_saved=None)

    def in_unit(self, decide: Callable[["FakeWork"], T]) -> T:
        """Run this on a branch and keep it."""
        found = decide(trial := self.branch())
        self.keep(trial)
        return found

    def keep(self, trial: "FakeWork") -> None:
        """Take over what a branch came to."""
        vars(self).update(vars(trial) | {"raised": None, "by": ""})

    def find(self, subject: Subject) -> Any | None:
        """The state, or None."""
        return self.states.get(subject)

    def get(self, subject: Subject) -> Any:
        """The state, or Unknown."""
        if subject not in self.states:
            raise Unknown(kind_of(subject))
        return self.states[subject]

    def readable(self, subject: Subject) -> Any | None:
        """The state, or None where it is one of `unreadable`; or Unknown."""
        return None if subject in self.unreadable else self.get(subject)

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """The row, or None."""
        body = self.table.get((collection, key))
        return None if body is None else {"_id": key, **body}

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: Any, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """A page of rows, or of the states' documents."""
        held = [{"_id": key, **body} for (name, key), body in self.table.items() if name == collection]
        if self.repository is not None and collection == self.repository.collection:
            write = self.repository.write
            held = [{"_id": subject, "state": write(one)} for subject, one in self.states.items()]
        if collection == ARCHIVE:
            held = archived(self.said, self.asked_by)
        found = [row for row in held if matches(row, where)]
        skip, place = (after.rows, after.beyond) if isinstance(after, Skip) else (0, after)
        beyond = [row for row in found if place is None or is_beyond(row, order, place)]
        return sorted(beyond, key=lambda row: field_at(row, order))[skip : skip + limit]

    def load(self, *_: Any) -> None:
        """All is in memory."""

    fetch = load

    def revision(self, subject: Subject) -> int:
        """In how many units the subject was saved with something in the change."""
        return self.revisions.get(subject, 0)

    def save(self, subject: Subject, change: Change[S]) -> S:
        """Keep a change that a command or a timer decided."""
        self.last_saved = subject
        if self.take(subject, change) and (self.raised is None or subject not in self.raised):
            self.revisions[subject] = self.revisions.get(subject, 0) + 1
            if self.raised is not None:
                self.raised.add(subject)
        return change.state

    def take(self, subject: Subject, change: Change[Any]) -> bool:
        """Keep a change, whoever decided it. Returns whether there was anything in it."""
        moved = change.state is not self.states.get(subject)
        if change.state is not None:
            self.states[subject] = change.state
        for event in change.events:
            number = sum(of == subject for of, _ in self.said) + 1
            self.emitted.append(f"{event_type(event).name}:{number}")
            self.said.append((subject, event))
            self.asked_by.append(self.by)
        self.events.extend(change.events)
        self.replies.extend(change.replies)
        for add in change.adds:
            slot = add.collection, add.key
            self.sums[slot] = added(self.sums.get(slot, {}), add.cells)
        self.table.update({(row.collection, row.key): row.body for row in change.rows})
        for place in change.removes:
            self.table.pop(place, None)
        self.timers.update({timer.key: (subject, timer) for timer in change.timers})
        for key in change.cancels:
            self.timers.pop(key, None)
        rows = (change.rows, change.removes, change.adds)
        return moved or any(
            (*rows, change.events, change.notices, change.timers, change.cancels, change.replies)
        )

    def new_id(self, prefix: str) -> str:
        """Ids of the right shape, counted."""
        self.ids += 1
        return f"{prefix}-{self.ids:026d}"

    def apply_fact(self, folds: Mapping[type[Fact], Fold], subject: Subject, events: Iterable[Fact]) -> None:
        """Fold events of other services, in this order."""
        for event in events:
            extra = self.beside(self, subject)
            received = Received(subject, "intake", 1, type(event).__name__, event, {}, extra)
            self.take(subject, folds[type(event)](self.states.get(subject), received, self.programmes))

    def fire_due(self, folds: Mapping[str, TimerFold], settles: Settles | None = None) -> int:
        """Carry out the timers that are due. Returns how many."""
        return fire_due(self, folds, settles, {})


class FakeCommands:
    """Runs use cases on a FakeWork: all or nothing, once per key."""

    def __init__(self, memory: FakeWork) -> None:
        self.memory = memory
        self.fingerprints = Fingerprints(bytes(range(32)))
        self._stored: dict[str, tuple[bytes, Answer]] = {}
        self.readings: list[Reading] = []
        self.keeps = True

    def account(self, reading: Reading) -> None:
        """Keep it."""
        self.readings.append(reading)

    def judge(self, right: Callable[[Known], None]) -> None:
        """Judge a right that rests on what was published alone."""
        right(self.memory)

    def look_again(self) -> None:
        """What was registered is seen at once here."""

    def run(
        self,
        use_case: UseCase,
        *,
        key: str | None,
        body: bytes,
        subject: Subject | None,
        vector: Vector,
        organisation: str = "",
        again: Any = None,
    ) -> Answer:
        """Decide once per key; a refusal leaves nothing behind, and a stored answer comes only after the right."""
        trial = self.memory.branch()
        trial.by = organisation
        try:
            body_said = json.loads(json.dumps(use_case(trial)))
            of = trial.last_saved or subject
            answer = Answer(body_said, {}, trial.revision(of) if of else 0, of or "", tuple(trial.emitted))
        except NEVER_AGAIN:
            raise
        except Refused:
            if key not in self._stored:
                raise
        if key is not None and key in self._stored:
            said, answer = self._stored[key]
            if said != body:
                raise Refused("idempotency-key-reused", "The key was used with another content.")
            if again is not None:
                again(self.memory, answer.body)
            return answer
        if not self.keeps:
            return answer
        self.memory.keep(trial)
        if key is not None:
            self._stored[key] = (body, replace(answer, emitted=()))
        return answer

    def run_rows(
        self, rows: Iterable[OneOfMany], *, organisation: str = "", trial: bool = False
    ) -> Iterator[Answer | Refused | Busy]:
        """Decide each row for itself."""
        kept = self.memory
        if trial:
            self.memory = kept.branch()
        try:
            for row in rows:
                try:
                    one = announced(row)
                    yield self.run(
                        one, key=None, body=b"", subject=None, vector={}, organisation=organisation
                    )
                except Refused as refused:
                    yield refused
        finally:
            self.memory = kept

    def read(
        self,
        use_case: UseCase,
        *,
        subject: Subject | None,
        vector: Vector,
        organisation: str = "",
    ) -> Answer:
        """Answer a reading."""
        return self.run(use_case, key=None, body=b"", subject=subject, vector=vector)


class NamedTokens:
    """Takes `<organisation>:<duty>` for a token, and `:<person>` behind it; several with `+` between them."""

    def show(self, token: str) -> Held:
        """What the token names."""
        return Held(tuple(map(self._actor, token.split("+"))), datetime.now(UTC) + timedelta(hours=1))

    def _actor(self, named: str) -> Actor:
        organisation, _, rest = named.partition(":")
        duty, _, person = rest.partition(":")
        if duty not in get_args(Duty):
            raise Forbidden("unauthenticated", "No such duty.")
        return Actor(person or "somebody", organisation, duty)  # type: ignore[arg-type]


UNLIMITED = Allowance(
    per_person=0, per_organisation=0, per_address=0, streams_per_person=0, streams_per_organisation=0
)


class RealTime:
    """A clock that nobody drives."""

    driven = False

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    def move(self, at: datetime) -> datetime:
        """Nobody can."""
        raise AssertionError(f"real time is not moved to {at}")


def web(
    memory: FakeWork,
    blueprints: tuple[Blueprint, ...],
    commands: FakeCommands | None = None,
    provided: object = None,
) -> FlaskClient:
    """The web application of a service on this memory. provided: what its routes need beside the memory."""
    app: Flask = create_app(
        interface=Interface("in memory", "", ""),
        blueprints=blueprints,
        commands=commands or FakeCommands(memory),
        admission=Admission(NamedTokens(), UNLIMITED),
        operators={"drift"},
        clock=RealTime(),
        provided=provided,
    )
    return app.test_client()


class Caller:
    """Sends requests as one organisation, each POST under a new key unless one is given."""

    def __init__(self, memory: FakeWork, blueprints: tuple[Blueprint, ...], organisation: str) -> None:
        self.commands = FakeCommands(memory)
        self._client = web(memory, blueprints, self.commands)
        self._token = f"{organisation}:caseworker"
        self._keys = 0

    def become(self, organisation: str, duty: str = "caseworker", person: str = "somebody") -> "Caller":
        """Send as another from now on."""
        self._token = f"{organisation}:{duty}:{person}"
        return self

    def post(
        self,
        path: str,
        body: Any,
        *,
        key: str | None = None,
        kind: str = "application/json",
        rests_on: str | None = None,
        accept: str = "application/json",
    ) -> Any:
        """The answer to a POST; JSON is written here, other kinds are sent as they are. rests_on: If-Match."""
        self._keys += 1
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": key or f"key-{self._keys}",
            "Content-Type": kind,
            "Accept": accept,
        }
        if rests_on is not None:
            headers["If-Match"] = rests_on
        data = json.dumps(body) if kind == "application/json" else body
        return self._client.post(path, data=data, headers=headers)

    def put(self, path: str, body: Any, *, rests_on: int | str | None = None) -> Any:
        """The answer to a PUT. rests_on: the revision named in If-Match, or all of it."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if rests_on is not None:
            headers["If-Match"] = f'"{rests_on}"' if isinstance(rests_on, int) else rests_on
        return self._client.put(path, json=body, headers=headers)

    def head(self, path: str) -> Any:
        """The answer to a HEAD."""
        return self._client.head(path, headers={"Authorization": f"Bearer {self._token}"})

    def get(self, path: str, *, accept: str = "application/json") -> Any:
        """The answer to a GET."""
        return self._client.get(path, headers={"Authorization": f"Bearer {self._token}", "Accept": accept})
