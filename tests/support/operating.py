"""An operator at a toy service: the real groups, rules and routes, on the database of a runtime test."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pymongo import MongoClient

from shared.edge.callers import Admission
from shared.edge.interface import Interface
from shared.edge.web import create_app
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import Fold
from shared.operations.mending import Order
from shared.operations.routes import EXTENSION, blueprint, operations_of
from shared.runtime.channels import Channels
from shared.runtime.clock import Clock
from shared.runtime.groups import Group
from shared.runtime.parts import Parts, Service
from shared.runtime.published import Published
from shared.runtime.settings import Settings
from tests.support.fakes import UNLIMITED, FakeCommands, FakeWork, NamedTokens
from tests.support.published import FakeProgrammes
from tests.support.toy import ToyRepository
from tools.contracts.services import NOWHERE

OPERATOR = Actor("duty-officer-7", "drift", "operator")
_keys = count()


def order(reason: str = "mended in release 7", key: str | None = None, fingerprint: str = "of {}") -> Order:
    """An operator's order, under a key of its own unless one is given."""
    return Order(OPERATOR, reason, key or f"key-{next(_keys)}", fingerprint, datetime.now(UTC))


def toy_parts(
    client: MongoClient[dict[str, Any]],
    database: str,
    folds: Mapping[type[e.Fact], Fold],
    kafka: Mapping[str, Any] | None = None,
) -> Parts:
    """The parts of a toy service that keeps its states in that database. kafka: how its processes reach a broker."""
    service = Service(
        title="Toy",
        source="outcome",
        database=database,
        repository=ToyRepository(),
        folds=folds,
        timers={},
        blueprints=lambda: (),
        indexes={},
    )
    return Parts(
        service=service,
        settings=_settings(kafka),
        client=client,
        clock=Clock(client[database], driven=False),
        published=Published(client[database]),
        channels=Channels(client[database]),
        stop=threading.Event(),
    )


def _settings(kafka: Mapping[str, Any] | None) -> Settings:
    if kafka is None:
        return NOWHERE
    servers = kafka["bootstrap_servers"]
    return replace(
        NOWHERE,
        kafka_servers=(servers,) if isinstance(servers, str) else tuple(servers),
        kafka_security=kafka["security_protocol"],
        kafka_username=kafka["sasl_plain_username"],
        kafka_password=kafka["sasl_plain_password"],
    )


HEARD = (e.TOPICS["intake"], e.TOPICS["activity-tracking"], e.PROGRAMMES_TOPIC)


def toy_group(
    name: str,
    folds: Mapping[type[e.Fact], Fold],
    *,
    own_source: e.Source | None = "outcome",
    topics: tuple[str, ...] = HEARD,
    keeps: tuple[str, ...] = (),
) -> Group:
    """A group of that name with the toy's states."""
    return Group(
        name=name,
        repository=ToyRepository(),
        folds=folds,
        topics=topics,
        own_source=own_source,
        keeps=keeps,
    )


def web(parts: Parts, groups: Mapping[str, Group]) -> FlaskClient:
    """The service's web application; tokens are `<organisation>:<duty>`."""
    app: Flask = create_app(
        interface=Interface("Toy", "", ""),
        blueprints=(blueprint(),),
        commands=FakeCommands(FakeWork(FakeProgrammes(), datetime.now(UTC))),
        admission=Admission(NamedTokens(), UNLIMITED),
        operators={OPERATOR.organisation},
        clock=parts.clock,
    )
    app.extensions[EXTENSION] = operations_of(parts, groups)
    return app.test_client()


class Desk:
    """Sends requests as an operator."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str) -> Any:
        """The answer's JSON, whatever its status."""
        return self._client.get(path, headers={"Authorization": "Bearer drift:operator"}).json

    def post(self, path: str, **body: Any) -> Any:
        """The answer's JSON to a change, each under a key of its own."""
        headers = {"Authorization": "Bearer drift:operator", "Idempotency-Key": f"desk-{next(_keys)}"}
        return self._client.post(path, json=body, headers=headers).json
