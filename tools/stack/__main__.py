"""The local stack's commands: `python -m tools.stack --help`, or shorter `make help`."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from tools.stack import jars, preflight
from tools.stack.control import Control
from tools.stack.issuer import DUTIES
from tools.stack.overview import show_status
from tools.stack.processes import EVERYTHING, SERVICE_PROCESSES
from tools.stack.record import Record
from tools.stack.settings import OPERATORS, REPOSITORY, Settings
from tools.stack.stack import Stack
from tools.stack.supervisor import private
from tools.stack.trouble import Trouble

READY_WITHIN_SECONDS = 180.0
# The line by which the background process tells that all is ready.
UP = "up"
# What `journeys` exits with when nobody answers it.
NO_ANSWER = 4


def wanted_processes() -> tuple[str, ...]:
    """STACK_PROCESSES (names, spaces between), or every process."""
    return tuple((os.environ.get("STACK_PROCESSES") or " ".join(EVERYTHING)).split())


@click.group(help=__doc__)
@click.pass_context
def main(context: click.Context) -> None:
    """Every command works on the stack that STACK_PORT_BASE and STACK_DIR name."""
    context.obj = Settings.from_environment(os.environ)


@main.command()
@click.pass_obj
def up(settings: Settings) -> None:
    """Start everything in the background and wait until it is ready."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    control = Control(settings)
    if control.is_up():
        click.echo(f"The stack in {settings.folder} is up already.")
        show_status(control)
        return
    began = time.monotonic()
    preflight.check_disk(settings)
    report = settings.folder / "up.log"
    with open(report, "wb", opener=private) as log:
        background = subprocess.Popen(
            [sys.executable, "-m", "tools.stack", "run"],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        follow_until_up(report, background)
    except KeyboardInterrupt:
        click.echo("Stopping what was started.")
        background.send_signal(signal.SIGTERM)
        background.wait()
        raise Trouble("Interrupted; nothing runs.") from None
    click.echo(
        f"Up in {time.monotonic() - began:.0f} s. `make status`, `make logs`, `make token`, `make down`."
    )
    show_addresses(settings)


def follow_until_up(report: Path, background: subprocess.Popen[bytes]) -> None:
    """Show what the background process says until it is up. Raises Trouble, its own words, if it ends."""
    with open(report, encoding="utf-8") as lines:
        while True:
            line = lines.readline()
            if line.strip() == UP:
                return
            if line:
                click.echo(line.rstrip("\n"))
            elif background.poll() is not None:
                click.echo(lines.read(), nl=False)
                sys.exit(1)
            else:
                time.sleep(0.05)


@main.command()
@click.pass_obj
def run(settings: Settings) -> None:
    """Start everything in the foreground; Ctrl-C stops it."""
    on_termination_leave()
    # From now on the data is somebody's own, and the next demo may not remove it.
    (settings.folder / "played").unlink(missing_ok=True)
    with Stack(
        settings, wanted_processes(), restart=True, say=say, ready_within_seconds=READY_WITHIN_SECONDS
    ):
        say(UP)
        while True:
            signal.pause()


@main.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Start everything in the foreground, unless it is up, and run DEMO_COMMAND against it."""
    on_termination_leave()
    if Control(settings).is_up():
        say(f"Using the stack that is up in {settings.folder}; it stays up.")
        sys.exit(run_player(settings))
    began = time.monotonic()
    begin_empty(settings)
    with Stack(
        settings, wanted_processes(), restart=True, say=say, ready_within_seconds=READY_WITHIN_SECONDS
    ):
        say(f"Up in {time.monotonic() - began:.0f} s. Ctrl-C stops everything.")
        show_addresses(settings)
        code = run_player(settings)
    sys.exit(code)


def begin_empty(settings: Settings) -> None:
    """A play needs an empty stack: remove what an earlier demo left, and nobody else's data. Raises Trouble."""
    played = settings.folder / "played"
    if (settings.folder / "mongodb").exists() and not played.exists():
        raise Trouble(
            f"The data in {settings.folder} is no demo's: `make reset` removes it, or set STACK_DIR to another folder."
        )
    remove_data(settings)
    settings.folder.mkdir(parents=True, exist_ok=True)
    played.touch()


def remove_data(settings: Settings) -> None:
    """Remove the data, logs and secrets of a stack that is down."""
    with Record(settings.folder).owned():
        preflight.mend(settings)
        # Users' passwords are in the data; secrets without it, or it without them, would not fit.
        for name in ("kafka", "mongodb", "logs", "hold", "secrets"):
            shutil.rmtree(settings.folder / name, ignore_errors=True)
    (settings.folder / "played").unlink(missing_ok=True)


def run_player(settings: Settings) -> int:
    """Run DEMO_COMMAND (default: the player) with the stack's addresses; ONCE and FAULT pass through."""
    command = shlex.split(os.environ.get("DEMO_COMMAND") or f"{sys.executable} -m clients.player")
    player = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **settings.client_environment()})
    try:
        return player.wait()
    except (KeyboardInterrupt, SystemExit):
        # At a terminal it heard the Ctrl-C as we did; it may finish its sentence.
        player.terminate()
        try:
            player.wait(10)
        except subprocess.TimeoutExpired:
            player.kill()
            player.wait()
        raise


@main.command()
@click.pass_obj
def down(settings: Settings) -> None:
    """Stop everything in order, and whatever an earlier start left."""
    if Control(settings).down():
        click.echo("Stopped.")
        return
    with Record(settings.folder).owned():
        left = preflight.mend(settings)
    click.echo(
        f"Ended what an earlier start left: {', '.join(name for name, _ in left)}."
        if left
        else "Nothing runs."
    )


