"""The settings of a process. `shared.host.settings` reads them from the environment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Requests a second, on average, for each; 0 is no limit. per_address: of those without a valid token.

    streams_per_person, streams_per_organisation: streams of figures open at once; 0 is no limit.
    """

    per_person: float = 50.0
    per_organisation: float = 200.0
    per_address: float = 20.0
    streams_per_person: int = 20
    streams_per_organisation: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer of tokens beside the platform's own. organisations: the units that it alone speaks for."""

    issuer: str
    jwks_url: str
    organisations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a process. A command of a service has no user in Kafka."""

    mongodb_uri: str
    kafka_servers: tuple[str, ...]
    kafka_security: str
    kafka_username: str | None
    kafka_password: str | None
    kafka_ca_file: str | None
    oidc_issuer: str
    oidc_audience: str
    oidc_jwks_url: str
    http_host: str
    http_port: int
    health_port: int
    driven_clock: bool
    log_level: str
    vault_master_key: str | None
    vault_retired_keys: tuple[str, ...]
    number_keys: tuple[str, ...] | None
    fingerprint_key: str | None
    operator_organisations: frozenset[str]
    api_contact_email: str
    stream_url: str | None = None
    webhook_inside: str | None = None
    allowance: Allowance = Allowance()
    trusted_proxies: tuple[str, ...] = ()
    local: bool = False
    oidc_other_issuers: tuple[Issuer, ...] = ()
