"""Settings, all from the environment; the only module that reads it. Secrets have no defaults.

What is good enough for a stack on one machine is refused in production, and production is what it is unless said.
"""

import re
from urllib.parse import urlsplit

from environs import Env

from shared.runtime.settings import Allowance, Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TLS = re.compile(r"[?&](?:tls|ssl)=true(?:&|$)", re.IGNORECASE)
_NO_TLS = re.compile(
    r"[?&](?:(?:tls|ssl)=false|tls(?:Insecure|AllowInvalid(?:Certificates|Hostnames))=true)(?:&|$)",
    re.IGNORECASE,
)


class UnfitForProduction(Exception):
    """Settings that only a local stack may have; the text says in a sentence each which, and what to do."""


def read_settings() -> Settings:
    """The settings of this process.

    Raises environs.EnvError naming the variable that is missing or wrong, and UnfitForProduction.
    """
    env = Env()
    settings = Settings(
        mongodb_uri=env.str("MONGODB_URI"),
        kafka_servers=tuple(env.list("KAFKA_BOOTSTRAP_SERVERS")),
        kafka_security=env.str("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        kafka_username=env.str("KAFKA_USERNAME"),
        kafka_password=env.str("KAFKA_PASSWORD"),
        kafka_ca_file=env.str("KAFKA_CA_FILE", None),
        oidc_issuer=env.str("OIDC_ISSUER"),
        oidc_audience=env.str("OIDC_AUDIENCE", "journeys"),
        oidc_jwks_url=env.str("OIDC_JWKS_URL"),
        http_host=env.str("HTTP_HOST", "127.0.0.1"),
        http_port=env.int("HTTP_PORT", 8000),
        health_port=env.int("HEALTH_PORT", 9000),
        driven_clock=env.bool("DRIVEN_CLOCK", False),
        log_level=env.str("LOG_LEVEL", "INFO"),
        vault_master_key=env.str("VAULT_MASTER_KEY", None),
        vault_retired_keys=tuple(env.list("VAULT_RETIRED_KEYS", [])),
        fingerprint_key=env.str("FINGERPRINT_KEY", None),
        reply_organisations=frozenset(env.list("REPLY_ORGANISATIONS", [])),
        operator_organisations=frozenset(env.list("OPERATOR_ORGANISATIONS", [])),
        stream_url=env.str("OUTCOME_STREAM_URL", None),
        allowance=Allowance(
            per_person=env.float("REQUESTS_PER_PERSON", 50.0),
            per_organisation=env.float("REQUESTS_PER_ORGANISATION", 200.0),
            per_address=env.float("REQUESTS_PER_ADDRESS", 20.0),
            streams_per_person=env.int("STREAMS_PER_PERSON", 20),
            streams_per_organisation=env.int("STREAMS_PER_ORGANISATION", 200),
        ),
        trusted_proxies=tuple(env.list("TRUSTED_PROXIES", [])),
        local=env.str("ENVIRONMENT", "production") == "local",
    )
    if faults := unfit(settings):
        raise UnfitForProduction(" ".join(faults))
    return settings


def unfit(settings: Settings) -> list[str]:
    """What is wrong with the settings for production, a sentence each; nothing of a local stack."""
    if settings.local:
        return []
    faults = []
    if settings.driven_clock:
        faults.append("DRIVEN_CLOCK is set: operators could set the time of every decision; leave it out.")
    for name, url in (
        ("OIDC_ISSUER", settings.oidc_issuer),
        ("OIDC_JWKS_URL", settings.oidc_jwks_url),
        ("OUTCOME_STREAM_URL", settings.stream_url or "https:"),
    ):
        address = urlsplit(url)
        if address.scheme != "https":
            faults.append(f"{name} is no https address: whoever is on the way could give tokens; use TLS.")
        elif address.hostname in LOOPBACK:
            faults.append(
                f"{name} is this machine's own: anybody on it gets any token there; name your provider's."
            )
    if settings.kafka_security != "SASL_SSL":
        faults.append(
            "KAFKA_SECURITY_PROTOCOL is not SASL_SSL: journeys would cross the network in the clear."
        )
    if not settings.mongodb_uri.startswith("mongodb+srv:") and not _TLS.search(settings.mongodb_uri):
        faults.append("MONGODB_URI has no tls=true: journeys would cross the network in the clear.")
    elif _NO_TLS.search(settings.mongodb_uri):
        faults.append("MONGODB_URI turns TLS or its checks off: whoever is on the way could read journeys.")
    if faults:
        faults.append("On a stack of one machine, for trying things out, set ENVIRONMENT=local.")
    return faults
