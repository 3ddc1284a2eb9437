"""MongoDB's replica set and users: one user per service, refused everywhere but its own database.

Beside it each service has `<database>_audit`. Its user can add to it, and can change and remove nothing in it. Roles
add up, so rows of the service's own database could never be kept from it.

    python -m deploy.database apply

One command for the local stack, compose and a cluster; it may be run again at any time. On a mongod
that is new it initiates the replica set and makes the administrator, by MongoDB's localhost
exception; where both exist (Atlas, an image with its own administrator) it makes only the users.

Environment: MONGODB_HOST (`host:port` of one member), MONGODB_ADMIN_USERNAME,
MONGODB_ADMIN_PASSWORD, MONGODB_PASSWORDS_DIR (a folder with one file per service database, named as
it is, holding its user's password), MONGODB_REPLICA_SET (initiated under this name when there is
none), MONGODB_CA_FILE (turns TLS on).

It refuses a MongoDB that writes what people told us into its own log: every member has to be started with
`operationProfiling.slowOpSampleRate: 0`, or where MongoDB has it `security.redactClientLogData: true`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from deploy.topics import passwords_in
from deploy.trouble import CannotApply
from shared.runtime.reads import INDEXES, audit_database

# A service's user has its database's name. No service is given a role on another's database.
DATABASES = ("intake", "activity_tracking", "handover", "outcome")

_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = 18
_NOT_A_MEMBER = 93
_ALREADY_INITIALIZED = 23
_USER_EXISTS = 51003


Client = MongoClient[dict[str, Any]]


def apply(
    host: str,
    *,
    admin: tuple[str, str],
    passwords: Mapping[str, str],
    replica_set: str,
    within_seconds: float,
    tls: Mapping[str, Any] | None = None,
    going_on: Callable[[], bool] = lambda: True,
) -> None:
    """Initiate what is missing, and give each service's user its password and its one role.

    host: `host:port`; also the address under which the member joins a new replica set.
    admin: user name and password. passwords: {database: password of the user of that name}.
    Blocks until there is a primary, at most `within_seconds` or until `going_on` says that there is
    nothing to wait for. Safe to repeat. Raises CannotApply.
    """
    give_up_at = time.monotonic() + within_seconds
    options: dict[str, Any] = {
        "directConnection": True,
        "serverSelectionTimeoutMS": 500,
        "tz_aware": True,
        **(tls or {}),
    }
    while True:
        try:
            _initiate(MongoClient(host, **options), host, admin, replica_set)
            with MongoClient[dict[str, Any]](host, username=admin[0], password=admin[1], **options) as client:
                _readdress(client, host)
                for member in _members(client):
                    with MongoClient[dict[str, Any]](
                        member, username=admin[0], password=admin[1], **options
                    ) as one:
                        _close_log(one, member)
                _make_users(client, passwords)
            return
        except ConnectionFailure as error:  # also NotPrimaryError: the election is still on
            problem: PyMongoError = error
        except OperationFailure as error:
            if error.code == _AUTHENTICATION_FAILED:
                raise CannotApply(
                    f"MongoDB at {host} has an administrator with another password than the one given: give the "
                    "right one, or remove the data of this installation"
                ) from error
            raise
        if time.monotonic() > give_up_at or not going_on():
            raise CannotApply(f"MongoDB at {host} was not ready within {within_seconds:.0f} s: {problem}")
        time.sleep(0.1)


def _initiate(client: Client, host: str, admin: tuple[str, str], replica_set: str) -> None:
    """Replica set and administrator, by the localhost exception; nothing once they are there."""
    with client:
        hello = client.admin.command("hello")
        if "setName" not in hello:
            member = {"_id": 0, "host": host}
            try:
                client.admin.command("replSetInitiate", {"_id": replica_set, "members": [member]})
            except OperationFailure as error:
                if error.code not in (_ALREADY_INITIALIZED, _UNAUTHORIZED):
                    raise
        name, password = admin
        try:
            client.admin.command("createUser", name, pwd=password, roles=["root"])
        except OperationFailure as error:
            # Unauthorized: there are users, so the exception no longer holds and the caller logs in.
            if error.code not in (_UNAUTHORIZED, _USER_EXISTS):
                raise


def _readdress(client: Client, host: str) -> None:
    """Bring a set of one back that no longer finds itself, because its port has changed since."""
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code != _NOT_A_MEMBER:
            raise
        config = client.admin.command("replSetGetConfig")["config"]
        if len(config["members"]) != 1:
            raise CannotApply(
                f"MongoDB at {host} is no member of its own replica set: correct its host name"
            ) from error
        config["members"][0]["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _members(client: Client) -> list[str]:
    """`host:port` of every member that holds data."""
    hello = client.admin.command("hello")
    return [*hello["hosts"], *hello.get("passives", ())]


def _close_log(member: Client, address: str) -> None:
    """Keep documents out of the member's log and profile. Raises CannotApply if the next start would open it.

    A slow operation is logged whole: purposes, handles, answers on health. With a sampling rate of 0 none is
    logged, whatever the threshold.
    """
    for database in DATABASES:
        member[database].command("profile", 0, sampleRate=0.0)
    try:
        started = member.admin.command("getCmdLineOpts")["parsed"]
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        raise CannotApply(
            f"MongoDB at {address} does not tell the administrator how it was started, so that nobody knows what "
            "its log will hold: give the administrator the role clusterMonitor"
        ) from error
    sampled = started.get("operationProfiling", {}).get("slowOpSampleRate", 1.0)
    if sampled and not started.get("security", {}).get("redactClientLogData"):
        raise CannotApply(
            f"MongoDB at {address} would log slow operations with the documents they hold from its next start "
            "on: start it with operationProfiling.slowOpSampleRate: 0, or with "
            "security.redactClientLogData: true where it has that"
        )


def _make_users(client: Client, passwords: Mapping[str, str]) -> None:
    existing = {user["user"] for user in client.admin.command("usersInfo", 1)["users"]}
    for database in DATABASES:
        command = "updateUser" if database in existing else "createUser"
        roles = [
            {"role": "readWrite", "db": database},
            {"role": _make_audit(client, database), "db": "admin"},
        ]
        client.admin.command(command, database, pwd=passwords[database], roles=roles)


def _make_audit(client: Client, service: str) -> str:
    """Make the database that the service can only add to, and the role that lets it. Returns the role's name."""
    kept, role = audit_database(service), f"{service}_appends"
    there = set(client[kept].list_collection_names())
    privileges = []
    for collection, indexes in INDEXES.items():
        if collection not in there:
            client[kept].create_collection(collection)
        if indexes:
            client[kept][collection].create_indexes(indexes)
        privileges.append({"resource": {"db": kept, "collection": collection}, "actions": ["find", "insert"]})
    known = client.admin.command("rolesInfo", role)["roles"]
    client.admin.command("updateRole" if known else "createRole", role, privileges=privileges, roles=[])
    return role


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("apply")
@click.option("--wait-seconds", default=120.0, help="How long to wait for a primary.")
def apply_command(wait_seconds: float) -> None:
    """Initiate the replica set if there is none, and make every service's user."""
    environment = os.environ
    ca_file = environment.get("MONGODB_CA_FILE")
    try:
        apply(
            environment["MONGODB_HOST"],
            admin=(environment["MONGODB_ADMIN_USERNAME"], environment["MONGODB_ADMIN_PASSWORD"]),
            passwords=passwords_in(Path(environment["MONGODB_PASSWORDS_DIR"])),
            replica_set=environment.get("MONGODB_REPLICA_SET", "rs0"),
            within_seconds=wait_seconds,
            tls={"tls": True, "tlsCAFile": ca_file} if ca_file else None,
        )
    except KeyError as missing:
        sys.exit(f"Missing: {missing.args[0]} (an environment variable, or a file in MONGODB_PASSWORDS_DIR).")
    except CannotApply as reason:
        sys.exit(str(reason))
    click.echo(f"users: {', '.join(DATABASES)}")


if __name__ == "__main__":
    main()
