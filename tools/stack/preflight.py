"""What is looked at before a stack starts, so that what fails later fails here, in one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

from tools.stack.record import Record, Running
from tools.stack.settings import HEALTH_PORTS, PORTS, Settings
from tools.stack.trouble import Trouble

NEEDED_BYTES = 2 * 1024**3

SPAN = 64
"""From one base to the next: a stack's own ports, and room for what a suite sets beside it."""


def check_disk(settings: Settings) -> None:
    """Raise Trouble unless the stack's folder can be written and has room for logs and data."""
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Trouble(
            f"{settings.folder} cannot be made ({error.strerror}): set STACK_DIR to another folder."
        ) from error
    if not os.access(settings.folder, os.W_OK):
        raise Trouble(f"{settings.folder} cannot be written: set STACK_DIR to another folder.")
    free = shutil.disk_usage(settings.folder).free
    if free < NEEDED_BYTES:
        raise Trouble(
            f"The disk of {settings.folder} has {free / 1024**3:.1f} GiB free and the stack needs "
            f"{NEEDED_BYTES / 1024**3:.0f}: make room, or set STACK_DIR to a folder on another disk."
        )


def check_secrets(settings: Settings) -> None:
    """Raise Trouble for data whose passwords are gone: nobody could log in, and it would look like a hang."""
    for data, secret in (("kafka/formatted", "kafka-admin"), ("mongodb/WiredTiger", "mongodb-admin")):
        if (settings.folder / data).exists() and not (settings.credentials.folder / secret).exists():
            raise Trouble(
                f"{settings.credentials.folder} is incomplete and {settings.folder} has data that only its "
                "passwords open: put the folder back, or remove the data with `make reset`."
            )


def check_ports(settings: Settings, processes: Iterable[str]) -> None:
    """Raise Trouble for the first port that another program has."""
    names = list(processes)
    if "broker" in names:
        names.append("broker-controller")
    if settings.proxied:
        names.append("broker-behind-proxy")
    taken = [(name, settings.port(name)) for name in names]
    taken += [(f"{name}'s health", settings.health_port(name)) for name in names if name in HEALTH_PORTS]
    for name, port in taken:
        if not is_free(port):
            raise Trouble(
                f"Port {port} (for {name}) is taken{_holder(port)}: stop that program, or choose other ports, "
                f"as in `STACK_PORT_BASE={settings.port_base + 1000} make up`."
            )


def is_free(port: int) -> bool:
    """Whether this process could listen on the port, on loopback, now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def free_port_base(first: int, last: int) -> int:
    """A base whose ports are all free now, between the two. Another may still come first."""
    for base in range(first, last, SPAN):
        if all(is_free(base + distance) for distance in (*PORTS.values(), *HEALTH_PORTS.values())):
            return base
    raise Trouble(f"Between {first} and {last} there is no place for a stack's ports: stop other stacks.")


def mend(settings: Settings) -> list[tuple[str, int]]:
    """End what an earlier supervisor left when it died; returns (process, process id) of each.

    Call it only as the folder's owner. Only processes that are certainly those recorded are touched.
    """
    record = Record(settings.folder)
    left: list[tuple[str, Running]] = [
        (name, entry.running)
        for name, entry in record.read().items()
        if entry.running and entry.running.alive()
    ]
    # The latest started first, so that the broker and the database go last.
    for _, running in reversed(left):
        running.terminate()
    for _, running in reversed(left):
        running.await_end(20.0)
    return [(name, running.pid) for name, running in left]


def _holder(port: int) -> str:
    """` by pid 12 (python3 …)`, where the kernel lets us see it; else nothing."""
    wanted = f":{port:04X}"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        inodes |= {
            f"socket:[{words[9]}]"
            for words in map(str.split, lines)
            if words[1].endswith(wanted) and words[3] == "0A"
        }
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if any(str(descriptor.readlink()) in inodes for descriptor in (entry / "fd").iterdir()):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f" by process {entry.name} ({' '.join(command.split())[:60]})"
        except OSError:
            continue
    return ""
