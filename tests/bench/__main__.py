"""Runs the whole bench on a stack of its own and prints a table; `bench-results/latest.json` keeps the numbers.

Every ratio compares two sides within this run, in turn, on the same broker and database: the machine drifts, so single
figures of different runs say nothing. BENCH_EVENTS (100000) sets the size.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from deploy.local import Settings, Stack
from deploy.local.preflight import free_port_base
from deploy.local.processes import SERVICE_PROCESSES
from tests.bench import fold
from tests.bench.http import Target, bare_flask, commands_a_second, latencies

RESULTS = Path("bench-results") / "latest.json"
AIMS = {"fold": 0.5, "relay": 0.35, "http": 0.6}
ROUNDS = 3


def in_turn(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of both sides, run in turn, and the median of the ratios pair by pair."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    ratio = statistics.median(one / other for one, other in pairs)
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs), ratio


def measure_runtime(stack: Stack, events: int) -> dict[str, Any]:
    """The consumer's fold and the relay, against their bare counterparts."""
    client: MongoClient[Any] = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    options = {**stack.kafka_admin_config(), "api_version": (4, 0)}
    load = fold.Load(events, max(1, events // 20))
    topic = f"bench.{time.time_ns()}"
    fold.fill(options, topic, load)
    by_size = {size: fold.bare(client, options, topic, load, size) for size in (500, 1000, 2000, 5000)}
    size = max(by_size, key=lambda one: by_size[one])

    def folded(*, emits: bool) -> float:
        rate, total = fold.folded(client, options, topic, load, emits=emits)
        assert total["n"] == load.events, f"{total['n']} of {load.events} events were applied"
        return rate

    ours, theirs, ratio = in_turn(
        lambda: folded(emits=False), lambda: fold.bare(client, options, topic, load, size)
    )
    emitting = statistics.median(folded(emits=True) for _ in range(ROUNDS))
    half = events // 2
    relayed, sent, relay_ratio = in_turn(
        lambda: fold.relayed(client, options, topic, half), lambda: fold.bare_sends(options, topic, half)
    )
    client.close()
    return {
        "fold": {"ours": ours, "bare": theirs, "bare_poll_size": size, "ratio": ratio, "unit": "events/s"},
        "fold_emitting": {"ours": emitting, "bare": theirs, "ratio": emitting / theirs, "unit": "events/s"},
        "relay": {"ours": relayed, "bare": sent, "ratio": relay_ratio, "unit": "events/s"},
    }


def measure_http(stack: Stack) -> dict[str, Any]:
    """A command against bare Flask, the hops to the dashboard, and what each process holds in memory.

    Against bare Flask only the web process works: what consumers do with the events is measured by the hops.
    """
    operator = stack.token("plattform", "operator")
    for name in SERVICE_PROCESSES:
        if name.endswith("-web"):
            headers = {"Authorization": f"Bearer {operator}", "Idempotency-Key": "clock"}
            moved = httpx.post(
                f"{stack.url(name)}/clock", json={"at": "2017-03-01T12:00:00Z"}, headers=headers
            )
            moved.raise_for_status()
    idle = [name for name in SERVICE_PROCESSES if not name.endswith("-web")]
    for name in idle:
        stack.stop(name)
    port = stack.settings.port("activity-tracking-web")
    ours = Target(port, "/programmes/coactive/outputs", stack.token("urkraft", "supervisor"))
    with bare_flask(stack, stack.port_base + 50) as bare:
        commands_a_second(ours, 200)
        commands_a_second(bare, 200)
        rate, theirs, ratio = in_turn(
            lambda: commands_a_second(ours, 1600), lambda: commands_a_second(bare, 1600)
        )
    stack.start(*idle)
    _await_lag(stack)
    reader = stack.token("styrgruppen", "owner")
    hops = latencies(stack, ours, reader, rate=100, seconds=10)
    memory = {
        name: _resident_megabytes(entry.running.pid)
        for name, entry in stack.entries().items()
        if entry.running
    }
    return {
        "http": {"ours": rate, "bare": theirs, "ratio": ratio, "unit": "commands/s"},
        "latency_at_100_a_second": hops,
        "resident_megabytes": memory,
    }


def _await_lag(stack: Stack) -> None:
    """Wait until every consumer has taken in what there is."""
    deadline, pause = time.monotonic() + 120, threading.Event()
    consumers = [name for name in SERVICE_PROCESSES if name.endswith(("-consume", "-project"))]
    while time.monotonic() < deadline:
        told = [httpx.get(f"{stack.url(name)}/progress", timeout=10).json() for name in consumers]
        if not any(one["lag"] or one["outbox_pending"] for one in told):
            return
        pause.wait(0.2)
    raise RuntimeError("The consumers did not catch up.")


def _resident_megabytes(pid: int) -> int:
    """A process and all it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(own.split()[1]) // 1024 + sum(_resident_megabytes(int(child)) for child in children)


def show(results: dict[str, Any]) -> None:
    """The table."""
    console = Console()
    table = Table("what", "ours", "bare", "ratio", "aim", title="Within one run, in turn, medians of three")
    for name in ("fold", "fold_emitting", "relay", "http"):
        one = results[name]
        aim = AIMS.get(name)
        bare = f"{one['bare']:,.0f}"
        table.add_row(
            name, f"{one['ours']:,.0f} {one['unit']}", bare, f"{one['ratio']:.2f}", f"≥ {aim}" if aim else ""
        )
    console.print(table)
    hops = Table("hop", "p50 ms", "p99 ms", "seen", title="From POST, at 100 commands a second")
    for name in ("answered_ms", "in_kafka_ms", "in_stream_ms"):
        one = results["latency_at_100_a_second"][name]
        hops.add_row(name.removesuffix("_ms"), str(one.get("p50")), str(one.get("p99")), str(one["seen"]))
    console.print(hops)
    memory = Table("process", "MB", title="Resident memory")
    for name, megabytes in results["resident_megabytes"].items():
        memory.add_row(name, str(megabytes))
    console.print(memory)


def main() -> int:
    """Measure, show, keep. Exit status 1 when a ratio misses its aim."""
    events = int(os.environ.get("BENCH_EVENTS", "100000"))
    with tempfile.TemporaryDirectory(prefix="journey-bench-") as folder:
        with Stack(Settings(free_port_base(26_000, 28_000), Path(folder), log_level="WARNING")) as stack:
            results: dict[str, Any] = {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
                "events": events,
                **measure_runtime(stack, events),
            }
            stack.start("issuer", *SERVICE_PROCESSES)
            stack.publish_programmes()
            _await_lag(stack)
            results |= measure_http(stack)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2), encoding="utf-8")
    show(results)
    missed = [name for name, aim in AIMS.items() if results[name]["ratio"] < aim]
    if missed:
        Console().print(f"Below its aim: {', '.join(missed)}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
