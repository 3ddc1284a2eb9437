"""docker-compose.yml asks for nothing that the code does not have, and leaves nothing open.

Docker cannot run here. The file is therefore held to the Compose specification's own schema and to the code:
commands, roles, paths, ports, variables, users and files. `test_closed_stack` starts Kafka and MongoDB with what it
says; here each check is also shown to fail.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo.uri_parser import parse_uri

from deploy.preparation import Owners, prepare, variable
from deploy.secrets import EXAMPLE
from deploy.topics import declared
from shared.host.settings import read_settings
from tests.support.deployment import (
    REPOSITORY,
    command_faults,
    command_of,
    filled_environment,
    interpolated,
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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the `prepare` service writes: one folder per volume."""
    folder = tmp_path_factory.mktemp("prepared")
    me = os.getuid()
    prepare(folder, ENVIRONMENT, Owners(kafka=me, mongodb=me, service=me), at=datetime.now(UTC))
    return folder


@pytest.fixture(scope="module")
def as_read() -> str:
    """The file as compose reads it, as JSON: in YAML an anchor would be one object in several places."""
    return json.dumps(interpolated(FILE.read_text(encoding="utf-8"), ENVIRONMENT))


@pytest.fixture
def compose(as_read: str) -> Compose:
    """The file as compose reads it, a copy of its own."""
    document: Compose = json.loads(as_read)
    return document


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
    for agency in ENVIRONMENT["REPLY_ORGANISATIONS"].split(","):
        if f"inbound.{agency}.replies.v1" not in {topic.name for topic in declared().topics}:
            yield f"{agency} has no reply topic"


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
            user = str(owner).replace("-", "_")
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


