"""Stacks with other surroundings than the ordinary: three brokers, three databases, a proxy, a small disk."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from deploy.declaration import Declaration
from tests.chaos.proxy import Proxy
from tests.chaos.scenario import NotRun
from tests.chaos.stack import ChaosStack
from tools.stack import Settings, broker, database
from tools.stack.record import Running


@contextmanager
def three_brokers(settings: Settings) -> Iterator[ChaosStack]:
    """Three brokers, of which two must have a record."""
    with ChaosStack(replace(settings, brokers=3)) as stack:
        yield stack


@contextmanager
def three_databases(settings: Settings) -> Iterator[ChaosStack]:
    """A replica set of three."""
    with ChaosStack(replace(settings, databases=3)) as stack:
        yield stack


class ProxiedStack(ChaosStack):
    """A stack whose services reach the broker through a proxy; who looks from outside goes past it."""

    proxy: Proxy


@contextmanager
def behind_proxy(settings: Settings) -> Iterator[ChaosStack]:
    """One broker with a proxy before it."""
    proxied = replace(settings, proxied=True)
    with Proxy(proxied.port("broker-proxy"), proxied.port("broker-behind-proxy")) as proxy:
        stack = ProxiedStack(proxied)
        stack.proxy = proxy
        with stack:
            yield stack


def proxy_of(stack: ChaosStack) -> Proxy:
    """The proxy before this stack's broker."""
    assert isinstance(stack, ProxiedStack), "the scenario names other surroundings"
    return stack.proxy


def down(stack: ChaosStack, *names: str) -> None:
    """Kill these at the same moment, and let none of them come back before `start`."""
    for name in names:
        stack.kill(name, signal.SIGKILL)
    for name in names:
        stack.stop(name)


def pid(stack: ChaosStack, name: str) -> int:
    """The process's id."""
    running: Running | None = stack.entries()[name].running
    assert running is not None, f"{name} does not run"
    return running.pid


def said(stack: ChaosStack, name: str, text: str) -> int:
    """How often the process has logged the text, over all its lives."""
    path = stack.settings.folder / "logs" / f"{name}.log"
    return path.read_text(encoding="utf-8", errors="replace").count(text)


def refusals(stack: ChaosStack, error: str) -> int:
    """How often the brokers refused to append to a journey topic with that error, by their own logs."""
    logs = [stack.settings.folder / "logs" / f"{node}.log" for node in stack.settings.nodes("broker")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in logs]
    return sum(len(re.findall(rf"{error}: .*partition journey\.", text)) for text in texts)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a disk of that size there. Raises NotRun where one may not."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mount = shutil.which("mount")
    if mount is None:
        raise NotRun("there is no `mount` here")
    said = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        raise NotRun(f"a small disk may not be mounted here: {said.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(folder: Path) -> Path:
    """Write until the disk is full; returns the file that fills it."""
    filler = folder / "filler"
    block = bytes(1 << 16)
    with suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(block)
    return filler


class SixPartitionsStack(ChaosStack):
    """A stack as it was before its journey topics were given more partitions."""

    def declaration(self) -> Declaration:
        """As declared, with half the partitions."""
        declared = super().declaration()
        topics = tuple(
            replace(topic, partitions=6) if topic.name.startswith("journey.") else topic
            for topic in declared.topics
        )
        return replace(declared, topics=topics)


@contextmanager
def six_partitions(settings: Settings) -> Iterator[ChaosStack]:
    """Journey topics of six partitions."""
    with SixPartitionsStack(settings) as stack:
        yield stack


@contextmanager
def small_disks(settings: Settings) -> Iterator[ChaosStack]:
    """Broker and database each on a small disk of its own. Raises NotRun where none may be mounted."""
    with (
        small_disk(broker.folder_of(settings, "broker") / "data", 400),
        small_disk(database.folder_of(settings, "database"), 900),
        ChaosStack(settings) as stack,
    ):
        yield stack
