"""What containers read from files: certificates, the replica set's key, and one password file per user.

    python -m deploy.preparation apply

Compose runs it once before everything else, as root and without a network: only root can give each file to
the one user that may read it. Secrets come from the environment and from nowhere else, as named in
`.env.example`: KAFKA_PASSWORD_<PRINCIPAL> for each principal of `topics.yaml`, MONGODB_PASSWORD_<DATABASE> for
each service's database, MONGODB_KEY, ISSUER_CLIENT_SECRET. PREPARED_DIR is the folder with one folder in it
per volume; KAFKA_UID, MONGODB_UID and SERVICE_UID are the users in the images.

Safe to repeat: password files always follow the environment. Certificates are kept until they are about to
run out; when they were renewed, recreate the containers (`docker compose up --force-recreate`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from deploy.certificates import holds, issue
from deploy.database import DATABASES
from deploy.declaration import declared

# Server -> the names by which its clients, its health check and it itself reach it.
SERVERS: Mapping[str, tuple[str, ...]] = {
    "kafka": ("kafka", "localhost", "127.0.0.1"),
    "mongodb": ("mongodb", "localhost", "127.0.0.1"),
}


def variable(prefix: str, name: str) -> str:
    """The variable that holds a user's password: KAFKA_PASSWORD_ACTIVITY_TRACKING, say."""
    return f"{prefix}_PASSWORD_{name.upper().replace('-', '_')}"


@dataclass(frozen=True)
class Owners:
    """The numbers of the users that may read what is prepared."""

    kafka: int
    mongodb: int
    service: int


def prepare(folder: Path, environment: Mapping[str, str], owners: Owners, *, at: datetime) -> list[str]:
    """Write every file that is missing or out of date; returns what was made, one line each.

    at: now, UTC. Raises KeyError naming a variable that is missing, before anything is written.
    """
    kafka = {one.name: environment[variable("KAFKA", one.name)] for one in declared().principals}
    mongodb = {name: environment[variable("MONGODB", name)] for name in DATABASES}
    member_key, client_secret = environment["MONGODB_KEY"], environment["ISSUER_CLIENT_SECRET"]
    made = [*_certificates(folder, owners, at=at)]
    for server, passwords in (("kafka", kafka), ("mongodb", mongodb)):
        for name, password in passwords.items():
            _write(folder / "passwords" / server / name, password.encode(), owners.service)
        made.append(f"{server}: {len(passwords)} passwords")
    _write(folder / "mongodb" / "key", member_key.encode(), owners.mongodb)
    # The local issuer keeps its signing key beside it, so the folder is its own.
    _write(folder / "issuer" / "secrets" / "client-secret", client_secret.encode(), owners.service)
    os.chown(folder / "issuer" / "secrets", owners.service, owners.service)
    return made


def _certificates(folder: Path, owners: Owners, *, at: datetime) -> list[str]:
    # Written last, so that a preparation that was cut off is begun anew.
    authority = folder / "authority" / "ca.pem"
    if authority.exists() and holds(authority.read_bytes(), at=at):
        return []
    certificate, servers = issue(SERVERS, at=at)
    _write(folder / "kafka" / "server.pem", servers["kafka"], owners.kafka)
    _write(folder / "mongodb" / "server.pem", servers["mongodb"], owners.mongodb)
    _write(authority, certificate, owners.service, mode=0o444)
    return [f"certificates: {', '.join(SERVERS)}"]


def _write(path: Path, content: bytes, owner: int, mode: int = 0o400) -> None:
    """Replace a file whole, readable by its owner only from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.chmod(mode)
    os.chown(draft, owner, owner)
    draft.replace(path)


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("apply")
def apply_command() -> None:
    """Write what is missing or out of date."""
    environment = os.environ
    try:
        owners = Owners(
            kafka=int(environment["KAFKA_UID"]),
            mongodb=int(environment["MONGODB_UID"]),
            service=int(environment["SERVICE_UID"]),
        )
        for line in prepare(Path(environment["PREPARED_DIR"]), environment, owners, at=datetime.now(UTC)):
            click.echo(line)
    except KeyError as missing:
        sys.exit(
            f"Set the environment variable {missing.args[0]}: `python -m deploy.secrets > .env` makes them."
        )


if __name__ == "__main__":
    main()
