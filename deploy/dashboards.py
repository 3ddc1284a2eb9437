"""A topic and a user for each audience of a programme, which reads its published figures there and nothing else.

python -m deploy.dashboards open PROGRAMME
python -m deploy.dashboards close PROGRAMME AUDIENCE
python -m deploy.dashboards list

It is run with an administrator's credentials when a programme is published, and may be run again. Outcome finds the
topics by itself within seconds and fills them. Every audience gets the form that hides small numbers: exact figures are
read over HTTP alone, by who has the right `read_report`. Passwords are printed once and kept nowhere.

Environment: as `deploy.topics`.
"""

from __future__ import annotations

import re

import click
from kafka.admin import KafkaAdminClient

from deploy.declaration import DASHBOARD, VIEWER, declared
from deploy.topics import opened
from deploy.trouble import CannotApply
from deploy.users import give, run, take, told
from shared.language.forms import CODE

AUDIENCES = ("owner", "funder", "public")


def names(programme: str) -> list[str]:
    """The dashboards of a programme. Raises CannotApply for what is no programme's code."""
    if not re.fullmatch(CODE, programme):
        raise CannotApply(f"{programme!r} is no code of a programme")
    return [f"{programme}_{audience}" for audience in AUDIENCES]


def open_for(admin: KafkaAdminClient, programme: str, *, renew: bool = False) -> dict[str, str | None]:
    """Give each audience of the programme its topic and its user. Returns {user: its new password, or None}.

    As `deploy.users.give`. Raises CannotApply.
    """
    found = {}
    for name in names(programme):
        user = VIEWER.format(dashboard=name)
        found[user], _ = give(admin, user, declared().beside(dashboards=names(programme)), renew=renew)
    return found


def close(admin: KafkaAdminClient, programme: str, audience: str) -> list[str]:
    """Take the audience's user and rights. Returns what was changed; the topic stays. Raises CannotApply."""
    name = f"{programme}_{audience}"
    if name not in names(programme):
        raise CannotApply(f"an audience is one of {', '.join(AUDIENCES)}")
    user, topic = VIEWER.format(dashboard=name), DASHBOARD.format(dashboard=name)
    return list(take(admin, user, service="outcome", topic=topic))


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("open")
@click.argument("programme")
@click.option("--renew", is_flag=True, help="Give new passwords to users that are there.")
def open_command(programme: str, renew: bool) -> None:
    """Make topic and user of each audience; prints the passwords, once."""
    run(lambda admin: [told(*one) for one in open_for(admin, programme, renew=renew).items()])


@main.command("close")
@click.argument("programme")
@click.argument("audience", type=click.Choice(AUDIENCES))
def close_command(programme: str, audience: str) -> None:
    """Take an audience's user and rights; its topic stays."""
    run(lambda admin: close(admin, programme, audience))


@main.command("list")
def list_command() -> None:
    """The dashboards that are open: `<programme>_<audience>`."""
    run(lambda admin: list(opened(admin)))


if __name__ == "__main__":
    main()
