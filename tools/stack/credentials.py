"""The secrets of one stack: made on first use, kept in files only their owner can read.

They are worth nothing outside this machine, and yet never committed and never shown. Everything that is closed in
production is closed here too, with the same parts.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import RSAKey

from deploy.database import DATABASES
from deploy.declaration import declared


class Credentials:
    """Secrets by name, in `folder`. Two processes that ask at once get the same one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        with contextlib.suppress(FileNotFoundError):
            return path.read_text(encoding="ascii")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written whole beside it and then linked: whoever comes second finds a complete secret.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        return path.read_text(encoding="ascii")

    def kafka(self, principal: str) -> str:
        """A Kafka user's password; `admin` is the superuser."""
        return self._kept("kafka-admin" if principal == "admin" else f"kafka/{principal}", secrets.token_hex)

    def kafka_folder(self) -> Path:
        """The folder with one file per principal (not the superuser), all of them made."""
        for principal in declared().principals:
            self.kafka(principal.name)
        return self.folder / "kafka"

    def mongodb(self, user: str) -> str:
        """A MongoDB user's password; `admin` is the superuser."""
        return self._kept("mongodb-admin" if user == "admin" else f"mongodb/{user}", secrets.token_hex)

    def mongodb_folder(self) -> Path:
        """The folder with one file per service database, all of them made."""
        for database in DATABASES:
            self.mongodb(database)
        return self.folder / "mongodb"

    def mongodb_key_file(self) -> Path:
        """What the members of the replica set know each other by."""
        self._kept("mongodb-key", lambda: secrets.token_urlsafe(96).replace("-", "A").replace("_", "B"))
        return self.folder / "mongodb-key"

    def client_secret(self) -> str:
        """The one client secret of the local issuer."""
        return self._kept("client-secret", secrets.token_hex)

    def signing_key(self) -> RSAKey:
        """The issuer's private key: RSA, since every request verifies a token and few are signed."""
        pem = self._kept(
            "issuer-key.pem",
            lambda: RSAKey.generate_key(2048, private=True).as_pem(private=True).decode("ascii"),
        )
        key = RSAKey.import_key(pem, {"use": "sig", "alg": "RS256"})
        key.ensure_kid()
        return key

    def vault_master_key(self) -> str:
        """32 random bytes in base64."""
        return self._kept("vault-master-key", _random_key)

    def number_keys(self) -> str:
        """One key of 32 random bytes in base64."""
        return self._kept("number-key", _random_key)

    def fingerprint_key(self) -> str:
        """32 random bytes in base64."""
        return self._kept("fingerprint-key", _random_key)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")
