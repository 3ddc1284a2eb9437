"""The services as they declare themselves, built without connecting to anything."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from pymongo import MongoClient
from starlette.routing import Mount

from services.outcome.stream.routes import ACTIONS, Edge
from shared.edge.callers import Admission, admission_of
from shared.edge.interface import NO_CONTACT
from shared.edge.web import create_app
from shared.language.decision import Fold
from shared.language.events import BY_BODY, SOURCES, EventType, Fact
from shared.language.programmes import Action
from shared.operations.examples import examples_of, interface_of
from shared.operations.rebuild_routes import blueprints_of
from shared.runtime.clock import Clock
from shared.runtime.commands import Commands
from shared.runtime.fingerprint import fingerprints_from
from shared.runtime.parts import Service
from shared.runtime.published import Published
from shared.runtime.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "services"

NOWHERE = Settings(
    mongodb_uri="mongodb://nowhere.invalid/?replicaSet=none",
    kafka_servers=("nowhere.invalid:9092",),
    kafka_security="SASL_PLAINTEXT",
    kafka_username="nobody",
    kafka_password="",
    kafka_ca_file=None,
    oidc_issuer="https://nowhere.invalid",
    oidc_audience="journeys",
    oidc_jwks_url="https://nowhere.invalid/jwks",
    http_host="127.0.0.1",
    http_port=0,
    health_port=0,
    driven_clock=True,
    log_level="INFO",
    vault_master_key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    vault_retired_keys=(),
    number_keys=("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",),
    fingerprint_key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    operator_organisations=frozenset({"plattform"}),
    api_contact_email=NO_CONTACT,
)
"""Settings that lead nowhere: what is generated must not depend on surroundings. The keys are all zeros; the clock is
driven, so that its route, which only the local stack has, is described too."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A consumer group that acts on an event: a service's own, or one of its projections. fold: what it does."""

    service: str
    group: str
    fold: Fold


@cache
def services() -> Mapping[str, Service]:
    """Every service by the name of its folder, in the order of the journey."""
    order = [source.replace("-", "_") for source in SOURCES]
    return {
        name: importlib.import_module(f"services.{name}.app").SERVICE
        for name in order
        if (FOLDER / name / "app.py").exists()
    }


@cache
def application(name: str) -> Flask:
    """The web application of a service: its routes and its document are real, its database is not."""
    service = services()[name]
    client: MongoClient[dict[str, Any]] = MongoClient(NOWHERE.mongodb_uri, connect=False)
    database = client[service.database]
    commands = Commands(
        client=client,
        database=service.database,
        repository=service.repository,
        published=Published(database),
        source=service.source,
        clock=Clock(database, driven=NOWHERE.driven_clock),
        fingerprints=fingerprints_from(NOWHERE.fingerprint_key),
        waiters=1,
    )
    return application_of(
        service, commands, admission_of(NOWHERE), Clock(database, driven=NOWHERE.driven_clock)
    )


def application_of(service: Service, commands: Commands, admission: Admission, clock: Clock) -> Flask:
    """The web application of a service over commands and admission of the caller's choice."""
    return create_app(
        interface=interface_of(service),
        blueprints=(*service.blueprints(), *blueprints_of(service)),
        commands=commands,
        admission=admission,
        operators=NOWHERE.operator_organisations,
        clock=clock,
        examples=examples_of(service),
        provided=service.provides(NOWHERE),
    )


def stream_routes() -> list[tuple[str, str, Action | None]]:
    """(method, path, action or None) of outcome's stream role, which is no Flask application."""
    nothing: Any = None
    parts = {one.name: nothing for one in fields(Edge)} | {"public_url": NOWHERE.oidc_issuer}
    return [
        (method, path, ACTIONS.get(f"{method} {path}"))
        for mount in Edge(**parts).app().routes
        if isinstance(mount, Mount)
        for route in mount.routes
        for path in [f"{route.path}/{{path}}" if isinstance(route, Mount) else getattr(route, "path", "")]
        for method in sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"})
    ]


def handlers(kind: EventType) -> list[Handler]:
    """Who acts on the event. What a service says itself it does not consume; a projection does."""
    body: type[Fact] = kind.body
    found = []
    for name, service in services().items():
        if service.source != kind.source and (fold := service.folds.get(body)):
            found.append(Handler(name, service.source, fold))
        projections = service.projections.values()
        found += [Handler(name, one.group, one.folds[body]) for one in projections if body in one.folds]
    return found


def event_types() -> list[EventType]:
    """Every event version, in the order of their definition."""
    return list(BY_BODY.values())
