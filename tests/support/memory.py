"""The platform in memory, for trying use cases and routes without a database: the same promises, by hand."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint

from shared.edge.callers import Admission
from shared.edge.tokens import Shown
from shared.edge.web import create_app
from shared.language.access import Actor
from shared.language.days import start_of
from shared.language.decision import (
    Change,
    Fold,
    Received,
    Repository,
    Skip,
    Subject,
    Timer,
    TimerFold,
    Vector,
    kind_of,
)
from shared.language.errors import Busy, Forbidden, Refused, Unknown, Unready
from shared.language.events import Fact
from shared.language.programmes import Programme, ProgrammeKey
from shared.runtime.commands import Answer
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.many import OneOfMany
from shared.runtime.reads import Reading
from shared.runtime.settings import Allowance

S = TypeVar("S")


def noon(on: date) -> datetime:
    """A moment in the middle of the Swedish day."""
    return start_of(on) + timedelta(hours=12)


class Shelf:
    """Published programmes. Satisfies `programmes.Programmes`."""

    def __init__(self, *programmes: Programme) -> None:
        self._by_key = {programme.key: programme for programme in programmes}

    def get(self, key: ProgrammeKey) -> Programme:
        """That version, or Unready."""
        if key not in self._by_key:
            raise Unready(key)
        return self._by_key[key]

    def latest(self, programme: str) -> Programme | None:
        """The newest version, or None."""
        versions = [one for one in self._by_key.values() if one.id == programme]
        return max(versions, key=lambda one: one.version, default=None)

    def all_latest(self) -> Mapping[str, Programme]:
        """The newest version of each."""
        return {one.id: one for one in self.every_version()}

    def every_version(self) -> Collection[Programme]:
        """All versions of all, the older first."""
        return sorted(self._by_key.values(), key=lambda one: one.version)


@dataclass
class Memory:
    """One service's store: states, rows, timers, and every event said, in order. Satisfies `change.Work`.

    beside: what its folds are given beside an event.
    """

    programmes: Shelf
    at: datetime
    states: dict[Subject, Any] = field(default_factory=dict)
    table: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    timers: dict[str, tuple[Subject, Timer]] = field(default_factory=dict)
    events: list[Fact] = field(default_factory=list)
    said: list[tuple[Subject, Fact]] = field(default_factory=list)
    revisions: dict[Subject, int] = field(default_factory=dict)
    ids: int = 0
    repository: Repository | None = None
    beside: Callable[["Memory", Subject], Any] = lambda memory, subject: None

    def branch(self) -> "Memory":
        """A copy on which something can be tried: what it holds is replaced when it changes, never altered."""
        held: dict[str, Any] = {
            name: copy(one) for name, one in vars(self).items() if isinstance(one, dict | list)
        }
        return replace(self, **held)

    def find(self, subject: Subject) -> Any | None:
        """The state, or None."""
        return self.states.get(subject)

    def get(self, subject: Subject) -> Any:
        """The state, or Unknown."""
        if subject not in self.states:
            raise Unknown(kind_of(subject))
        return self.states[subject]

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """The row, or None."""
        return self.table.get((collection, key))

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: Any, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """A page of rows, or of the states' documents."""
        held = [{"_id": key, **body} for (name, key), body in self.table.items() if name == collection]
        if self.repository is not None and collection == self.repository.collection:
            held = [
                {"_id": subject, "state": self.repository.write(one)} for subject, one in self.states.items()
            ]
        found = [row for row in held if matches(row, where)]
        skip = after.rows if isinstance(after, Skip) else 0
        beyond = [row for row in found if skip or after is None or _at(row, order) > after]
        return sorted(beyond, key=lambda row: _at(row, order))[skip : skip + limit]

    def revision(self, subject: Subject) -> int:
        """How often the subject was saved with something in the change."""
        return self.revisions.get(subject, 0)

    def save(self, subject: Subject, change: Change[S]) -> S:
        """Keep a change."""
        before = self.states.get(subject)
        if change.state is not before or change.events or change.rows:
            self.revisions[subject] = self.revisions.get(subject, 0) + 1
        self.states[subject] = change.state
        self.events.extend(change.events)
        self.said.extend((subject, event) for event in change.events)
        self.table.update({(row.collection, row.key): row.body for row in change.rows})
        self.timers.update({timer.key: (subject, timer) for timer in change.timers})
        for key in change.cancels:
            self.timers.pop(key, None)
        return change.state

    def new_id(self, prefix: str) -> str:
        """Ids of the right shape, counted."""
        self.ids += 1
        return f"{prefix}-{self.ids:026d}"

    # --- what the runtime does around a Work --------------------------------------------------------

    def take_in(self, folds: Mapping[type[Fact], Fold], subject: Subject, events: Iterable[Fact]) -> None:
        """Fold events of other services, in this order."""
        for event in events:
            extra = self.beside(self, subject)
            received = Received(subject, "intake", 1, type(event).__name__, event, {}, extra)
            self.save(subject, folds[type(event)](self.states.get(subject), received, self.programmes))

    def fire_due(self, folds: Mapping[str, TimerFold]) -> int:
        """Carry out the timers that are due. Returns how many."""
        due = [(subject, timer) for subject, timer in self.timers.values() if timer.due <= self.at]
        for subject, timer in sorted(due, key=lambda pair: pair[1].due):
            if self.timers.pop(timer.key, None) is not None:
                self.save(subject, folds[timer.command](self.get(subject), timer, self.at, self.programmes))
        return len(due)


