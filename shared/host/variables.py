"""Every setting of a process, declared once: name, meaning, default, who needs it, who may hold it, secret or not.

`shared.host.settings` reads them, docs/reference/settings.md is generated from them, and tests hold `.env.example`,
compose, Kubernetes and the local stack to them. Nothing here asks the environment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.edge.interface import NO_CONTACT
from shared.host.readers import (
    count,
    issuers,
    key,
    keys,
    local,
    names,
    networks,
    one_of,
    port,
    rate,
    text,
    texts,
    yes,
)

Process = tuple[str, str]
"""A service and a role of it; `*` stands for every one. A command of a service has the role ``."""

EVERYBODY: tuple[Process, ...] = (("*", "*"),)
WEB: tuple[Process, ...] = (("*", "web"),)
CALLED: tuple[Process, ...] = (("*", "web"), ("*", "stream"))
RUNNING: tuple[Process, ...] = (("*", "web"), ("*", "stream"), ("*", "consume"), ("*", "project"))
STREAM: tuple[Process, ...] = (("outcome", "stream"),)
VAULT: tuple[Process, ...] = (("intake", "web"),)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable.

    field: of `Settings`, or of its `Allowance`. read: makes the value from the text, and raises Malformed. default:
    the text where none is set; None where the value is then absent. required_by: processes that do not start without
    it. given_to: processes that may know it. secret: comes from the store of secrets, and is never shown.
    """

    name: str
    field: str
    means: str
    read: Callable[[str], Any]
    default: str | None = None
    required_by: tuple[Process, ...] = ()
    given_to: tuple[Process, ...] = EVERYBODY
    secret: bool = False


