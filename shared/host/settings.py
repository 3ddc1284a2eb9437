"""Reads the settings of `variables.py` from the environment; the only module that does. Secrets have no defaults.

Values that suit a stack on one machine are refused in production. The environment counts as production unless it says
otherwise.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from shared.host.readers import Malformed
from shared.host.variables import VARIABLES, Variable, concerns
from shared.runtime.settings import Allowance, Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EXIT_STATUS = 78
"""The exit status of a process with faulty settings: EX_CONFIG of sysexits.h."""
_TLS = re.compile(r"[?&](?:tls|ssl)=true(?:&|$)", re.IGNORECASE)
_NO_TLS = re.compile(
    r"[?&](?:(?:tls|ssl)=false|tls(?:Insecure|AllowInvalid(?:Certificates|Hostnames))=true)(?:&|$)",
    re.IGNORECASE,
)


class FaultySettings(Exception):
    """All that is missing, malformed or unfit for production, a sentence each; no secret is shown."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_settings(service: str = "", role: str = "", environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a process. service: its source, such as `intake`; role: `` for a command of it.

    A variable that is set to nothing counts as not set. Raises FaultySettings naming everything at once.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for variable in VARIABLES:
        told = environment.get(variable.name) or variable.default
        if told is not None:
            try:
                values[variable.field] = variable.read(told)
            except Malformed as malformed:
                faults.append(_wrong(variable, told, malformed))
        elif concerns(variable.required_by, service, role):
            faults.append(f"{variable.name} is missing: {variable.means}")
        else:
            values[variable.field] = None
    if faults:
        raise FaultySettings([*faults, "docs/reference/settings.md lists every setting."])
    if any(one.issuer == values["oidc_issuer"] for one in values["oidc_other_issuers"]):
        raise FaultySettings(
            ["OIDC_OTHER_ISSUERS names OIDC_ISSUER: the platform's own speaks for all units but theirs."]
        )
    allowed = {one.name for one in fields(Allowance)}
    allowance = Allowance(**{name: values.pop(name) for name in allowed})
    settings = Settings(**values, allowance=allowance)
    if faults := unfit(settings):
        raise FaultySettings(faults)
    return settings


def _wrong(variable: Variable, told: str, malformed: Malformed) -> str:
    shown = "is set, and" if variable.secret else f"is {told[:60]!r}, and"
    return f"{variable.name} {shown} {malformed}: {variable.means}"


def unfit(settings: Settings) -> list[str]:
    """The faults of the settings in production, a sentence each; empty for a local stack."""
    if settings.local:
        return []
    faults = []
    if settings.driven_clock:
        faults.append("DRIVEN_CLOCK is set: operators could set the time of every decision; leave it out.")
    if settings.webhook_inside is not None:
        faults.append("WEBHOOK_INSIDE is set: a webhook could reach an address inside; leave it out.")
    for name, url in (
        ("OIDC_ISSUER", settings.oidc_issuer),
        ("OIDC_JWKS_URL", settings.oidc_jwks_url),
        *(
            ("OIDC_OTHER_ISSUERS", url)
            for one in settings.oidc_other_issuers
            for url in (one.issuer, one.jwks_url)
        ),
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
