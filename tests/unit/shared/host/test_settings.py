"""Settings that production refuses, each with a sentence that says what to do."""

import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from shared.host.settings import EXIT_STATUS, FaultySettings, read_settings, unfit
from shared.host.variables import VARIABLES
from shared.runtime.settings import Allowance, Settings
from tools.contracts.services import NOWHERE

GOOD = replace(
    NOWHERE,
    driven_clock=False,
    kafka_security="SASL_SSL",
    mongodb_uri="mongodb://u:p@db:27017/u?authSource=admin&tls=true&tlsCAFile=/ca.pem",
    stream_url="https://figures.example.org",
)
KEY = "A" * 43 + "="
TOLD = {
    "MONGODB_URI": GOOD.mongodb_uri,
    "KAFKA_BOOTSTRAP_SERVERS": "one:9092, two:9092",
    "KAFKA_USERNAME": "intake",
    "KAFKA_PASSWORD": "x",
    "OIDC_ISSUER": "https://login.example.org",
    "OIDC_JWKS_URL": "https://login.example.org/jwks.json",
}


def test_every_setting_is_declared_once() -> None:
    declared = [one.field for one in VARIABLES]
    own = {one.name for one in fields(Settings)} - {"allowance"} | {one.name for one in fields(Allowance)}
    assert len(declared) == len(set(declared)) == len({one.name for one in VARIABLES})
    assert set(declared) == own


def test_defaults_stand_where_nothing_is_set() -> None:
    settings = read_settings("intake", "consume", TOLD | {"HTTP_PORT": "", "LOG_LEVEL": ""})
    assert settings.kafka_servers == ("one:9092", "two:9092")
    assert (settings.http_port, settings.health_port, settings.log_level) == (8000, 9000, "INFO")
    assert (settings.vault_master_key, settings.stream_url, settings.local) == (None, None, False)
    assert settings.allowance == Allowance()


def test_all_that_is_missing_or_malformed_is_named_at_once() -> None:
    told = {
        "MONGODB_URI": GOOD.mongodb_uri,
        "KAFKA_PASSWORD": "",
        "HTTP_PORT": "80a",
        "REQUESTS_PER_PERSON": "nan",
        "DRIVEN_CLOCK": "perhaps",
        "TRUSTED_PROXIES": "10.0.0.0/8, here",
        "FINGERPRINT_KEY": "c2VjcmV0",
        "LOG_LEVEL": "loud",
    }
    with pytest.raises(FaultySettings) as refused:
        read_settings("intake", "web", told)
    *faults, last = refused.value.faults
    missing = {one.split()[0] for one in faults if "is missing" in one}
    assert missing == {*TOLD, "NUMBER_KEYS", "VAULT_MASTER_KEY"} - {"MONGODB_URI"}
    malformed = {one.split()[0] for one in faults} - missing
    assert malformed == set(told) - {"MONGODB_URI", "KAFKA_PASSWORD"}
    assert "c2VjcmV0" not in str(refused.value)
    assert "'80a'" in str(refused.value)
    assert "docs/reference/settings.md" in last


@pytest.mark.parametrize(
    ("service", "role", "name"),
    [
        ("intake", "web", "VAULT_MASTER_KEY"),
        ("intake", "web", "NUMBER_KEYS"),
        ("handover", "web", "FINGERPRINT_KEY"),
        ("outcome", "stream", "OUTCOME_STREAM_URL"),
    ],
)
def test_some_are_required_of_some_processes_only(service: str, role: str, name: str) -> None:
    everything = TOLD | {
        "VAULT_MASTER_KEY": KEY,
        "NUMBER_KEYS": KEY,
        "FINGERPRINT_KEY": KEY,
        "OUTCOME_STREAM_URL": "https://f.se",
    }
    assert read_settings(service, role, everything).fingerprint_key == KEY
    del everything[name]
    read_settings("intake", "consume", everything)
    with pytest.raises(FaultySettings, match=f"^{name} is missing"):
        read_settings(service, role, everything)


def test_a_process_says_so_and_ends_with_the_status_of_faulty_settings() -> None:
    command = [sys.executable, "-m", "services.intake.app", "web"]
    told = {"PATH": os.environ["PATH"], "KAFKA_PASSWORD": "hidden", "HEALTH_PORT": "none"}
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == EXIT_STATUS
    assert {"MONGODB_URI", "VAULT_MASTER_KEY", "HEALTH_PORT"} < {
        line.split()[0] for line in done.stderr.splitlines()
    }
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr


def test_what_is_closed_is_taken() -> None:
    assert unfit(GOOD) == []
    assert unfit(replace(GOOD, mongodb_uri="mongodb+srv://u:p@db/u", stream_url=None)) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (replace(GOOD, driven_clock=True), "DRIVEN_CLOCK"),
        (replace(GOOD, webhook_inside="127.0.0.1:8443"), "WEBHOOK_INSIDE"),
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
        "OUTCOME_STREAM_URL": "https://figures.example.org",
        "FINGERPRINT_KEY": KEY,
        "DRIVEN_CLOCK": "1",
    }
    command = [sys.executable, "-m", "services.outcome.app", role]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == EXIT_STATUS
    assert done.stderr.startswith("DRIVEN_CLOCK is set")
    assert "Traceback" not in done.stderr