@main.command()
@click.pass_obj
def reset(settings: Settings) -> None:
    """Remove the data, logs and secrets of a stack that is down."""
    if Control(settings).is_up():
        raise Trouble("The stack is up: `make down` first.")
    remove_data(settings)
    click.echo(f"Removed the data in {settings.folder}.")


@main.command()
@click.pass_obj
def status(settings: Settings) -> None:
    """Show every process, what it does, its lag, its halts and their cure."""
    control = Control(settings)
    if not control.is_up():
        left = [name for name, entry in control.entries().items() if entry.running and entry.running.alive()]
        also = f" An earlier start left {', '.join(left)} running: `make down` ends them." if left else ""
        click.echo(f"The stack in {settings.folder} is down.{also}")
        sys.exit(1)
    show_status(control)


def show_addresses(settings: Settings) -> None:
    """Print where a person finds what."""
    for process in (
        "intake-web",
        "activity-tracking-web",
        "handover-web",
        "outcome-web",
        "outcome-stream",
        "issuer",
    ):
        click.echo(f"  {process:<22} {settings.url(process)}")
    click.echo(f"  {'Kafka':<22} {settings.kafka_address}")
    click.echo(f"  {'MongoDB':<22} {settings.mongodb_address}")


@main.command()
@click.argument("process", required=False)
@click.pass_obj
def logs(settings: Settings, process: str | None) -> None:
    """Follow the logs of PROCESS (or all whose names begin so), or of every service."""
    names = [name for name in EVERYTHING if name.startswith(process)] if process else list(SERVICE_PROCESSES)
    files = [file for name in names if (file := settings.folder / "logs" / f"{name}.log").exists()]
    if not files:
        raise Trouble(
            f"No logs of {process or 'any service'} in {settings.folder / 'logs'}; names: {', '.join(EVERYTHING)}."
        )
    os.execvp("tail", ["tail", "-n", "20", "-F", *map(str, files)])


@main.command()
@click.argument("organisation")
@click.argument("duty", type=click.Choice(DUTIES))
@click.option("--person", help="Who it is for; one is made up otherwise.")
@click.pass_obj
def token(settings: Settings, organisation: str, duty: str, person: str | None) -> None:
    """Print a bearer token for ORGANISATION and DUTY."""
    click.echo(Control(settings).token(organisation, duty, **({"person": person} if person else {})))


@main.command()
@click.argument("organisation")
@click.argument("programme")
@click.option("--duty", type=click.Choice(DUTIES), default="owner")
@click.pass_obj
def page(settings: Settings, organisation: str, programme: str, duty: str) -> None:
    """Print a new link to the live page of PROGRAMME, for somebody of ORGANISATION. It opens once, in five minutes."""
    click.echo(Control(settings).page_link(programme, organisation, duty))


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def journeys(settings: Settings, words: tuple[str, ...]) -> None:
    """Run the operators' `journeys` on this stack, with a token of its issuer: `journeys status`.

    Its exit status is that of `journeys`; 4, no answer, when the stack gives no token.
    """
    try:
        token = Control(settings).token(OPERATORS, "operator")
    except Trouble as trouble:
        click.echo(str(trouble), err=True)
        sys.exit(NO_ANSWER)
    environment = {**os.environ, **settings.operator_environment(), "JOURNEYS_TOKEN": token}
    os.execve(sys.executable, [sys.executable, "-m", "clients.operator", *words], environment)


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def backup(settings: Settings, words: tuple[str, ...]) -> None:
    """Run `deploy.backup` on this stack, with its administrators: `backup take FOLDER`."""
    environment = {**os.environ, **settings.administrator_environment()}
    os.execve(sys.executable, [sys.executable, "-m", "deploy.backup", *words], environment)


@main.command()
@click.argument("process")
@click.option("--signal", "name", default="KILL", help="KILL, STOP, CONT, TERM …")
@click.pass_obj
def kill(settings: Settings, process: str, name: str) -> None:
    """Send a signal to PROCESS; see what the supervisor makes of it."""
    number = signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
    click.echo(f"Sent {number.name} to {process}, process {Control(settings).kill(process, number)}.")


@main.command()
@click.argument("process")
@click.pass_obj
def stop(settings: Settings, process: str) -> None:
    """Stop PROCESS and hold it stopped."""
    Control(settings).stop(process)


@main.command()
@click.argument("process")
@click.pass_obj
def start(settings: Settings, process: str) -> None:
    """Start PROCESS, which `stop` had stopped, and wait until it is ready."""
    Control(settings).start(process)


@main.command("lock-jars")
def lock_jars() -> None:
    """Resolve Kafka's jars anew and write their lock."""
    click.echo(f"{jars.write_lock()} jars in {jars.LOCK.relative_to(REPOSITORY)}")


def say(line: str) -> None:
    """Print at once, also into a file."""
    print(line, flush=True)


def on_termination_leave() -> None:
    """Make termination and a closed terminal unwind like Ctrl-C, so that what runs is stopped."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    # Set again, since a shell that starts this in the background has Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def guarded(arguments: Sequence[str] | None = None) -> None:
    """Run a command; trouble is told in its own words, and Ctrl-C is no error."""
    try:
        main(arguments, standalone_mode=False)
    except Trouble as trouble:
        sys.exit(str(trouble))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


if __name__ == "__main__":
    guarded()
