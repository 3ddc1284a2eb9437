"""The parts of one service and of one of its processes, as values.

The composition root of each service names its parts in a `Service`; a process connects them into `Parts`. This module
starts nothing.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pymongo import IndexModel, MongoClient
from pymongo.client_session import ClientSession

from shared.language.decision import Fold, Repository, Settles, TimerFold, TimerUseCase
from shared.language.events import PROGRAMMES_TOPIC, REGISTER_TOPIC, SOURCES, TOPICS, Fact, Source
from shared.runtime.breaker import Breaker
from shared.runtime.channels import Channels
from shared.runtime.clock import Clock
from shared.runtime.collections import Collections
from shared.runtime.fold import Batch, Enrich
from shared.runtime.groups import Group
from shared.runtime.kafka import client_options
from shared.runtime.published import Published
from shared.runtime.settings import Settings
from shared.runtime.unit import Unit
from shared.runtime.write_conflicts import OnRead

AnyBatch = TypeVar("AnyBatch", bound=Batch)


class Runnable(Protocol):
    """Something that runs in a thread of its own until told to stop."""

    progressed_at: float

    def run(self) -> None:
        """Run until the stop event is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A further consumer group of a service, with a state collection of its own, that emits nothing.

    keeps: the further collections that its folds write.
    """

    group: str
    repository: Repository
    folds: Mapping[type[Fact], Fold]
    enrich: Enrich | None = None
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that makes one service: its name, its parts, its pure rules.

    purpose: one sentence in Swedish and one in English for the published interface. examples: the file of recorded
    requests and answers. settles: what a timer's change comes to for other subjects. timer_use_cases: of timers that
    need more than their subject. enrich: adds what the folds of the service's own group need beside the events.
    blueprints: its routes, imported when the web process asks. provides: what they need beside a `Work`; raises Halt
    for settings that cannot be. threads: further threads of the consume process; web_threads: of the web process.
    roles: further processes, by name.
    """

    title: str
    source: Source
    database: str
    repository: Repository
    folds: Mapping[type[Fact], Fold]
    timers: Mapping[str, TimerFold]
    blueprints: Callable[[], tuple[Any, ...]]
    indexes: Mapping[str, list[IndexModel]]
    purpose: tuple[str, str] = ("", "")
    examples: Path | None = None
    settles: Settles | None = None
    timer_use_cases: Mapping[str, TimerUseCase] = field(default_factory=dict)
    enrich: Enrich | None = None
    provides: Callable[[Settings], Any] = lambda settings: None
    projections: Mapping[str, Projection] = field(default_factory=dict)
    threads: Callable[["Parts"], list[tuple[str, Runnable]]] = lambda parts: []
    web_threads: Callable[["Parts"], list[tuple[str, Runnable]]] = lambda parts: []
    roles: Mapping[str, Callable[["Parts"], None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One process's connections and clocks."""

    service: Service
    settings: Settings
    client: MongoClient[dict[str, Any]]
    clock: Clock
    published: Published
    channels: Channels
    stop: threading.Event

    @property
    def kafka_options(self) -> dict[str, Any]:
        """The options with which this process connects to Kafka."""
        return client_options(self.settings)

    def unit(
        self,
        session: ClientSession,
        repository: Repository | None = None,
        database: Collections | None = None,
        on_read: OnRead | None = None,
    ) -> Unit:
        """A unit of work on this service's database, now. on_read: called with the documents that it reads."""
        return Unit(
            self.client[self.service.database] if database is None else database,
            session,
            repository or self.service.repository,
            self.published,
            self.service.source,
            lambda: self.clock.now(session),
            on_read=on_read,
        )


def groups_of(service: Service) -> dict[str, Group]:
    """Every consumer group of the service by its name: its own first, then its projections."""
    own = Group(
        name=service.source,
        repository=service.repository,
        folds=service.folds,
        topics=tuple(consumed_topics(service, None)),
        own_source=service.source,
        enrich=service.enrich,
    )
    further = [
        Group(
            name=one.group,
            repository=one.repository,
            folds=one.folds,
            topics=tuple(consumed_topics(service, one)),
            own_source=None,
            enrich=one.enrich,
            keeps=one.keeps,
        )
        for one in service.projections.values()
    ]
    return {group.name: group for group in (own, *further)}


def batch_of(
    parts: Parts,
    group: Group,
    session: ClientSession,
    breaker: Breaker,
    make: type[AnyBatch],
    on_read: OnRead | None = None,
) -> tuple[Unit, AnyBatch]:
    """A batch of the group in this transaction, and the unit that has to be flushed after it."""
    database = group.seen(parts.client[parts.service.database])
    unit = parts.unit(session, group.repository, database, on_read)
    batch = make(
        unit,
        database,
        session,
        group=group.name,
        own_source=group.own_source,
        sources=frozenset(SOURCES),
        folds=group.folds,
        published=parts.published,
        breaker=breaker,
        enrich=group.enrich,
    )
    return unit, batch


def consumed_topics(service: Service, projection: Projection | None) -> list[str]:
    """The topics of everybody else, of everybody for a projection, and the programmes.

    A service's own group keeps the register for all its processes. Intake, which says what the register holds, has
    kept it already.
    """
    told = [TOPICS[one] for one in SOURCES if projection or one != service.source] + [PROGRAMMES_TOPIC]
    return told if projection or service.source == "intake" else [*told, REGISTER_TOPIC]
