"""A whole stack: what is checked, prepared and started, in which order, and how it is left.

Used by the commands of this package, by the demonstration and by tests alike:

    with Stack(Settings.from_environment(os.environ), EVERYTHING) as stack:
        stack.env_for("intake")

Leaving the block stops everything that runs, also after an error or Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from kafka.admin import KafkaAdminClient
from kafka.errors import UnknownBrokerIdError

import deploy.dashboards
import deploy.database
import deploy.topics
import deploy.trouble
from deploy.declaration import VIEWER, Declaration, declared
from tools.stack import broker, database, preflight
from tools.stack.control import Control
from tools.stack.processes import EVERYTHING, INFRASTRUCTURE, described, surroundings
from tools.stack.record import Entry, Record
from tools.stack.settings import REPLICA_SET, REPOSITORY, Settings
from tools.stack.supervisor import Supervisor
from tools.stack.trouble import Trouble

PROGRAMMES = REPOSITORY / "programmes"


def silent(_: str) -> None:
    """Says nothing."""


class Stack:
    """A stack that this process owns.

    processes: names from `processes.EVERYTHING`; the broker and the database always run, since
    nothing else can without them. restart: whether what dies by itself is started again.
    say: told in one line each what is chosen, what is mended, what dies.
    """

    def __init__(
        self,
        settings: Settings,
        processes: Sequence[str] = INFRASTRUCTURE,
        *,
        restart: bool = False,
        say: Callable[[str], None] = silent,
        ready_within_seconds: float = 180.0,
    ) -> None:
        self.settings = settings
        services = [name for name in EVERYTHING if name in processes and name not in INFRASTRUCTURE]
        self._wanted = [*settings.infrastructure, *services]
        if unknown := set(processes) - set(EVERYTHING):
            raise Trouble(
                f"There is no process {', '.join(sorted(unknown))}; there are {', '.join(EVERYTHING)}."
            )
        self._say = say
        self._within = ready_within_seconds
        self._supervisor = Supervisor(settings.folder, restart=restart, say=say, inherit=surroundings())
        self._closing = contextlib.ExitStack()
        self._control = Control(settings)

    # Coming up and going down.

    def __enter__(self) -> Self:
        try:
            self._up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.down()

    def _up(self) -> None:
        preflight.check_disk(self.settings)
        if not self._closing.enter_context(Record(self.settings.folder).owned()):
            owner = Record(self.settings.folder).supervisor()
            raise Trouble(
                f"A stack already runs in {self.settings.folder} (process {owner.pid if owner else 'unknown'}): "
                "use it, stop it with `make down`, or set STACK_DIR and STACK_PORT_BASE for another."
            )
        if left := preflight.mend(self.settings):
            self._say(
                f"An earlier start was cut off; ended what it left: {', '.join(f'{n} ({p})' for n, p in left)}"
            )
        preflight.check_secrets(self.settings)
        preflight.check_ports(self.settings, self._wanted)
        mongod = database.mongod(os.environ)
        version = database.version(mongod)
        self._say(f"MongoDB {version}: {mongod}")
        self._say(f"Java: {broker.java(os.environ)}")
        self._supervisor.begin()
        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(self._start_databases, self.settings.nodes("database")),
                pool.submit(self._start_brokers, self.settings.nodes("broker")),
            ]:
                done.result()
        with ThreadPoolExecutor(1) as pool:
            refers = any(name.startswith("intake") for name in self._wanted)
            published = pool.submit(self.publish_programmes) if refers else None
            self.start(*[name for name in self._wanted if name not in self.settings.infrastructure])
            if published:
                published.result()

    def publish_programmes(self) -> None:
        """Publish every file and open its dashboards, as compose does in a container; again it changes nothing."""
        done = self.publish(*sorted(PROGRAMMES.glob("*.yaml")))
        if done.returncode != 0:
            raise Trouble(
                f"The programmes could not be published: {(done.stderr or done.stdout).strip()[-600:]}"
            )

    def publish(self, *files: Path) -> subprocess.CompletedProcess[str]:
        """Run what an operator types to publish programmes' files. Blocks; safe to repeat."""
        for programme in {yaml.safe_load(one.read_text(encoding="utf-8"))["id"] for one in files}:
            for name in deploy.dashboards.names(programme):
                self.settings.credentials.kafka(VIEWER.format(dashboard=name))
        command = [sys.executable, "-m", "deploy.programmes", "publish", *map(str, files)]
        told = surroundings() | self.env_for("intake", "consume") | self.settings.publisher_environment()
        return subprocess.run(
            command, env=told, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False
        )

    def down(self) -> None:
        """Stop everything, services first, database last. May be repeated. Ctrl-C does not cut it short."""
        with _uninterrupted():
            self._supervisor.end()
            self._closing.close()

    def _start_databases(self, names: Sequence[str]) -> None:
        binary = database.mongod(os.environ)
        for name in names:
            command = database.prepare(self.settings, binary, name)
            self._supervisor.start(described(name, self.settings, command))
        if all(self._still_runs(name) for name in self.settings.nodes("database")):
            self._databases_ready()
        for name in names:
            self._supervisor.mark_ready(name)

    def _start_brokers(self, names: Sequence[str]) -> None:
        for name in names:
            command = broker.prepare(self.settings, os.environ, self._say, name)
            self._supervisor.start(described(name, self.settings, command))
        if all(self._still_runs(name) for name in self.settings.nodes("broker")):
            self._brokers_ready()
        for name in names:
            self._supervisor.mark_ready(name)

    def _databases_ready(self) -> None:
        credentials = self.settings.credentials
        passwords = deploy.topics.passwords_in(credentials.mongodb_folder())
        with self._or_explain("database"):
            deploy.database.apply(
                database.primary(
                    self.settings, self._within, lambda: self._any_runs(self.settings.nodes("database"))
                ),
                admin=("admin", credentials.mongodb("admin")),
                passwords=passwords,
                replica_set=REPLICA_SET,
                within_seconds=self._within,
                going_on=lambda: self._any_runs(self.settings.nodes("database")),
            )
            database.join(self.settings, self._within)

    def _brokers_ready(self) -> None:
        passwords = deploy.topics.passwords_in(self.settings.credentials.kafka_folder())
        with self._or_explain("broker"):
            # A client that was made before the last broker came does not know whom to ask.
            if self.settings.brokers > 1:
                with contextlib.closing(self._kafka_admin()) as first:
                    broker.await_nodes(first, self.settings.brokers, self._within)
            self._apply_topics(passwords)

    def _apply_topics(self, passwords: Mapping[str, str]) -> None:
        """Until the broker that is asked knows the one that decides: they do not hear of each other at once."""
        give_up_at = time.monotonic() + self._within
        while True:
            try:
                with contextlib.closing(self._kafka_admin()) as admin:
                    deploy.topics.apply(admin, self.declaration(), passwords)
                return
            except UnknownBrokerIdError:
                if time.monotonic() > give_up_at:
                    raise

    def _kafka_admin(self) -> KafkaAdminClient:
        return deploy.topics.connect(
            self.kafka_admin_config(),
            within_seconds=self._within,
            going_on=lambda: self._any_runs(self.settings.nodes("broker")),
        )

    def declaration(self) -> Declaration:
        """The topics, principals and rights that this stack has."""
        return declared()

    def _still_runs(self, name: str) -> bool:
        return self._supervisor.entries()[name].state not in ("failing", "stopped", "held")

    def _any_runs(self, names: Sequence[str]) -> bool:
        return any(self._still_runs(name) for name in names)

    @contextlib.contextmanager
    def _or_explain(self, name: str) -> Iterator[None]:
        try:
            yield
        except deploy.trouble.CannotApply as error:
            raise Trouble(f"{error}. {self._supervisor.tail(name)}") from error

    # What those who use it are told.

    @property
    def port_base(self) -> int:
        """The stack's first port."""
        return self.settings.port_base

    @property
    def admin_mongo_uri(self) -> str:
        """MongoDB's administrator. For looking, in tests; a service never gets it."""
        return self.settings.mongodb_uri("admin")

    def env_for(self, service: str, role: str = "web") -> dict[str, str]:
        """The environment of a service's process: the whole contract for that role, nothing else.

        service: `activity_tracking` and `activity-tracking` alike.
        """
        return self.settings.environment(service.replace("_", "-"), role)

    def kafka_admin_config(self) -> dict[str, Any]:
        """kafka-python's client arguments as the superuser."""
        return self._kafka_config("admin")

    def kafka_config(self, principal: str) -> dict[str, Any]:
        """kafka-python's client arguments as a principal of `topics.yaml`."""
        if principal not in {known.name for known in declared().principals}:
            raise ValueError(f"{principal!r} is not in topics.yaml")
        return self._kafka_config(principal)

    def _kafka_config(self, principal: str) -> dict[str, Any]:
        return deploy.topics.config_from_environment(
            {
                "KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_address,
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "KAFKA_USERNAME": principal,
                "KAFKA_PASSWORD": self.settings.credentials.kafka(principal),
            }
        )

    def token(self, organisation: str, duty: str, **optional: str) -> str:
        """A bearer token from the issuer, which must run. `optional`: person, expires_in (seconds)."""
        return self._control.token(organisation, duty, **optional)

    def url(self, process: str) -> str:
        """The address below which a process answers: `http://host:port`, and the API's root where it has one."""
        return self.settings.url(process)

    def health_url(self, process: str) -> str:
        """`http://host:port` at which a process says how it is."""
        return self.settings.health_url(process)

    def entries(self) -> dict[str, Entry]:
        """What is known of each process now: state, process id, restarts."""
        return self._supervisor.entries()

    # Steering.

    def start(self, *names: str) -> None:
        """Start processes that do not run and wait until they are ready. Raises Trouble if one is not.

        One of three databases or brokers is not waited for while another is missing: alone it may be nothing.
        """
        still = [
            name for name in names if name in self.settings.infrastructure and not self._still_runs(name)
        ]
        if databases := [name for name in still if name.startswith("database")]:
            self._start_databases(databases)
        if brokers := [name for name in still if name.startswith("broker")]:
            self._start_brokers(brokers)
        services = [name for name in names if name not in self.settings.infrastructure]
        for name in services:
            self._supervisor.start(described(name, self.settings))
        self._supervisor.wait_ready(services, self._within)

    def stop(self, name: str) -> None:
        """Stop a process in good order and wait until it has. It stays stopped until `start`."""
        self._supervisor.stop(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and all it started; SIGSTOP and SIGCONT too. Does not wait."""
        self._supervisor.kill(name, number)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and termination are put off until the end of the block (in the main thread, where they arrive)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
