"""An agency gets topics, a user, rights and quotas of its own in Kafka, or loses them, while everything runs.

python -m deploy.agencies join UNIT
python -m deploy.agencies leave UNIT
python -m deploy.agencies list

It is run with an administrator's credentials, as `deploy.topics`: no service has any. What an agency gets is what
`topics.yaml` declares for each. Intake finds the topics by itself within seconds, because it may then read them; no
process is restarted. The password is printed once and kept nowhere.

Environment: as `deploy.topics`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator

import click
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
)

from deploy.declaration import REFERRALS, declared
from deploy.quotas import apply_quotas
from deploy.secrets import password
from deploy.topics import apply, config_from_environment, connect, joined
from deploy.trouble import CannotApply
from shared.language.forms import ORGANISATION

ADMINISTRATOR = "admin"


def join(admin: KafkaAdminClient, unit: str, *, renew: bool = False) -> tuple[str | None, list[str]]:
    """Give the unit what `topics.yaml` declares for an agency. Returns its new password, and what was changed.

    renew: give a new password to a user that is there. Without it the password is None then. Safe to repeat after an
    interruption. Blocks until a broker that was asked knows the rights. Raises CannotApply.
    """
    _refuse_other(unit)
    kept = unit in admin.describe_user_scram_credentials() and not renew
    secret = None if kept else password()
    passwords = {} if secret is None else {unit: secret}
    return secret, apply(admin, declared().beside([unit]), passwords)


def leave(admin: KafkaAdminClient, unit: str) -> list[str]:
    """Take the unit's user, rights and quotas. Returns what was changed, one line each.

    Its topics stay, and intake may still write the replies that were on their way. Safe to repeat. Raises CannotApply
    for an agency that `topics.yaml` names.
    """
    _refuse_other(unit)
    if unit in declared().agencies:
        raise CannotApply(f"{unit} is named in topics.yaml: take it out there first, and apply that")
    return list(_taken(admin, unit))


def _taken(admin: KafkaAdminClient, unit: str) -> Iterator[str]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    referrals = ResourcePatternFilter(
        ResourceType.TOPIC, REFERRALS.format(agency=unit), ACLResourcePatternType.LITERAL
    )
    every, allow = ACLOperation.ANY, ACLPermissionType.ALLOW
    # Its rights first: whoever is connected already is refused from then on.
    for whose in (
        ACLFilter(f"User:{unit}", None, every, allow, anything),
        ACLFilter("User:intake", None, every, allow, referrals),
    ):
        found, _ = admin.describe_acls(whose)
        if found:
            admin.delete_acls([whose])
            yield f"{len(found)} access rules withdrawn"
    if unit in admin.describe_user_scram_credentials():
        refused = admin.alter_user_scram_credentials(
            [UserScramCredentialDeletion(unit, ScramMechanism.SCRAM_SHA_512)]
        )
        if refused.get(unit):
            raise CannotApply(f"Kafka kept the user {unit}: {refused[unit]}")
        yield f"user {unit} removed"
    yield from apply_quotas(admin, {unit: {}})


def _refuse_other(unit: str) -> None:
    """Refuse whatever is no unit's code, or names somebody else in Kafka. Raises CannotApply."""
    agencies = declared().agencies
    others = {one.name for one in declared().principals if one.name not in agencies} | {ADMINISTRATOR}
    if not re.fullmatch(ORGANISATION, unit) or unit in others:
        raise CannotApply(f"{unit!r} is no code of a unit, or another user of Kafka has it")


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("join")
@click.argument("unit")
@click.option("--renew", is_flag=True, help="Give a new password to a user that is there.")
def join_command(unit: str, renew: bool) -> None:
    """Make topics, user, rights and quotas of a unit; prints the password, once."""

    def work(admin: KafkaAdminClient) -> list[str]:
        secret, changed = join(admin, unit, renew=renew)
        told = f"password: {secret}" if secret else f"{unit} keeps its password; --renew gives another"
        return [*changed, told]

    _run(work)


@main.command("leave")
@click.argument("unit")
def leave_command(unit: str) -> None:
    """Take a unit's user, rights and quotas; its topics stay."""
    _run(lambda admin: leave(admin, unit))


@main.command("list")
def list_command() -> None:
    """The units that have topics now."""
    _run(lambda admin: list(joined(admin)))


def _run(work: Callable[[KafkaAdminClient], list[str]]) -> None:
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


if __name__ == "__main__":
    main()
