"""What docker-compose.yml says, run without Docker: Kafka and MongoDB behind TLS, set up and used as it says.

The broker starts from the very script and configuration that compose mounts, mongod with compose's own command, and
each process of ours with the variables its container gets. Only addresses, folders and Kafka's own two programs are
this machine's.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import TopicAuthorizationFailedError
from pymongo import MongoClient
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from deploy.certificates import issue
from deploy.preparation import Owners, prepare
from deploy.topics import config_from_environment
from tests.support.deployment import REPOSITORY, filled_environment, interpolated
from tests.support.stack import own_port_base
from tools.stack import Settings, broker, database, jars

PATIENCE_SECONDS = 90.0
KAFKA_PROGRAMS = {"kafka-storage.sh": "kafka.tools.StorageTool", "kafka-server-start.sh": "kafka.Kafka"}


def until(holds: Callable[[], Any], what: str) -> Any:
    """Ask again and again until it holds or patience ends."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not (found := holds()):
        assert time.monotonic() < deadline, f"never came: {what}"
        pause.wait(0.1)
    return found


@dataclass
class ClosedStack:
    """A compose installation whose addresses and folders are this machine's."""

    folder: Path
    settings: Settings
    secrets: dict[str, str]
    compose: dict[str, Any]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def here(self, text: str) -> str:
        """An address or path of a container, as it is on this machine."""
        for there, ours in {
            "kafka:9092": self.kafka,
            "0.0.0.0:9092": self.kafka,
            "localhost:9093": f"localhost:{self.settings.port('broker-controller')}",
            "127.0.0.1:9093": f"127.0.0.1:{self.settings.port('broker-controller')}",
            "mongodb:27017": self.mongodb,
            "--port=27017": f"--port={self.settings.port('database')}",
            "--bind_ip_all": "--bind_ip=localhost",
            "/run/": f"{self.folder}/prepared/",
            "/etc/journeys/": f"{self.folder}/etc/",
            "/opt/kafka/": f"{self.folder}/kafka/",
            "/var/lib/kafka/data": f"{self.folder}/kafka-data",
            "/data/db": f"{self.folder}/mongodb-data",
        }.items():
            text = text.replace(there, ours)
        return text.replace("0.0.0.0", "127.0.0.1")

    @property
    def kafka(self) -> str:
        return f"localhost:{self.settings.port('broker')}"

    @property
    def mongodb(self) -> str:
        return f"localhost:{self.settings.port('database')}"

    def environment(self, service: str) -> dict[str, str]:
        """What a container is told, and PATH."""
        given = self.compose["services"][service]["environment"]
        return {name: self.here(str(value)) for name, value in given.items()} | {"PATH": os.environ["PATH"]}

    def once(self, service: str, *command: str) -> str:
        """Run a one-shot service to its end, or another command in it; returns what it printed. Fails if that fails."""
        done = subprocess.run(
            [sys.executable, "-m", *(command or self.compose["services"][service]["command"])],
            env=self.environment(service),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, command: list[str], environment: dict[str, str], name: str) -> None:
        """Start a process whose output goes to `<name>.log`."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True
                )
            )

    def start_service(self, service: str, **changed: str) -> None:
        """Start a process of ours as its container does."""
        command = [sys.executable, "-m", *self.compose["services"][service]["command"]]
        self.start(command, self.environment(service) | changed, service)

    def stop(self) -> None:
        """End everything that was started."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def mongodb_client(self, service: str) -> MongoClient[dict[str, Any]]:
        """A client with the very URI of a service."""
        return MongoClient(self.environment(service)["MONGODB_URI"], serverSelectionTimeoutMS=10_000)

    def logs(self) -> str:
        """Everything that any process printed."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def start_broker(stack: ClosedStack) -> None:
    """As compose does: start.sh, with stand-ins for the image's two scripts that only name their Java class."""
    shutil.copytree(REPOSITORY / "deploy/kafka", stack.folder / "etc")
    for path in (stack.folder / "etc").iterdir():
        path.write_text(stack.here(path.read_text(encoding="utf-8")), encoding="utf-8")
    classpath = jars.classpath(os.environ, print)
    programs = stack.folder / "kafka/bin"
    programs.mkdir(parents=True)
    for name, java_class in KAFKA_PROGRAMS.items():
        program = programs / name
        java = f'"{broker.java(os.environ)}" -Xmx512m -XX:+UseSerialGC $KAFKA_LOG4J_OPTS'
        program.write_text(
            f'#!/bin/bash\nexec {java} -cp "{classpath}" {java_class} "$@"\n', encoding="utf-8"
        )
        program.chmod(0o755)
    service = stack.compose["services"]["kafka"]
    command = [stack.here(word) for word in service["entrypoint"]]
    stack.start(command, stack.environment("kafka"), "kafka")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedStack]:
    """Broker and database running and set up, no service started."""
    folder = tmp_path_factory.mktemp("closed")
    secrets = filled_environment()
    compose = interpolated((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"), secrets)
    settings = Settings(own_port_base(), folder)
    stack = ClosedStack(folder, settings, secrets, compose)
    me = os.getuid()
    prepare(folder / "prepared", secrets, Owners(kafka=me, mongodb=me, service=me), at=datetime.now(UTC))
    (folder / "mongodb-data").mkdir()
    mongod = [str(database.mongod(os.environ)), *map(stack.here, compose["services"]["mongodb"]["command"])]
    try:
        start_broker(stack)
        stack.start(mongod, {"PATH": os.environ["PATH"]}, "mongodb")
        stack.once("users")
        stack.once("topics")
        yield stack
    finally:
        stack.stop()


def test_setting_up_again_changes_nothing(closed: ClosedStack) -> None:
    assert closed.once("users") == "users: intake, activity_tracking, handover, outcome\n"
    assert [line for line in closed.once("topics").splitlines() if not line.startswith("users: ")] == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, id="without TLS"),
        pytest.param({"KAFKA_SECURITY_PROTOCOL": "SSL"}, id="without a user"),
        pytest.param({"KAFKA_CA_FILE": "stranger.pem"}, id="trusting another authority"),
        pytest.param({"KAFKA_PASSWORD": "guess"}, id="with a wrong password"),
    ],
)
def test_nobody_speaks_to_the_broker(closed: ClosedStack, wrong: dict[str, str]) -> None:
    authority, _ = issue({}, at=datetime.now(UTC))
    (closed.folder / "stranger.pem").write_bytes(authority)
    # In a process of its own: refused, kafka-python leaves its sockets to the garbage collector.
    done = subprocess.run(
        [sys.executable, "-m", "deploy.topics", "apply", "--wait-seconds", "1"],
        env=closed.environment("topics")
        | wrong
        | {
            "PYTHONPATH": str(REPOSITORY),
            "KAFKA_PASSWORDS_DIR": str(closed.folder / "prepared/passwords/kafka"),
        },
        cwd=closed.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "did not accept" in done.stderr


def test_a_service_may_write_its_own_topic_and_no_other_s(closed: ClosedStack) -> None:
    with contextlib.closing(
        KafkaProducer(**config_from_environment(closed.environment("outcome-consume")), max_block_ms=20_000)
    ) as producer:
        assert producer.send("journey.control.v1", b"{}").get(20).offset >= 0
        with pytest.raises(TopicAuthorizationFailedError):
            producer.send("journey.handover.v1", b"{}").get(20)


def test_the_database_takes_nobody_without_tls_and_no_service_in_another_s(closed: ClosedStack) -> None:
    uri = closed.environment("handover-web")["MONGODB_URI"]
    with (
        MongoClient[dict[str, Any]](uri.split("&tls=")[0], serverSelectionTimeoutMS=1_000) as plain,
        pytest.raises(ServerSelectionTimeoutError),
    ):
        plain.admin.command("ping")
    with closed.mongodb_client("handover-web") as client:
        client["handover"]["probe"].insert_one({"_id": 1})
        client["handover"]["probe"].drop()
        with pytest.raises(OperationFailure, match="not authorized"):
            client["intake"]["referrals"].find_one()


def test_a_published_programme_reaches_another_service_through_it_all(closed: ClosedStack) -> None:
    printed = closed.once("programme")
    assert "is published." in printed
    assert not re.search(r"[0-9a-f]{32}", printed), "no password is in what a container prints"
    again = closed.once("programme").splitlines()
    assert all("was already published" in line for line in again), "the second time opens nothing"
    ports = {name: str(closed.settings.port(name)) for name in ("intake-consume", "handover-consume")}
    for name, port in ports.items():
        closed.start_service(name, HEALTH_PORT=port)
    with closed.mongodb_client("handover-web") as client:
        found = until(
            lambda: client["handover"]["programmes"].find_one({"_id": "coactive@2"}),
            "the programme at handover",
        )
    assert found["version"] == 2
    for port in ports.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert answer.status == 200


def test_what_compose_publishes_has_its_dashboards(closed: ClosedStack) -> None:
    command = ["deploy.dashboards", "open", "coactive", "owner", "--renew"]
    printed = closed.once("topics", *command)
    (password,) = re.findall(r"^password of dashboard_coactive_owner: (\S+)$", printed, re.MULTILINE)
    told = closed.environment("topics")
    told |= {"KAFKA_USERNAME": "dashboard_coactive_owner", "KAFKA_PASSWORD": password}
    with contextlib.closing(KafkaAdminClient(**config_from_environment(told))) as client:
        may = {one["name"]: set(one["authorized_operations"]) for one in client.describe_topics()}
    assert may == {"dashboard.coactive_owner.v1": {"READ", "DESCRIBE"}}


def test_the_local_issuer_s_tokens_name_the_issuer_that_services_expect(closed: ClosedStack) -> None:
    port = closed.settings.port("issuer")
    closed.start_service("issuer", STACK_PORT_BASE=str(port))
    base = f"http://127.0.0.1:{port}"

    def fetched(path: str, form: dict[str, str] | None = None) -> Any:
        try:
            data = urllib.parse.urlencode(form).encode() if form else None
            with urllib.request.urlopen(f"{base}{path}", data=data, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            return None

    keys = KeySet.import_key_set(until(lambda: fetched("/jwks.json"), "the issuer"))
    form = {"grant_type": "client_credentials", "client_id": "forsakringskassan:caseworker"}
    token = fetched("/token", form | {"client_secret": closed.secrets["ISSUER_CLIENT_SECRET"]})
    claims = jwt.decode(token["access_token"], keys).claims
    told = closed.environment("intake-web")
    assert (claims["iss"], claims["aud"]) == (told["OIDC_ISSUER"], told["OIDC_AUDIENCE"])
    assert fetched("/token", form | {"client_secret": "guess"}) is None


def test_no_secret_is_in_any_log(closed: ClosedStack) -> None:
    logs = closed.logs()
    assert "Kafka Server started" in logs
    secret = {name for name in closed.secrets if "PASSWORD" in name or "KEY" in name or "SECRET" in name}
    assert len(secret) > 10
    assert [name for name in sorted(secret) if closed.secrets[name] in logs] == []