def concerns(processes: tuple[Process, ...], service: str, role: str) -> bool:
    """Whether a process is among them."""
    return any(one in ("*", service) and other in ("*", role) for one, other in processes)


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="MONGODB_URI",
        field="mongodb_uri",
        means="Replica set, with the service's own user; the service's database has the user's name.",
        read=text,
        required_by=EVERYBODY,
        secret=True,
    ),
    Variable(
        name="KAFKA_BOOTSTRAP_SERVERS",
        field="kafka_servers",
        means="Brokers to begin with: host:port, comma-separated.",
        read=texts,
        required_by=EVERYBODY,
    ),
    Variable(
        name="KAFKA_SECURITY_PROTOCOL",
        field="kafka_security",
        means="How Kafka is spoken to. Production takes SASL_SSL only.",
        read=one_of(*PROTOCOLS),
        default="SASL_SSL",
    ),
    Variable(
        name="KAFKA_USERNAME",
        field="kafka_username",
        means="The service's principal (SCRAM-SHA-512).",
        read=text,
        required_by=RUNNING,
        given_to=RUNNING,
    ),
    Variable(
        name="KAFKA_PASSWORD",
        field="kafka_password",
        means="The principal's password.",
        read=text,
        required_by=RUNNING,
        given_to=RUNNING,
        secret=True,
    ),
    Variable(
        name="KAFKA_CA_FILE",
        field="kafka_ca_file",
        means="File with the certificate authority of the brokers; the system's own where it is not set.",
        read=text,
    ),
    Variable(
        name="OIDC_ISSUER",
        field="oidc_issuer",
        means="Expected `iss` of every token.",
        read=text,
        required_by=EVERYBODY,
    ),
    Variable(
        name="OIDC_AUDIENCE",
        field="oidc_audience",
        means="Expected `aud` of every token.",
        read=text,
        default="journeys",
    ),
    Variable(
        name="OIDC_JWKS_URL",
        field="oidc_jwks_url",
        means="Where the issuer's public keys are.",
        read=text,
        required_by=EVERYBODY,
    ),
    Variable(
        name="OIDC_OTHER_ISSUERS",
        field="oidc_other_issuers",
        means="Further issuers, each trusted for its own units alone, as JSON: "
        '`[{"issuer": …, "jwks_url": …, "organisations": […]}]`.',
        read=issuers,
        default="[]",
    ),
    Variable(
        name="OPERATOR_ORGANISATIONS",
        field="operator_organisations",
        means="Organisations whose people of duty `operator` operate the platform, comma-separated.",
        read=names,
        default="",
    ),
    Variable(
        name="API_CONTACT_EMAIL",
        field="api_contact_email",
        means="Address of those who answer for the interfaces, as their documents and terms tell it.",
        read=text,
        default=NO_CONTACT,
    ),
    Variable(
        name="VAULT_MASTER_KEY",
        field="vault_master_key",
        means="32 random bytes in base64 that wrap each participant's own key.",
        read=key,
        required_by=VAULT,
        given_to=VAULT,
        secret=True,
    ),
    Variable(
        name="VAULT_RETIRED_KEYS",
        field="vault_retired_keys",
        means="Master keys before it, comma-separated; they still open what they sealed.",
        read=keys,
        default="",
        given_to=VAULT,
        secret=True,
    ),
    Variable(
        name="NUMBER_KEYS",
        field="number_keys",
        means="Keys of 32 random bytes in base64, comma-separated, the newest first; numbers are found by them.",
        read=keys,
        required_by=VAULT,
        given_to=VAULT,
        secret=True,
    ),
    Variable(
        name="FINGERPRINT_KEY",
        field="fingerprint_key",
        means="32 random bytes in base64 under which requests are fingerprinted.",
        read=key,
        required_by=WEB,
        given_to=WEB,
        secret=True,
    ),
    Variable(
        name="WEBHOOK_INSIDE",
        field="webhook_inside",
        means="The one host:port inside that a webhook may have, on a local stack. Refused in production.",
        read=text,
        given_to=VAULT,
    ),
    Variable(
        name="HTTP_HOST",
        field="http_host",
        means="Address to listen on, for HTTP_PORT and HEALTH_PORT.",
        read=text,
        default="127.0.0.1",
    ),
    Variable(
        name="HTTP_PORT",
        field="http_port",
        means="Port on which callers are answered.",
        read=port,
        default="8000",
        given_to=CALLED,
    ),
    Variable(
        name="HEALTH_PORT",
        field="health_port",
        means="Port of /healthz, /readyz and /metrics; never published.",
        read=port,
        default="9000",
        given_to=RUNNING,
    ),
    Variable(
        name="TRUSTED_PROXIES",
        field="trusted_proxies",
        means="Networks of the own proxies, whose X-Forwarded-For is believed, comma-separated.",
        read=networks,
        default="",
    ),
    Variable(
        name="OUTCOME_STREAM_URL",
        field="stream_url",
        means="Address by which browsers reach the stream of figures.",
        read=text,
        required_by=STREAM,
    ),
    Variable(
        name="REQUESTS_PER_PERSON",
        field="per_person",
        means="Requests a second, on average, of one person; 0 for no limit.",
        read=rate,
        default="50",
    ),
    Variable(
        name="REQUESTS_PER_ORGANISATION",
        field="per_organisation",
        means="The same for one organisation.",
        read=rate,
        default="200",
    ),
    Variable(
        name="REQUESTS_PER_ADDRESS",
        field="per_address",
        means="The same for one address without a valid token.",
        read=rate,
        default="20",
    ),
    Variable(
        name="STREAMS_PER_PERSON",
        field="streams_per_person",
        means="Streams of figures that one person holds open; 0 for no limit.",
        read=count,
        default="20",
    ),
    Variable(
        name="STREAMS_PER_ORGANISATION",
        field="streams_per_organisation",
        means="The same for one organisation.",
        read=count,
        default="200",
    ),
    Variable(
        name="DRIVEN_CLOCK",
        field="driven_clock",
        means="1 on a local stack: the demonstration sets the business time. Refused in production.",
        read=yes,
        default="0",
    ),
    Variable(
        name="ENVIRONMENT",
        field="local",
        means="`local` on a stack of one machine; everything else is production, which refuses what is open.",
        read=local,
        default="production",
    ),
    Variable(
        name="LOG_LEVEL",
        field="log_level",
        means=f"The least severe lines that are logged: {', '.join(LEVELS)}.",
        read=one_of(*LEVELS),
        default="INFO",
    ),
)
