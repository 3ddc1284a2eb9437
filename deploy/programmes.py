"""Publish programmes and open their dashboards, in one step.

python -m deploy.programmes publish FILE...

Intake's own command (`services.intake.programmes`) checks the files and publishes them, as a process of its own: it has
intake's database and no right in Kafka. Then an administrator's credentials give each audience of the programme its
topic and its user (`deploy.dashboards`). It may be run again: what is there is left alone, and an audience that was
closed stays closed.

No password is printed, because what a container prints is kept as its log. A user's password is that of its file in
KAFKA_PASSWORDS_DIR. Without one nobody has it, and `python -m deploy.dashboards open PROGRAMME AUDIENCE --renew` prints
another, once.

Environment: as `deploy.topics`, and what docs/reference/settings.md asks of intake's command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import yaml

from deploy.dashboards import open_new
from deploy.topics import passwords_in
from deploy.users import run

ADMINISTRATORS = ("KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_PASSWORDS_DIR")
"""What no code of a service is told."""


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("publish")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
def publish_command(files: tuple[Path, ...]) -> None:
    """Publish the programmes of FILES in turn and open the dashboards that they never had.

    Ends with the status of intake's command where that fails; no dashboard is opened then.
    """
    told = {name: value for name, value in os.environ.items() if name not in ADMINISTRATORS}
    command = [sys.executable, "-m", "services.intake.programmes", "publish", *map(str, files)]
    if failed := subprocess.run(command, env=told, check=False).returncode:
        sys.exit(failed)
    programmes = dict.fromkeys(yaml.safe_load(one.read_text(encoding="utf-8"))["id"] for one in files)
    folder = os.environ.get("KAFKA_PASSWORDS_DIR")
    passwords = passwords_in(Path(folder)) if folder else {}
    run(lambda admin: [line for one in programmes for line in open_new(admin, one, passwords)])


if __name__ == "__main__":
    main()
