"""An agency gets topics, a user, rights and quotas of its own in Kafka, or loses them, while everything runs.

python -m deploy.agencies join UNIT
python -m deploy.agencies leave UNIT
python -m deploy.agencies list

It is run with an administrator's credentials, as `deploy.topics`: no service has any. What an agency gets is what
`topics.yaml` declares for each. Intake finds the topics by itself within seconds, because it may then read them; no
process is restarted. The password is printed once and kept nowhere. `join` asks the register's log first: whoever is
not there, has ended or is a member of no programme gets nothing.

Environment: as `deploy.topics`.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

import click
from kafka.admin import KafkaAdminClient

from deploy.declaration import ATTENDANCE, REFERRALS, declared
from deploy.register import await_part
from deploy.topics import config_from_environment, joined
from deploy.trouble import CannotApply
from deploy.users import give, run, take, told
from shared.language.days import day_of
from shared.language.forms import ORGANISATION

ADMINISTRATOR = "admin"


def join(admin: KafkaAdminClient, unit: str, *, renew: bool = False) -> tuple[str | None, list[str]]:
    """Give the unit what `topics.yaml` declares for an agency. Returns its new password, and what was changed.

    Whether it takes part is asked before (`deploy.register`). As `deploy.users.give`. Raises CannotApply.
    """
    _refuse_other(unit)
    return give(admin, unit, declared().beside([unit]), renew=renew)


def leave(admin: KafkaAdminClient, unit: str) -> list[str]:
    """Take the unit's user, rights and quotas. Returns what was changed, one line each.

    Its topics stay, and intake may still write the replies that were on their way. Safe to repeat. Raises CannotApply
    for an agency that `topics.yaml` names.
    """
    _refuse_other(unit)
    if unit in declared().agencies:
        raise CannotApply(f"{unit} is named in topics.yaml: take it out there first, and apply that")
    of = {REFERRALS.format(agency=unit): "intake", ATTENDANCE.format(agency=unit): "activity-tracking"}
    return list(take(admin, unit, of=of))


def _refuse_other(unit: str) -> None:
    """Refuse whatever is no unit's code, or names somebody else in Kafka. Raises CannotApply."""
    known = declared()
    others = {one.name for one in known.principals if one.name not in known.agencies}
    others |= {ADMINISTRATOR, *known.former}
    if not re.fullmatch(ORGANISATION, unit) or unit in others:
        raise CannotApply(f"{unit!r} is no code of a unit, or another user of Kafka has it")


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("join")
@click.argument("unit")
@click.option("--renew", is_flag=True, help="Give a new password to a user that is there.")
def join_command(unit: str, renew: bool) -> None:
    """Make topics, user, rights and quotas of a unit that takes part; prints the password, once."""

    def work(admin: KafkaAdminClient) -> list[str]:
        _refuse_other(unit)
        await_part(config_from_environment(os.environ), unit, day_of(datetime.now(UTC)))
        secret, changed = join(admin, unit, renew=renew)
        return [*changed, told(unit, secret)]

    run(work)


@main.command("leave")
@click.argument("unit")
def leave_command(unit: str) -> None:
    """Take a unit's user, rights and quotas; its topics stay."""
    run(lambda admin: leave(admin, unit))


@main.command("list")
def list_command() -> None:
    """The units that have topics now."""
    run(lambda admin: list(joined(admin)))


if __name__ == "__main__":
    main()
