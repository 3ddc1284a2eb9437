"""`python -m deploy.backup`: see `deploy.backup`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import click
from confluent_kafka import KafkaException
from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from deploy.backup import log
from deploy.backup.numbers import raise_floor
from deploy.backup.restoring import require_whole, restore, unmark
from deploy.backup.surroundings import CannotDo, Client, connected, kafka_options, require_stopped
from deploy.backup.taking import take
from deploy.trouble import CannotApply

DISAGREE, IMPOSSIBLE = 1, 2
FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def main() -> None:
    """Backup and restore of the services' databases and of the log: docs/operations/backup.md.

    Exit status: 0 well, 1 the log and the databases do not agree, 2 wrongly typed or not possible.
    """


@main.command("take")
@FOLDER
def take_command(folder: Path) -> None:
    """Write all databases, as they are at one moment, into FOLDER. Services may run."""
    with connected(os.environ) as client:
        take(client, folder, click.echo)


@main.command("restore")
@FOLDER
def restore_command(folder: Path) -> None:
    """Replace the services' databases by those in FOLDER, then compare them with the log. Services must be stopped."""
    with connected(os.environ) as client:
        require_stopped(client)
        restore(client, folder, click.echo)
        _compared(client)


@main.command("check")
def check_command() -> None:
    """Compare the databases with the log. Where they agree after a restore, the services may start again.

    Services must be stopped.
    """
    with connected(os.environ) as client:
        require_stopped(client)
        require_whole(client)
        _compared(client)


@main.command("renumber")
@click.argument("moment", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]))
def renumber_command(moment: datetime) -> None:
    """After another tool's restore: give organisations numbers above all that they may have read since MOMENT.

    MOMENT: of which that backup is, or earlier, as 2026-11-27T02:00:00+0000. Services must be stopped.
    """
    with connected(os.environ) as client:
        require_stopped(client)
        require_whole(client)
        floor = raise_floor(client, moment)
    click.echo(f"What organisations are told from now on has numbers above {floor}.")


def _compared(client: Client) -> None:
    compared = log.compare(client, kafka_options(os.environ))
    for line in compared.told():
        click.echo(line)
    if compared.agrees:
        unmark(client)
    sys.exit(0 if compared.agrees else DISAGREE)


@main.command("new-log")
@FOLDER
def new_log_command(folder: Path) -> None:
    """Make the log anew from the databases; FOLDER gets the events that are given up. Services must be stopped."""
    options = kafka_options(os.environ)
    with connected(os.environ) as client:
        require_stopped(client)
        require_whole(client)
        if unknown := log.compare(client, options).unknown:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            click.echo(
                f"{len(unknown)} events are given up; {log.write_given_up(folder, unknown)} keeps them."
            )
        log.make_anew(client, options, click.echo)
        unmark(client)
    click.echo("Start the services: they publish what they have said, and read it from the beginning.")


def run() -> None:
    """Run a command; what it cannot do is told in its own words."""
    try:
        main()
    except KeyError as missing:
        click.echo(f"Set the environment variable {missing.args[0]}.", err=True)
    except (CannotDo, CannotApply) as reason:
        click.echo(str(reason), err=True)
    except (PyMongoError, KafkaException, KafkaError) as error:
        click.echo(f"{type(error).__name__}: {str(error)[:300]}", err=True)
    sys.exit(IMPOSSIBLE)


if __name__ == "__main__":
    run()
