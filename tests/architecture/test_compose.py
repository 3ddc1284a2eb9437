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
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.preparation import Owners, prepare
from deploy.secrets import EXAMPLE
from shared.host.settings import read_settings
from tests.support.compose_faults import ENVIRONMENT, FILE, Compose, all_faults, ours
from tests.support.deployment import (
    interpolated,
    role_of,
    service_of,
)


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
                ["deploy.programmes", "publish", "deploy/coactive.yaml"],
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
        pytest.param(
            _set("services/programme/environment/KAFKA_USERNAME", "intake"), id="a service's user for rights"
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
