"""Settings that production refuses, each with a sentence that says what to do."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from shared.host.settings import unfit
from shared.runtime.settings import Settings
from tools.contracts.services import NOWHERE

GOOD = replace(
    NOWHERE,
    driven_clock=False,
    kafka_security="SASL_SSL",
    mongodb_uri="mongodb://u:p@db:27017/u?authSource=admin&tls=true&tlsCAFile=/ca.pem",
    stream_url="https://figures.example.org",
)


def test_what_is_closed_is_taken() -> None:
    assert unfit(GOOD) == []
    assert unfit(replace(GOOD, mongodb_uri="mongodb+srv://u:p@db/u", stream_url=None)) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (replace(GOOD, driven_clock=True), "DRIVEN_CLOCK"),
        (replace(GOOD, oidc_issuer="http://login.example.org"), "OIDC_ISSUER"),
        (replace(GOOD, oidc_issuer="https://localhost:8080"), "OIDC_ISSUER"),
        (replace(GOOD, oidc_jwks_url="http://issuer:8080/jwks.json"), "OIDC_JWKS_URL"),
        (replace(GOOD, oidc_jwks_url="file:///jwks.json"), "OIDC_JWKS_URL"),
        (replace(GOOD, oidc_jwks_url="https://127.0.0.1/jwks.json"), "OIDC_JWKS_URL"),
        (replace(GOOD, stream_url="http://figures.example.org"), "OUTCOME_STREAM_URL"),
        (replace(GOOD, kafka_security="SASL_PLAINTEXT"), "KAFKA_SECURITY_PROTOCOL"),
        (replace(GOOD, mongodb_uri="mongodb://u:p@db/u"), "MONGODB_URI"),
        (replace(GOOD, mongodb_uri="mongodb://u:p@db/u?tls=false"), "MONGODB_URI"),
        (replace(GOOD, mongodb_uri="mongodb://u:p@db/u?x=tls=true"), "MONGODB_URI"),
        (replace(GOOD, mongodb_uri="mongodb+srv://u:p@db/u?tls=false"), "MONGODB_URI"),
        (replace(GOOD, mongodb_uri="mongodb://u:p@db/u?tls=true&tlsInsecure=true"), "MONGODB_URI"),
        (
            replace(GOOD, mongodb_uri="mongodb://u:p@db/u?tlsAllowInvalidHostnames=true&tls=true"),
            "MONGODB_URI",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_opening_is_refused_in_production_and_not_here(changed: Settings, named: str) -> None:
    first, *_, last = unfit(changed)
    assert first.startswith(named)
    assert "ENVIRONMENT=local" in last
    assert unfit(replace(changed, local=True)) == []
    assert "u:p" not in " ".join(unfit(changed))


@pytest.mark.parametrize("role", ["web", "consume", "stream", "project"])
def test_a_process_does_not_start_with_them(role: str) -> None:
    told = {
        "PATH": os.environ["PATH"],
        "MONGODB_URI": GOOD.mongodb_uri,
        "KAFKA_BOOTSTRAP_SERVERS": "nowhere.invalid:9092",
        "KAFKA_USERNAME": "outcome",
        "KAFKA_PASSWORD": "x",
        "OIDC_ISSUER": "https://login.example.org",
        "OIDC_JWKS_URL": "https://login.example.org/jwks.json",
        "DRIVEN_CLOCK": "1",
    }
    command = [sys.executable, "-m", "services.outcome.app", role]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("DRIVEN_CLOCK is set")
    assert "Traceback" not in done.stderr