def validate_by_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """Compose's own schema, as an outside validator carries it."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_file_follows_the_compose_specification() -> None:
    done = validate_by_schema(FILE)
    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_a_key_that_compose_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text(encoding="utf-8").replace("    ports:", "    prots:"), encoding="utf-8")
    assert validate_by_schema(wrong).returncode != 0


def test_everything_in_it_is_there_and_nothing_is_open(compose: Compose, prepared: Path) -> None:
    assert all_faults(compose, prepared) == []


def test_every_service_and_role_has_a_container(compose: Compose) -> None:
    from tools.stack.settings import SERVICES

    expected = {(service, role) for service, roles in SERVICES.items() for role in roles}
    assert {(service_of(one["command"]), role_of(one["command"])) for _, one in ours(compose)} >= expected


def test_what_each_process_is_told_is_what_it_takes_in(compose: Compose) -> None:
    for name, service in ours(compose):
        if not service["command"][0].startswith("services."):
            continue
        role = role_of(service["command"]) or ""
        settings = read_settings(str(service_of(service["command"])), role, service["environment"])
        assert settings.http_host == "0.0.0.0", name
        assert settings.kafka_servers == ("kafka:9092",), name
        assert settings.oidc_jwks_url == ENVIRONMENT["OIDC_JWKS_URL"], name
        assert not settings.driven_clock, name


def test_every_variable_is_in_the_example_and_every_secret_is_demanded() -> None:
    text = FILE.read_text(encoding="utf-8")
    used = dict(re.findall(r"\$\{(\w+)(:\?|:-[^}]*|)\}", text))
    example = dict(re.findall(r"^([A-Z]\w*)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(used) - {"IMAGE", "VAULT_RETIRED_KEYS"} == set(example)
    assert {name for name, value in example.items() if not value} <= {
        name for name, how in used.items() if how == ":?"
    }


def test_no_secret_is_written_in_the_file() -> None:
    for name, service in yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"].items():
        for variable_name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|_KEY$", variable_name) and not variable_name.endswith("_DIR"):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), f"{name}: {variable_name}"


def _set(path: str, value: Any) -> Callable[[Compose], None]:
    def change(compose: Compose) -> None:
        *way, last = path.split("/")
        at = compose
        for step in way:
            at = at[step]
        at[last] = value

    return change


def _drop(path: str, name: str) -> Callable[[Compose], None]:
    def change(compose: Compose) -> None:
        at = compose
        for step in path.split("/"):
            at = at[step]
        del at[name]

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_set("services/intake-web/command", ["services.intake.apps", "web"]), id="module"),
        pytest.param(_set("services/outcome-project/command", ["services.outcome.app", "count"]), id="role"),
        pytest.param(_set("services/topics/command", ["deploy.topics", "aply"]), id="subcommand"),
        pytest.param(
            _set(
                "services/programme/command",
                ["services.intake.programmes", "publish", "deploy/coactive.yaml"],
            ),
            id="file of a command",
        ),
        pytest.param(_set("services/journeys/command", ["stats"]), id="command of the operators"),
        pytest.param(_drop("services/journeys/environment", "OUTCOME_URL"), id="a service operators miss"),
        pytest.param(
            _set("services/journeys/environment/INTAKE_URL", "http://intake-web:8081"), id="port of a service"
        ),
        pytest.param(_drop("services/handover-consume/environment", "MONGODB_URI"), id="variable missing"),
        pytest.param(_drop("services/intake-web/environment", "VAULT_MASTER_KEY"), id="vault without a key"),
        pytest.param(
            _drop("services/outcome-web/environment", "FINGERPRINT_KEY"), id="fingerprints without a key"
        ),
        pytest.param(
            _set("services/intake-consume/environment/VAULT_MASTER_KEY", "key"), id="key without a vault"
        ),
        pytest.param(
            _set("services/programme/environment/VAULT_MASTER_KEY", "key"), id="key for a publication"
        ),
        pytest.param(_drop("services/prepare/environment", "KAFKA_PASSWORD_OUTCOME"), id="password missing"),
        pytest.param(_set("services/outcome-web/environment/HTTP_PROT", "8000"), id="variable nobody reads"),
        pytest.param(
            _set("services/outcome-web/environment/KAFKA_USERNAME", "intake"), id="another's principal"
        ),
        pytest.param(
            _set("services/outcome-web/environment/KAFKA_PASSWORD", "guess"), id="another's password"
        ),
        pytest.param(
            _set("services/outcome-web/environment/MONGODB_URI", "mongodb://outcome:x@mongodb:27017/intake"),
            id="another's database",
        ),
        pytest.param(
            _set("services/intake-web/environment/KAFKA_BOOTSTRAP_SERVERS", "broker:9092"), id="host"
        ),
        pytest.param(
            _set("services/topics/environment/KAFKA_BOOTSTRAP_SERVERS", "kafka:9093"), id="port of a host"
        ),
        pytest.param(_set("services/intake-consume/networks", ["edge"]), id="network"),
        pytest.param(_set("services/intake-web/volumes", []), id="mount missing"),
        pytest.param(_set("services/topics/environment/KAFKA_CA_FILE", "/run/authority/cas.pem"), id="file"),
        pytest.param(_set("services/kafka/volumes", ["./deploy/kafak:/etc/journeys:ro"]), id="folder"),
        pytest.param(_drop("services/kafka", "healthcheck"), id="health nobody asks"),
        pytest.param(_set("services/prepare/restart", "always"), id="done, and begun again"),
        pytest.param(
            _set("services/handover-web/environment/HEALTH_PORT", "9001"), id="port of a health check"
        ),
        pytest.param(
            _set("services/handover-consume/healthcheck/test", ["CMD", "get", "http://127.0.0.1:9000/ready"]),
            id="path of a health check",
        ),
        pytest.param(_drop("services/outcome-web", "read_only"), id="file system writable"),
        pytest.param(_drop("services/mongodb", "cap_drop"), id="capabilities"),
        pytest.param(_set("services/kafka/user", "0:0"), id="root"),
        pytest.param(_set("services/intake-web/ports", ["127.0.0.1:8086:9000"]), id="health published"),
        pytest.param(_set("services/intake-web/ports", ["127.0.0.1:8086:8000"]), id="a way past the proxy"),
        pytest.param(_set("services/proxy/ports", ["127.0.0.1:8081:8081"]), id="a door missing"),
        pytest.param(_set("services/proxy/networks", ["front", "edge"]), id="proxy on another network"),
        pytest.param(
            _set("services/outcome-stream/environment/TRUSTED_PROXIES", "0.0.0.0/0"), id="anybody believed"
        ),
        pytest.param(_set("services/kafka/ports", ["127.0.0.1:9092:9092"]), id="Kafka published"),
        pytest.param(_set("services/grafana/ports", ["0.0.0.0:3000:3000"]), id="Grafana open to others"),
        pytest.param(_set("networks/data", {}), id="a way out of the data network"),
        pytest.param(_set("networks/operate", {}), id="a way out of the operators' network"),
    ],
)
def test_each_kind_of_mistake_is_found(
    compose: Compose, prepared: Path, change: Callable[[Compose], None]
) -> None:
    before = all_faults(compose, prepared)
    change(compose)
    assert set(all_faults(compose, prepared)) - set(before)
