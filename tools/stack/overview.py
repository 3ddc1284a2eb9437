"""`make status`: one table of all processes, and a line for each of Kafka and MongoDB that does not answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tools.stack.control import Control
from tools.stack.processes import SERVICE_PROCESSES
from tools.stack.record import Entry
from tools.stack.settings import Settings


def show_status(control: Control) -> None:
    """Print the table of `status`."""
    table = Table(box=None, header_style="bold")
    for heading in (
        "process",
        "does",
        "port",
        "pid",
        "up",
        "state",
        "restarts",
        "lag",
        "outbox",
        "timers",
        "halted",
    ):
        table.add_column(heading, justify="right" if heading in ("port", "pid", "up", "restarts") else "left")
    entries = control.entries()
    consumers = [name for name, entry in entries.items() if entry.consumes]
    with ThreadPoolExecutor(len(consumers) or 1) as pool:
        told = dict(zip(consumers, pool.map(control.told, consumers), strict=True))
    for name, entry in entries.items():
        progress = told.get(name) or {}
        halted = progress.get("halted")
        table.add_row(
            name,
            entry.does,
            str(entry.port),
            str(entry.running.pid) if entry.running else "",
            spoken(time.time() - entry.since) if entry.running else "",
            state_of(control, name, entry),
            str(entry.restarts),
            *(shown(progress.get(key, "")) for key in ("lag", "outbox_pending", "timers_due")),
            f"{halted['cause']} → {halted['cure']}" if halted else "",
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    for line in silent_ones(control.settings, told):
        click.echo(line)


def shown(value: object) -> str:
    """A count; `?` for one that its process cannot know now."""
    return "?" if value is None else str(value)


def silent_ones(settings: Settings, told: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """A line for each of Kafka and MongoDB that does not answer: where, what that comes to, and what to type."""
    asking: dict[str, list[str]] = {}
    for name, progress in told.items():
        for one in (progress or {}).get("unanswered", ()):
            asking.setdefault(one, []).append(name)
    addresses = {
        "kafka": ("Kafka", settings.kafka_address, "events wait in the outboxes", "broker"),
        "mongodb": ("MongoDB", settings.mongodb_address, "commands are refused, to be repeated", "database"),
    }
    return [
        f"{title} at {address} does not answer {', '.join(asking[one])}: {effect}, and nothing is folded. → "
        f"`make logs P={process}` says why; one that was stopped: `python -m tools.stack start {process}`. "
        "All goes on by itself."
        for one, (title, address, effect, process) in addresses.items()
        if one in asking
    ]


def state_of(control: Control, name: str, entry: Entry) -> str:
    """The recorded state, or `not ready` for one that was and does not say so now."""
    if entry.state != "ready" or name not in SERVICE_PROCESSES:
        return entry.state
    return "ready" if control.is_ready(name) else "not ready"


def spoken(seconds: float) -> str:
    """`3 h 05 min`, `4 min 10 s`, `12 s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
