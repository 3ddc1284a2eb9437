"""The four services in one memory: their real routes, rules and folds, and every event told to those who act on it.

For what holds across services: who may do what, and who sees what. Events arrive at once and in order; how they come is
the runtime's to promise, and is tested elsewhere.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from flask_smorest import Blueprint

from services.activity_tracking import api as activity_api
from services.activity_tracking import consumer as activity_consumer
from services.activity_tracking.repository import Activities
from services.handover import api as handover_api
from services.handover import consumer as handover_consumer
from services.handover.repository import Handovers
from services.intake import api as intake_api
from services.intake import consumer as intake_consumer
from services.intake.api.provided import Provided
from services.intake.members import register_members
from services.intake.numbers import Numbers
from services.intake.participations import settle
from services.intake.repository import Referrals
from services.intake.vault import AesGcmVault
from services.outcome import api as outcome_api
from services.outcome import consumer as outcome_consumer
from services.outcome.repository import Outcomes
from shared.language.decision import Fold, Received, Repository, Settles, Subject, TimerFold, TimerUseCase
from shared.language.events import BY_BODY, Fact
from shared.language.programmes import Programme
from shared.language.register_events import EntryFact, entry_of
from tests.support.days import days_of
from tests.support.fakes import FakeWork, noon, web
from tests.support.others import others_of
from tests.support.published import FakeProgrammes
from tests.support.takers import takers_of
from tests.support.timers import fire_due

INTAKE, ACTIVITY_TRACKING, HANDOVERS, OUTCOMES = "intake", "activity_tracking", "handover", "outcome"


@dataclass
class Room:
    """One service: its store, its routes, and what it does with events and timers."""

    memory: FakeWork
    client: FlaskClient
    folds: Mapping[type[Fact], Fold]
    timers: Mapping[str, TimerFold]
    told: int = 0
    settles: Settles | None = None
    use_cases: Mapping[str, TimerUseCase] = field(default_factory=dict)

    def fire_due(self) -> int:
        """Carry out the timers that are due. Returns how many."""
        return fire_due(self.memory, self.timers, self.settles, self.use_cases)


@dataclass
class House:
    """All services on one day, with these programmes published.

    heard: what they said, causes before effects; of: the subject of each.
    """

    programmes: FakeProgrammes
    today: date
    rooms: dict[str, Room] = field(default_factory=dict)
    heard: list[Fact] = field(default_factory=list)
    of: list[Subject] = field(default_factory=list)
    _keys: int = 0

    def __post_init__(self) -> None:
        self._open(
            INTAKE,
            Referrals(),
            intake_api.blueprints(),
            intake_consumer.FOLDS,
            intake_consumer.TIMERS,
            Provided(
                vault=AesGcmVault(bytes(range(32))),
                numbers=Numbers([bytes(range(32, 64))]),
                referrals=Referrals(),
            ),
        )
        self.rooms[INTAKE].memory.beside = takers_of
        self.rooms[INTAKE].settles = settle
        self._open(
            ACTIVITY_TRACKING,
            Activities(),
            activity_api.blueprints(),
            activity_consumer.FOLDS,
            activity_consumer.TIMERS,
        )
        self.rooms[ACTIVITY_TRACKING].use_cases = activity_consumer.TIMER_USE_CASES
        self.rooms[ACTIVITY_TRACKING].memory.beside = days_of
        self._open(
            HANDOVERS,
            Handovers(),
            handover_api.blueprints(),
            handover_consumer.FOLDS,
            handover_consumer.TIMERS,
        )
        self._open(
            OUTCOMES,
            Outcomes(),
            outcome_api.blueprints(),
            outcome_consumer.FOLDS,
            outcome_consumer.TIMERS,
        )
        self.rooms[OUTCOMES].memory.beside = others_of

    def _open(
        self,
        name: str,
        repository: Repository,
        routes: tuple[Blueprint, ...],
        folds: Mapping[type[Fact], Fold],
        timers: Mapping[str, TimerFold],
        provided: object = None,
    ) -> None:
        memory = FakeWork(self.programmes, noon(self.today), repository=repository)
        self.rooms[name] = Room(memory, web(memory, routes, provided=provided), folds, timers)

    def ask(self, service: str, method: str, path: str, who: str, body: Any = None, **headers: str) -> Any:
        """The answer to one request. who: `<organisation>`, a caseworker there, or `<organisation>:<duty>`."""
        self._keys += 1
        who = who if ":" in who else f"{who}:caseworker"
        said = {"Authorization": f"Bearer {who}", "Idempotency-Key": f"key-{self._keys}", **headers}
        if method != "GET":
            said.setdefault("Content-Type", "application/json")
        text = body if isinstance(body, str) else json.dumps(body or {})
        answer = self.rooms[service].client.open(
            path, method=method, headers=said, data=None if method == "GET" else text
        )
        self.spread()
        return answer

    def keep_register(self) -> None:
        """Put into intake's register whom the programmes' files name, as publishing them does."""
        memory = self.rooms[INTAKE].memory
        for programme in self.programmes.all_latest().values():
            memory.in_unit(functools.partial(register_members, versions=[(programme, self.today)]))
        self.spread()

    def freeze(self) -> None:
        """From now on requests are decided on and answered, and leave everything as it is."""
        for room in self.rooms.values():
            room.client.application.extensions["journeys"].keeps = False

    def done(self, service: str, method: str, path: str, who: str, body: Any = None, **headers: str) -> Any:
        """What a request that must succeed came to. Raises AssertionError for one that is refused."""
        answer = self.ask(service, method, path, who, body, **headers)
        assert answer.status_code < 300, f"{method} {path} of {who}: {answer.text}"
        return answer.json

    def spread(self) -> None:
        """Tell every service what the others have said, until nothing is new."""
        while any(room.told < len(room.memory.said) for room in self.rooms.values()):
            for name, room in self.rooms.items():
                new = room.memory.said[room.told :]
                room.told = len(room.memory.said)
                for subject, fact in new:
                    self._tell(name, subject, fact)

    def _tell(self, source: str, subject: Subject, fact: Fact) -> None:
        kind = BY_BODY[type(fact)]
        self.heard.append(fact)
        self.of.append(subject)
        if isinstance(fact, EntryFact):
            self.programmes.register.put(entry_of(fact))
        for name, room in self.rooms.items():
            fold = room.folds.get(type(fact))
            if name != source and fold is not None:
                extra = room.memory.beside(room.memory, subject)
                received = Received(subject, kind.source, 1, kind.name, fact, {}, extra)
                state = room.memory.states.get(subject)
                room.memory.save(subject, fold(state, received, self.programmes))

    def pass_to(self, on: date) -> None:
        """Let the days until this one pass, with all that falls due on the way."""
        self.today = on
        for room in self.rooms.values():
            room.memory.at = noon(on)
        while sum(room.fire_due() for room in self.rooms.values()):
            self.spread()


def house(*programmes: Programme, today: date) -> House:
    """An empty house."""
    return House(FakeProgrammes(*programmes), today)
