"""A topic and a user for each audience of a programme, which reads its published figures there and nothing else.

python -m deploy.dashboards open PROGRAMME [AUDIENCE] [--renew]
python -m deploy.dashboards close PROGRAMME AUDIENCE
python -m deploy.dashboards list

Publishing a programme opens them (`deploy.programmes`). This command gives a new password, closes one, and opens one
again that was closed. It is run with an administrator's credentials, and may be run again. Outcome finds the topics by
itself within seconds and fills them. Every audience gets the form that hides small numbers: exact figures are read over
HTTP alone, by who has the right `read_report`. Passwords are printed once and kept nowhere.

Environment: as `deploy.topics`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click
from kafka.admin import KafkaAdminClient

from deploy.declaration import DASHBOARD, VIEWER, declared
from deploy.secrets import password
from deploy.topics import apply, opened
from deploy.trouble import CannotApply
from deploy.users import give, run, take, told
from shared.language.forms import CODE

AUDIENCES = ("owner", "funder", "public")


def names(programme: str, audiences: Sequence[str] = AUDIENCES) -> list[str]:
    """The dashboards of a programme. Raises CannotApply for what is no programme's code, or no audience."""
    if not re.fullmatch(CODE, programme):
        raise CannotApply(f"{programme!r} is no code of a programme")
    if not set(audiences) <= set(AUDIENCES):
        raise CannotApply(f"an audience is one of {', '.join(AUDIENCES)}")
    return [f"{programme}_{audience}" for audience in audiences]


def open_new(admin: KafkaAdminClient, programme: str, passwords: Mapping[str, str]) -> list[str]:
    """Open the dashboards that the programme never had. Returns what was changed, one line each.

    An audience that was closed stays closed: its topic is there, and its user is not. passwords: {user: the password
    of a new one}; a user that is not in it gets one that nobody was told, and a new one by `open_for`. Blocks until a
    broker that was asked knows the rights. Safe to repeat after an interruption. Raises CannotApply.
    """
    users, topics = admin.describe_user_scram_credentials(), set(admin.list_topics())
    ours = {
        VIEWER.format(dashboard=name): name
        for name in names(programme)
        if VIEWER.format(dashboard=name) in users or DASHBOARD.format(dashboard=name) not in topics
    }
    new = {user: passwords.get(user) or password() for user in ours if user not in users}
    return apply(admin, declared().beside(dashboards=ours.values()), new)


def open_for(
    admin: KafkaAdminClient, programme: str, audiences: Sequence[str] = AUDIENCES, *, renew: bool = False
) -> dict[str, str | None]:
    """Give each audience of the programme its topic and its user. Returns {user: its new password, or None}.

    As `deploy.users.give`. Raises CannotApply.
    """
    found = {}
    for name in names(programme, audiences):
        user = VIEWER.format(dashboard=name)
        found[user], _ = give(admin, user, declared().beside(dashboards=[name]), renew=renew)
    return found


def close(admin: KafkaAdminClient, programme: str, audience: str) -> list[str]:
    """Take the audience's user and rights. Returns what was changed; the topic stays. Raises CannotApply."""
    (name,) = names(programme, [audience])
    user, topic = VIEWER.format(dashboard=name), DASHBOARD.format(dashboard=name)
    return list(take(admin, user, of={topic: "outcome"}))


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("open")
@click.argument("programme")
@click.argument("audience", type=click.Choice(AUDIENCES), required=False)
@click.option("--renew", is_flag=True, help="Give new passwords to users that are there.")
def open_command(programme: str, audience: str | None, renew: bool) -> None:
    """Make topic and user of each audience, or of one; prints new passwords, once."""
    whose = [audience] if audience else AUDIENCES
    run(lambda admin: [told(*one) for one in open_for(admin, programme, whose, renew=renew).items()])


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
