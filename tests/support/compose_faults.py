"""What may be wrong in docker-compose.yml: each function names the faults of one kind."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymongo.uri_parser import parse_uri

from deploy.declaration import declared
from deploy.preparation import variable
from tests.support.deployment import (
    REPOSITORY,
    command_faults,
    command_of,
    database_user_of,
    filled_environment,
    paths_answered,
    reads_of,
    role_of,
    service_of,
)

FILE = REPOSITORY / "docker-compose.yml"


PROXY = REPOSITORY / "deploy/proxy/nginx.conf"


OURS = "journeys:local"


PORTS = {"kafka": "9092", "mongodb": "27017", "issuer": "8080"}


ENVIRONMENT = filled_environment()


Compose = dict[str, Any]


def ours(compose: Compose) -> Iterator[tuple[str, Any]]:
    """The services that run our image; `command` is what follows `python -m`."""
    for name, one in compose["services"].items():
        if one["image"] == OURS:
            yield name, {**one, "command": command_of(one.get("entrypoint"), one["command"])}


def mounts(service: Any) -> dict[str, str]:
    """{path in the container: volume or folder it comes from}."""
    return {target: source for source, target, *_ in (one.split(":") for one in service.get("volumes", ()))}


def command_and_variable_faults(compose: Compose) -> Iterator[str]:
    """Commands and roles that are not there, variables that nobody reads, and those that are missing."""
    for name, service in ours(compose):
        command, given = service["command"], set(service["environment"])
        yield from (f"{name}: {fault}" for fault in command_faults(command))
        reads = reads_of(command)
        yield from (f"{name} is not told {one}" for one in sorted(reads.required - given))
        yield from (f"{name} does not read {one}" for one in sorted(given - reads.required - reads.optional))


def identity_faults(compose: Compose) -> Iterator[str]:
    """Users that are not the service's own, or given another's password."""
    known = {one.name for one in declared().principals} | {"admin"}
    mongod = next(one for one in compose["services"]["mongodb"]["command"] if one.startswith("--replSet="))
    for name, service in ours(compose):
        given, owner = service["environment"], service_of(service["command"])
        if user := given.get("KAFKA_USERNAME"):
            if user not in known or (owner and user != owner):
                yield f"{name} is {user} to Kafka"
            if given["KAFKA_PASSWORD"] != ENVIRONMENT[variable("KAFKA", user)]:
                yield f"{name} has a Kafka password that is not {user}'s"
            if given["KAFKA_SECURITY_PROTOCOL"] != "SASL_SSL":
                yield f"{name} speaks to Kafka in the clear"
        if uri := given.get("MONGODB_URI"):
            parsed = parse_uri(uri, validate=False)
            user = str(database_user_of(service["command"])).replace("-", "_")
            if (parsed["username"], parsed["database"]) != (user, user):
                yield f"{name} is {parsed['username']} in {parsed['database']} to MongoDB"
            if parsed["password"] != ENVIRONMENT[variable("MONGODB", user)]:
                yield f"{name} has a MongoDB password that is not {user}'s"
            if (
                not parsed["options"].get("tls")
                or f"--replSet={parsed['options'].get('replicaSet')}" != mongod
            ):
                yield f"{name} reaches MongoDB without TLS or in another replica set"


def reach_faults(compose: Compose) -> Iterator[str]:
    """Hosts that a service looks for and that are not there, on another port, or on no network of its own."""
    services = compose["services"]
    for name, service in services.items():
        networks = set(service.get("networks", ()))
        if joined := re.fullmatch(r"service:(\w+)", service.get("network_mode", "")):
            networks = set(services[joined[1]]["networks"])
        told = " ".join(map(str, service.get("environment", {}).values()))
        for host, port in re.findall(r"(?:^|[/@ ,])([a-z][a-z-]*):(\d{4,5})\b", told):
            if host == "localhost":
                continue  # what people outside are told
            listens = services.get(host, {}).get("environment", {}).get("HTTP_PORT")
            if host not in services or port not in (PORTS.get(host), listens):
                yield f"{name} looks for {host} on {port}"
            # Only who answers people asks the issuer; the others are told of it with the rest.
            elif not networks & set(services[host]["networks"]) and host != "issuer":
                yield f"{name} cannot reach {host}"


def file_faults(compose: Compose, prepared: Path) -> Iterator[str]:
    """Files that a service reads and that nobody writes, and folders that are mounted from nowhere."""
    written = {source: Path(target).name for target, source in mounts(compose["services"]["prepare"]).items()}
    for name, service in compose["services"].items():
        mounted = mounts(service)
        for source in mounted.values():
            there = (
                (FILE.parent / source).exists() if source.startswith("./") else source in compose["volumes"]
            )
            if not there:
                yield f"{name} mounts {source}, which is not there"
        told = f"{[*service.get('environment', {}).values()]} {service.get('command')} {service.get('entrypoint')}"
        for path in re.findall(r"/(?:run|prepared|etc/journeys)/[\w./-]+", told):
            at = next((one for one in mounted if path == one or path.startswith(f"{one}/")), None)
            if at is None:
                yield f"{name} reads {path}, which is mounted from nowhere"
                continue
            source = mounted[at]
            folder = FILE.parent / source if source.startswith("./") else prepared / written[source]
            if not (folder / path[len(at) :].lstrip("/")).exists():
                yield f"{name} reads {path}, which nobody writes"


def order_faults(compose: Compose) -> Iterator[str]:
    """Others that a service waits for in vain."""
    services = compose["services"]
    for name, service in services.items():
        waits = service.get("depends_on", {})
        for other, needs in waits.items() if isinstance(waits, dict) else ():
            condition, awaited = needs["condition"], services.get(other)
            if awaited is None:
                yield f"{name} waits for {other}, which is not there"
            elif condition == "service_healthy" and "test" not in awaited.get("healthcheck", {}):
                yield f"{name} waits until {other} is healthy, which nobody asks"
            elif condition == "service_completed_successfully" and not _ends(awaited):
                yield f"{name} waits until {other} is done, which begins again each time"


def _ends(service: Any) -> bool:
    return service["restart"] == "no" or str(service["restart"]).startswith("on-failure")


def health_faults(compose: Compose) -> Iterator[str]:
    """Health checks that ask another port or a path that is not answered."""
    for name, service in ours(compose):
        role, check = role_of(service["command"]), service["healthcheck"]
        if "test" not in check:
            if check != {"disable": True} or not _ends(service):
                yield f"{name} goes on and is never asked for its health"
            continue
        port, path = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(check["test"]))[0]
        listens = service["environment"].get("HEALTH_PORT" if role else "STACK_PORT_BASE")
        if port != listens:
            yield f"{name} listens on {listens} and is asked on {port}"
        if path != "/readyz" or path not in paths_answered(service["command"]):
            yield f"{name} is asked for {path}"


def openness_faults(compose: Compose) -> Iterator[str]:
    """Containers that may do more than they need, and ports that are open to others."""
    for name, service in compose["services"].items():
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            yield f"{name} may write to its own file system or keeps capabilities"
        if service.get("security_opt") != ["no-new-privileges:true"] or "privileged" in service:
            yield f"{name} may gain privileges"
        root = service.get("user", "").startswith("0")
        if (root or "cap_add" in service) and (name != "prepare" or service["network_mode"] != "none"):
            yield f"{name} is root or has capabilities, and a network"
        for port in service.get("ports", ()):
            address, _, target = port.split(":")
            if name != "proxy" and (name not in ("issuer", "grafana") or address != "127.0.0.1"):
                yield f"{name} publishes {port}"
            if name == "proxy" and target not in doors():
                yield f"{name} publishes {target}, on which nobody listens"
    for network in ("data", "watch", "operate"):
        if not compose["networks"][network].get("internal"):
            yield f"the network {network} has a way out"


def doors() -> dict[str, str]:
    """{port of the proxy: host and port of the service that it leads to}."""
    return dict(re.findall(r"^\s+(\d{4}) ([a-z-]+:\d+);$", PROXY.read_text(encoding="utf-8"), re.MULTILINE))


def door_faults(compose: Compose) -> Iterator[str]:
    """Services that answer callers and have no door, doors that lead nowhere, and proxies whose word counts for all."""
    services, proxy = compose["services"], compose["services"]["proxy"]
    published = {port.rsplit(":", 1)[1] for port in proxy["ports"]}
    answering = {
        f"{name}:{one['environment']['HTTP_PORT']}"
        for name, one in ours(compose)
        if role_of(one["command"]) in ("web", "stream")
    }
    if set(doors()) != published or set(doors().values()) != answering:
        yield f"the proxy's doors are {doors()}, and {published} are published"
    for name in (one.partition(":")[0] for one in answering):
        if set(proxy["networks"]) & set(services[name]["networks"]) != {"front"}:
            yield f"the proxy reaches {name} by another way than its own network"
        subnet = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
        if services[name]["environment"].get("TRUSTED_PROXIES") != subnet:
            yield f"{name} believes others than the proxy"
    listens = re.findall(r"listen (\d+);", PROXY.read_text(encoding="utf-8"))
    if set(listens) != published:
        yield f"the proxy listens on {listens}"


def all_faults(compose: Compose, prepared: Path) -> list[str]:
    """Everything that is wrong with a compose file."""
    return [
        *command_and_variable_faults(compose),
        *identity_faults(compose),
        *reach_faults(compose),
        *file_faults(compose, prepared),
        *order_faults(compose),
        *health_faults(compose),
        *openness_faults(compose),
        *door_faults(compose),
    ]
