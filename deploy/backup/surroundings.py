"""What the commands work on: the administrators' connections, and which databases and topics belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

from deploy.database import DATABASES
from deploy.topics import config_from_environment
from shared.language.events import PROGRAMMES_TOPIC, REGISTER_TOPIC, SOURCES, TOPICS
from shared.runtime.reads import audit_database

AUDITS = tuple(map(audit_database, DATABASES))
OWN_TOPICS: Mapping[str, frozenset[str]] = {
    source.replace("-", "_"): frozenset({TOPICS[source]}) for source in SOURCES
} | {"intake": frozenset({TOPICS["intake"], PROGRAMMES_TOPIC, REGISTER_TOPIC})}
"""{a service's database: the topics that its events are on}."""

Client = MongoClient[dict[str, Any]]


class CannotDo(Exception):
    """The command cannot be carried out; the text says why and what to do."""


@contextmanager
def connected(environment: Mapping[str, str]) -> Iterator[Client]:
    """MongoDB as its administrator. Raises KeyError for a variable that is missing."""
    ca_file = environment.get("MONGODB_CA_FILE")
    tls: dict[str, Any] = {"tls": True, "tlsCAFile": ca_file} if ca_file else {}
    with MongoClient[dict[str, Any]](
        environment["MONGODB_HOST"],
        username=environment["MONGODB_ADMIN_USERNAME"],
        password=environment["MONGODB_ADMIN_PASSWORD"],
        replicaSet=environment.get("MONGODB_REPLICA_SET", "rs0"),
        w="majority",
        tz_aware=True,
        serverSelectionTimeoutMS=10_000,
        **tls,
    ) as client:
        yield client


def kafka_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """Kafka as its administrator. Raises KeyError for a variable that is missing."""
    return config_from_environment(environment)


def require_stopped(client: Client) -> None:
    """Raise CannotDo while a process of a service is connected to MongoDB: each says its database's name there."""
    connected_now = client.admin.aggregate(
        [
            {"$currentOp": {"allUsers": True, "idleConnections": True}},
            {"$match": {"appName": {"$in": list(DATABASES)}}},
            {"$group": {"_id": "$appName", "connections": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
    )
    running = [f"{row['_id']} ({row['connections']} connections)" for row in connected_now]
    if running:
        raise CannotDo(f"Stop every process of the services first; still connected: {', '.join(running)}.")
