"""The processes of a stack, as data: what each is for, its command, its environment, how one sees it is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tools.stack.settings import CONTRACT, LISTENERS, PORTS, SERVICES, Settings

INFRASTRUCTURE = ("database", "broker")
SERVICE_PROCESSES = tuple(f"{service}-{role}" for service, roles in SERVICES.items() for role in roles)
EVERYTHING = (*INFRASTRUCTURE, "issuer", *SERVICE_PROCESSES)

DOES: Mapping[str, str] = {
    "database": "MongoDB, replica set of one",
    "broker": "Apache Kafka, one node",
    "issuer": "signs tokens, local only",
    "web": "HTTP API",
    "consume": "events, relay, timers",
    "stream": "figures as they change",
    "project": "counts figures",
}


@dataclass(frozen=True)
class Process:
    """One process. `ready_path` is asked by HTTP on `health_port` until it answers 200; None: asked otherwise."""

    name: str
    does: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    health_port: int
    ready_path: str | None
    # Told to stop, it has so long before it is killed.
    stop_seconds: float = 15.0
    # Reports lag and halts at /progress.
    consumes: bool = False


def described(name: str, settings: Settings, command: tuple[str, ...] = ()) -> Process:
    """The process of that name. `command` is given for the broker and the database, which are prepared first."""
    if name not in PORTS or name in LISTENERS:
        raise ValueError(f"there is no process {name!r}; there are {', '.join(EVERYTHING)}")
    stack = {"STACK_PORT_BASE": str(settings.port_base), "STACK_DIR": str(settings.folder)}
    if name in settings.infrastructure:
        kind = name.partition("-")[0]
        does = DOES[kind] if settings.nodes(kind) == (name,) else f"one node of three of {kind}"
        return Process(
            name, does, command, {}, settings.port(name), settings.port(name), None, stop_seconds=30.0
        )
    if name == "issuer":
        command = (sys.executable, "-m", "tools.stack.issuer")
        port = settings.port(name)
        return Process(name, DOES[name], command, stack, port, port, "/healthz")
    service, role = name.rsplit("-", 1)
    return Process(
        name,
        DOES[role],
        (sys.executable, "-m", f"services.{service.replace('-', '_')}.app", role),
        settings.environment(service, role),
        settings.port(name),
        settings.health_port(name),
        "/readyz",
        consumes=role in ("consume", "project"),
    )


def surroundings() -> dict[str, str]:
    """What every process inherits: this one's environment, less what would tell a service of another stack."""
    return {name: value for name, value in os.environ.items() if name not in CONTRACT} | {
        "PYTHONUNBUFFERED": "1"
    }