def matches(body: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether a row is one of those asked for."""
    either = where.get("$or")
    rest = {name: wanted for name, wanted in where.items() if name != "$or"}
    return all(_matches(_at(body, name), wanted) for name, wanted in rest.items()) and (
        either is None or any(matches(body, one) for one in either)
    )


def _at(body: Mapping[str, Any], name: str) -> Any:
    """The field, or the one inside another that dots lead to; None where there is none."""
    found: Any = body
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _matches(found: Any, wanted: Any) -> bool:
    """As MongoDB compares: a list matches what it contains, `$in` any of what it lists."""
    if isinstance(wanted, Mapping) and "$in" in wanted:
        return any(_matches(found, one) for one in wanted["$in"])
    return found == wanted or (isinstance(found, list) and wanted in found)


class MemoryCommands:
    """Runs use cases on a Memory: all or nothing, once per key."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.fingerprints = Fingerprints(bytes(range(32)))
        self._stored: dict[str, tuple[bytes, Answer]] = {}
        self.readings: list[Reading] = []
        self.keeps = True

    def account(self, reading: Reading) -> None:
        """Keep it."""
        self.readings.append(reading)

    def judge(self, right: Callable[[Shelf], None]) -> None:
        """Judge a right that rests on the programmes alone."""
        right(self.memory.programmes)

    def run(
        self,
        use_case: Callable[[Memory], dict[str, Any]],
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
        try:
            answer = Answer(json.loads(json.dumps(use_case(trial))), {}, 1, subject or "")
        except (Forbidden, Unknown):
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
        vars(self.memory).update(vars(trial))
        if key is not None:
            self._stored[key] = (body, answer)
        return answer

    def run_rows(
        self, rows: Iterable[OneOfMany], *, trial: bool = False
    ) -> Iterator[Answer | Refused | Busy]:
        """Decide each row for itself."""
        kept = self.memory
        if trial:
            self.memory = kept.branch()
        try:
            for row in rows:
                try:
                    yield self.run(_announced(row), key=None, body=b"", subject=None, vector={})
                except Refused as refused:
                    yield refused
        finally:
            self.memory = kept

    def read(
        self,
        use_case: Callable[[Memory], dict[str, Any]],
        *,
        subject: Subject | None,
        vector: Vector,
        organisation: str = "",
    ) -> Answer:
        """Answer a reading."""
        return self.run(use_case, key=None, body=b"", subject=subject, vector=vector)


@dataclass
class _Announced:
    """A Work in which a row of many asks for nothing that it has not named: the rest would cost a question each."""

    work: Memory
    row_of_many: OneOfMany

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """The row, which was fetched ahead."""
        wanted = {(one.collection, one.key): one.leads for one in self.row_of_many.rows}
        found = {at: self.work.row(*at) for at in wanted}
        led = {
            (leads[0], named[leads[1]])
            for at, leads in wanted.items()
            if leads is not None and (named := found[at]) is not None
        }
        assert (collection, key) in {*wanted, *led}, f"{collection} was not fetched ahead"
        return self.work.row(collection, key)

    def get(self, subject: Subject) -> Any:
        """The subject's state, which was fetched ahead."""
        assert subject == self.row_of_many.subject
        return self.work.get(subject)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.work, name)


def _announced(row: OneOfMany) -> Callable[[Any], dict[str, Any]]:
    return lambda work: row.use_case(_Announced(work, row))


class NamedTokens:
    """Takes `<organisation>:<duty>` for a token, and `:<person>` behind it."""

    def show(self, token: str) -> Shown:
        """The actor that the token names."""
        organisation, _, rest = token.partition(":")
        duty, _, person = rest.partition(":")
        if duty not in ("caseworker", "supervisor", "analyst", "owner", "operator"):
            raise Forbidden("unauthenticated", "No such duty.")
        actor = Actor(person or "somebody", organisation, duty)  # type: ignore[arg-type]
        return Shown(actor, datetime.now(UTC) + timedelta(hours=1))


UNLIMITED = Allowance(
    per_person=0, per_organisation=0, per_address=0, streams_per_person=0, streams_per_organisation=0
)


class RealTime:
    """A clock that nobody drives."""

    driven = False

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


def web(memory: Memory, blueprints: tuple[Blueprint, ...]) -> FlaskClient:
    """The web application of a service on this memory."""
    app: Flask = create_app(
        title="in memory",
        blueprints=blueprints,
        commands=MemoryCommands(memory),  # type: ignore[arg-type]
        admission=Admission(NamedTokens(), UNLIMITED),
        operators={"drift"},
        clock=RealTime(),  # type: ignore[arg-type]
    )
    return app.test_client()


class Caller:
    """Sends requests as one organisation, each POST under a new key unless one is given."""

    def __init__(self, memory: Memory, blueprints: tuple[Blueprint, ...], organisation: str) -> None:
        self._client = web(memory, blueprints)
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

    def get(self, path: str, *, accept: str = "application/json") -> Any:
        """The answer to a GET."""
        return self._client.get(path, headers={"Authorization": f"Bearer {self._token}", "Accept": accept})
