"""Where a stack lives, which ports it has, and what each service is told about its surroundings.

Two settings make a stack: STACK_PORT_BASE and STACK_DIR. Everything else follows from them, so
several stacks run side by side. `CONTRACT` is the one place that says what a service may read from
its environment; a test holds `Settings.environment` to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.stack.credentials import Credentials
from tools.stack.trouble import Trouble

REPOSITORY = Path(__file__).resolve().parents[2]
AUDIENCE = "journeys"
API_ROOT = "/v1"
"""What every path of a service begins with (shared/edge/mount.py)."""
REPLICA_SET = "rs0"

# Service -> its roles. A service's Python package and its database have its name with underscores;
# its Kafka principal and its process names have hyphens.
SERVICES: Mapping[str, tuple[str, ...]] = {
    "intake": ("web", "consume"),
    "activity-tracking": ("web", "consume"),
    "handover": ("web", "consume"),
    "outcome": ("web", "consume", "stream", "project"),
}

# Process -> its port's distance from STACK_PORT_BASE.
PORTS: Mapping[str, int] = {
    "issuer": 0,
    "intake-web": 1,
    "activity-tracking-web": 2,
    "handover-web": 3,
    "outcome-web": 4,
    "outcome-stream": 5,
    "intake-consume": 11,
    "activity-tracking-consume": 12,
    "handover-consume": 13,
    "outcome-consume": 14,
    "outcome-project": 15,
    "broker": 20,
    "broker-controller": 21,
    "database": 22,
    "broker-2": 23,
    "broker-3": 24,
    "database-2": 25,
    "database-3": 26,
    "broker-behind-proxy": 27,
    "broker-proxy": 28,
}

# The health ports of those that answer callers on a port of their own; for every other process PORTS has it.
HEALTH_PORTS: Mapping[str, int] = {
    "intake-web": 6,
    "activity-tracking-web": 7,
    "handover-web": 8,
    "outcome-web": 9,
    "outcome-stream": 10,
}


def root_of(process: str) -> str:
    """What the paths begin with that the process answers to callers: the API's root, or nothing."""
    return API_ROOT if process in HEALTH_PORTS else ""


# Ports that no process of the stack has to itself.
LISTENERS = ("broker-controller", "broker-behind-proxy", "broker-proxy")

OPERATORS = "plattform"
"""The organisation that operates the local stack."""
# One player acts for all people of an organisation, as fast as the machine can.
LIMITS = (
    "REQUESTS_PER_PERSON",
    "REQUESTS_PER_ORGANISATION",
    "REQUESTS_PER_ADDRESS",
    "STREAMS_PER_PERSON",
    "STREAMS_PER_ORGANISATION",
)
GENEROUS = "100000"

CONTRACT = frozenset(
    {
        "KAFKA_BOOTSTRAP_SERVERS",
        "KAFKA_SECURITY_PROTOCOL",
        "KAFKA_USERNAME",
        "KAFKA_PASSWORD",
        "KAFKA_CA_FILE",
        "MONGODB_URI",
        "API_CONTACT_EMAIL",
        "OIDC_ISSUER",
        "OIDC_AUDIENCE",
        "OIDC_JWKS_URL",
        "OIDC_OTHER_ISSUERS",
        "VAULT_MASTER_KEY",
        "VAULT_RETIRED_KEYS",
        "NUMBER_KEYS",
        "WEBHOOK_INSIDE",
        "FINGERPRINT_KEY",
        "OPERATOR_ORGANISATIONS",
        "HTTP_HOST",
        "HTTP_PORT",
        "HEALTH_PORT",
        "DRIVEN_CLOCK",
        "OUTCOME_STREAM_URL",
        "REQUESTS_PER_PERSON",
        "REQUESTS_PER_ORGANISATION",
        "REQUESTS_PER_ADDRESS",
        "STREAMS_PER_PERSON",
        "STREAMS_PER_ORGANISATION",
        "TRUSTED_PROXIES",
        "ENVIRONMENT",
        "LOG_LEVEL",
    }
)
"""Every setting of a process; docs/reference/settings.md says what each means, and a test holds this list to it."""


