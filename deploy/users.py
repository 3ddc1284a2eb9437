"""A user of Kafka that comes or goes while everything runs: what it is given, what is taken, and its password.

Used by `deploy.agencies` and `deploy.dashboards`, with an administrator's credentials. A password is returned once and
kept nowhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping

import click
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
)

from deploy.declaration import Declaration
from deploy.secrets import password
from deploy.topics import apply, config_from_environment, connect, withdraw
from deploy.trouble import CannotApply


def give(
    admin: KafkaAdminClient, user: str, declaration: Declaration, *, renew: bool
) -> tuple[str | None, list[str]]:
    """Apply the declaration, with a password for the user. Returns the password, and what was changed.

    renew: give a new password to a user that is there. Without it the password is None then. Safe to repeat after an
    interruption. Blocks until a broker that was asked knows the rights. Raises CannotApply.
    """
    kept = user in admin.describe_user_scram_credentials() and not renew
    secret = None if kept else password()
    return secret, apply(admin, declaration, {} if secret is None else {user: secret})


def take(admin: KafkaAdminClient, user: str, *, of: Mapping[str, str]) -> Iterator[str]:
    """Take the user, its rights and quotas, and services' rights to its topics. Safe to repeat. Raises CannotApply.

    of: {topic: the service that loses its rights to it}. Yields what was changed, one line each.
    """
    return withdraw(admin, user, [_rights(service, topic) for topic, service in of.items()])


def _rights(service: str, topic: str) -> ACLFilter:
    named = ResourcePatternFilter(ResourceType.TOPIC, topic, ACLResourcePatternType.LITERAL)
    return ACLFilter(f"User:{service}", None, ACLOperation.ANY, ACLPermissionType.ALLOW, named)


def told(user: str, secret: str | None) -> str:
    """The line that hands a password over, once."""
    return f"password of {user}: {secret}" if secret else f"{user} keeps its password; --renew gives another"


def run(work: Callable[[KafkaAdminClient], list[str]]) -> None:
    """Do it with the administrator that the environment names, and print its lines; end the process where it cannot."""
    try:
        admin = connect(config_from_environment(os.environ), within_seconds=30.0)
        try:
            lines = work(admin)
        finally:
            admin.close()
    except KeyError as missing:
        sys.exit(f"Set the environment variable {missing.args[0]}.")
    except CannotApply as reason:
        sys.exit(str(reason))
    for line in lines:
        click.echo(line)
