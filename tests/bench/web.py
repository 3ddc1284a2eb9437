"""A command against bare Flask, how long it takes to be seen, and what each process holds in memory."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.bench.http import Target, bare_flask, commands_a_second, latencies
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn
from tools.stack import Stack
from tools.stack.processes import SERVICE_PROCESSES
from tools.stack.settings import API_ROOT

COMMANDS = 1600
WARM_UP = 200
BARE_PORT = 50
"""Its distance from the stack's first port."""

MANY_CLIENTS = 32


def commands(bench: Bench) -> dict[str, Any]:
    """Commands a second with eight clients and with thirty-two, against bare Flask with as many threads.

    Only the web process works meanwhile: what consumers do with the events is measured by the hops.
    """
    stack = bench.stack
    up(stack)
    idle = [name for name in SERVICE_PROCESSES if not name.endswith("-web")]
    for name in idle:
        stack.stop(name)
    ours = target(stack)
    with bare_flask(stack, stack.port_base + BARE_PORT) as bare:
        commands_a_second(ours, WARM_UP)
        commands_a_second(bare, WARM_UP)
        turns = in_turn(
            {
                "ours": lambda: commands_a_second(ours, COMMANDS),
                "bare": lambda: commands_a_second(bare, COMMANDS),
                "ours, many": lambda: commands_a_second(ours, COMMANDS, MANY_CLIENTS),
                "bare, many": lambda: commands_a_second(bare, COMMANDS, MANY_CLIENTS),
            }
        )
    stack.start(*idle)
    return {
        "http": turns.against("ours", "bare", "commands/s"),
        "http_32_clients": turns.against("ours, many", "bare, many", "commands/s"),
    }


def hops(bench: Bench) -> dict[str, Any]:
    """How long a command takes to be seen, at 20 a second and at 100; then what each process holds in memory.

    Before time is taken, as much is done once: the broker compiles as it goes, and takes half a core at first.
    """
    stack = bench.stack
    up(stack)
    reader = stack.token("styrgruppen", "owner")
    found: dict[str, Any] = {}
    await_lag(stack)
    latencies(stack, target(stack), reader, rate=100, seconds=10)
    for rate, seconds in ((20, 10), (100, 10)):
        await_lag(stack)
        found[f"latency_at_{rate}_a_second"] = latencies(
            stack, target(stack), reader, rate=rate, seconds=seconds
        )
    running = {name: entry.running for name, entry in stack.entries().items() if entry.running}
    found["megabytes"] = {name: megabytes_of(one.pid) for name, one in running.items()}
    return found


def target(stack: Stack) -> Target:
    """A command that needs no journey: an output of the programme is logged at activity-tracking."""
    port = stack.settings.port("activity-tracking-web")
    return Target(port, f"{API_ROOT}/programmes/coactive/outputs", stack.token("urkraft", "supervisor"))


def up(stack: Stack) -> None:
    """Have the services run, in the programme's years."""
    if "issuer" in stack.entries():
        return
    stack.start("issuer", *SERVICE_PROCESSES)
    stack.publish_programmes()
    await_lag(stack)
    headers = {
        "Authorization": f"Bearer {stack.token('plattform', 'operator')}",
        "Idempotency-Key": "clock",
    }
    for name in SERVICE_PROCESSES:
        if name.endswith("-web"):
            moved = httpx.post(
                f"{stack.url(name)}/clock", json={"at": "2017-03-01T12:00:00Z"}, headers=headers
            )
            moved.raise_for_status()


def await_lag(stack: Stack) -> None:
    """Wait until every consumer has taken in what there is. Raises RuntimeError after two minutes."""
    deadline, pause = time.monotonic() + 120, threading.Event()
    consumers = [name for name in SERVICE_PROCESSES if name.endswith(("-consume", "-project"))]
    while time.monotonic() < deadline:
        told = [httpx.get(f"{stack.health_url(name)}/progress", timeout=10).json() for name in consumers]
        if not any(one["lag"] or one["outbox_pending"] for one in told):
            return
        pause.wait(0.2)
    raise RuntimeError("The consumers did not catch up.")


def megabytes_of(pid: int) -> int:
    """A process and all it started; a page that is shared counts in equal parts for each who shares it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(line for line in lines if line.startswith("Pss:"))
    return int(own.split()[1]) // 1024 + sum(megabytes_of(int(child)) for child in children)
