"""The secrets of a compose installation, made once and kept by whoever runs it.

    python -m deploy.secrets > .env

Prints `.env.example` with every empty value filled by a random one. It needs nothing but Python, writes no
file itself and changes nothing that is there; run it again and all secrets are new.
"""

from __future__ import annotations

import base64
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"
_EMPTY = re.compile(r"^(?P<name>[A-Z][A-Z0-9_]*)=$", re.MULTILINE)


def password() -> str:
    """48 hex digits: safe in a URI, a shell, a properties file and a .env file alike."""
    return secrets.token_hex(24)


def random_key() -> str:
    """32 random bytes in base64, as intake's identity vault and the fingerprints read them."""
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def cluster_id() -> str:
    """A Kafka cluster's id: 16 bytes in URL-safe base64, not beginning with a hyphen."""
    while (made := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode("ascii").rstrip("=")).startswith(
        "-"
    ):
        pass
    return made


def mongodb_key() -> str:
    """What a replica set's members know each other by: 6 to 1,024 characters of base64."""
    return base64.b64encode(secrets.token_bytes(96)).decode("ascii")


# Every other empty variable is a password.
MAKERS: Mapping[str, Callable[[], str]] = {
    "KAFKA_CLUSTER_ID": cluster_id,
    "MONGODB_KEY": mongodb_key,
    "FINGERPRINT_KEY": random_key,
    "VAULT_MASTER_KEY": random_key,
    "NUMBER_KEYS": random_key,
}


def filled(example: str) -> str:
    """The example with a fresh secret in place of each empty value; all else as it was."""
    return _EMPTY.sub(lambda found: f"{found['name']}={MAKERS.get(found['name'], password)()}", example)


if __name__ == "__main__":
    sys.stdout.write(filled(EXAMPLE.read_text(encoding="utf-8")))