@dataclass(frozen=True)
class Settings:
    """One stack's place on this machine, and how many nodes stand for a cluster.

    brokers, databases: 1, or 3 where a test takes some away. proxied: services reach the broker at the port
    `broker-proxy`, on which a test must lead them through to `broker-behind-proxy`; with one broker only.
    cache_gigabytes: of the database; of three, each has half of it.
    """

    port_base: int
    folder: Path
    log_level: str = "INFO"
    brokers: int = 1
    databases: int = 1
    proxied: bool = False
    cache_gigabytes: float = 0.5

    def __post_init__(self) -> None:
        if {self.brokers, self.databases} - {1, 3} or (self.proxied and self.brokers != 1):
            raise ValueError("a stack has one or three brokers and databases, and a proxy before one broker")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """STACK_PORT_BASE (8080), STACK_DIR (.local, relative to the repository), LOG_LEVEL (INFO)."""
        port_base = environment.get("STACK_PORT_BASE") or "8080"
        if not port_base.isdecimal() or not 1024 <= int(port_base) <= 65535 - max(PORTS.values()):
            raise Trouble(
                f"STACK_PORT_BASE is {port_base!r}: set it to a port number, as in STACK_PORT_BASE=9080."
            )
        return cls(
            port_base=int(port_base),
            folder=(REPOSITORY / (environment.get("STACK_DIR") or ".local")).resolve(),
            log_level=environment.get("LOG_LEVEL") or "INFO",
        )

    @property
    def credentials(self) -> Credentials:
        """This stack's secrets, made when first asked for."""
        return Credentials(self.folder / "secrets")

    def port(self, process: str) -> int:
        """The port a process listens on."""
        return self.port_base + PORTS[process]

    def origin(self, process: str) -> str:
        """`http://host:port` of a process, without a slash at the end."""
        return f"http://127.0.0.1:{self.port(process)}"

    def url(self, process: str) -> str:
        """The address below which a process answers, without a slash at the end: its origin, and the API's root."""
        return f"{self.origin(process)}{root_of(process)}"

    def health_port(self, process: str) -> int:
        """The port on which a process says how it is."""
        return self.port_base + HEALTH_PORTS.get(process, PORTS[process])

    def health_url(self, process: str) -> str:
        """`http://host:port` of a process's health, without a slash at the end."""
        return f"http://127.0.0.1:{self.health_port(process)}"

    def nodes(self, kind: str) -> tuple[str, ...]:
        """The processes that are together the `broker` or the `database`; the first is called just so."""
        count = self.brokers if kind == "broker" else self.databases
        return (kind, *(f"{kind}-{node}" for node in range(2, count + 1)))

    @property
    def infrastructure(self) -> tuple[str, ...]:
        """Every process that the services stand on."""
        return (*self.nodes("database"), *self.nodes("broker"))

    @property
    def kafka_address(self) -> str:
        """The brokers' `host:port`, comma-separated, past any proxy."""
        return ",".join(f"127.0.0.1:{self.port(node)}" for node in self.nodes("broker"))

    @property
    def mongodb_address(self) -> str:
        """The databases' `host:port`, comma-separated."""
        return ",".join(f"127.0.0.1:{self.port(node)}" for node in self.nodes("database"))

    def mongodb_uri(self, user: str) -> str:
        """The connection string of `admin` or of a service database's own user."""
        password = self.credentials.mongodb(user)
        database = "" if user == "admin" else user
        return f"mongodb://{user}:{password}@{self.mongodb_address}/{database}?authSource=admin&replicaSet={REPLICA_SET}"

    def environment(self, service: str, role: str) -> dict[str, str]:
        """All that one process of a service is told: the variables of `CONTRACT` and no others."""
        if role not in SERVICES[service]:
            raise ValueError(f"{service} has no role {role!r}; it has {', '.join(SERVICES[service])}")
        name = f"{service}-{role}"
        told = {
            "KAFKA_BOOTSTRAP_SERVERS": (
                f"127.0.0.1:{self.port('broker-proxy')}" if self.proxied else self.kafka_address
            ),
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_USERNAME": service,
            "KAFKA_PASSWORD": self.credentials.kafka(service),
            "MONGODB_URI": self.mongodb_uri(service.replace("-", "_")),
            "OIDC_ISSUER": self.url("issuer"),
            "OIDC_AUDIENCE": AUDIENCE,
            "OIDC_JWKS_URL": f"{self.url('issuer')}/jwks.json",
            "HTTP_HOST": "127.0.0.1",
            "HEALTH_PORT": str(self.health_port(name)),
            "DRIVEN_CLOCK": "1",
            "OPERATOR_ORGANISATIONS": OPERATORS,
            "OUTCOME_STREAM_URL": self.origin("outcome-stream"),
            "ENVIRONMENT": "local",
            "LOG_LEVEL": self.log_level,
        }
        if role == "web":
            told["FINGERPRINT_KEY"] = self.credentials.fingerprint_key()
        if name in HEALTH_PORTS:
            told["HTTP_PORT"] = str(self.port(name))
            told |= dict.fromkeys(LIMITS, GENEROUS)
        if (service, role) == ("intake", "web"):
            told["VAULT_MASTER_KEY"] = self.credentials.vault_master_key()
            told["NUMBER_KEYS"] = self.credentials.number_keys()
        return told

    def operator_environment(self) -> dict[str, str]:
        """Where `journeys` finds the services of this stack; the token is asked of the issuer."""
        addresses = self.client_environment()
        return {
            name: addresses[name]
            for name in ("INTAKE_URL", "ACTIVITY_TRACKING_URL", "HANDOVER_URL", "OUTCOME_URL")
        }

    def administrator_environment(self) -> dict[str, str]:
        """What `deploy.backup` is told of this stack: where MongoDB and Kafka are, and their administrators."""
        return {
            "MONGODB_HOST": self.mongodb_address,
            "MONGODB_ADMIN_USERNAME": "admin",
            "MONGODB_ADMIN_PASSWORD": self.credentials.mongodb("admin"),
            "MONGODB_REPLICA_SET": REPLICA_SET,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_address,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_USERNAME": "admin",
            "KAFKA_PASSWORD": self.credentials.kafka("admin"),
        }

    def publisher_environment(self) -> dict[str, str]:
        """What `deploy.programmes` is told in the place of intake's user in Kafka: the administrator."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_address,
            "KAFKA_USERNAME": "admin",
            "KAFKA_PASSWORD": self.credentials.kafka("admin"),
            "KAFKA_PASSWORDS_DIR": str(self.credentials.kafka_folder()),
        }

    def client_environment(self) -> dict[str, str]:
        """What a program that plays the people and agencies outside is told: addresses and its credentials."""
        return {
            "STACK_PORT_BASE": str(self.port_base),
            "STACK_DIR": str(self.folder),
            "OIDC_ISSUER": self.url("issuer"),
            "OIDC_TOKEN_URL": f"{self.url('issuer')}/token",
            "OIDC_CLIENT_SECRET": self.credentials.client_secret(),
            "INTAKE_URL": self.origin("intake-web"),
            "ACTIVITY_TRACKING_URL": self.origin("activity-tracking-web"),
            "HANDOVER_URL": self.origin("handover-web"),
            "OUTCOME_URL": self.origin("outcome-web"),
            "OUTCOME_STREAM_URL": self.origin("outcome-stream"),
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_address,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_PASSWORDS_DIR": str(self.credentials.kafka_folder()),
        }
