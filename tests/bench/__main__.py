"""Runs the whole bench on a stack of its own and prints tables; `bench-results/latest.json` keeps the numbers.

Every ratio compares two sides within this run, in turn, on the same broker and database. The machine drifts, so
single figures of different runs say nothing. BENCH_EVENTS (100000) sets the size, BENCH_BEHIND (1000000) how many
events lie behind the fold that has many behind it, BENCH_ONLY="processes hot" what is measured.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench import (
    attendance,
    hot,
    morning,
    others,
    populations,
    processes,
    register,
    runtime,
    share,
    storage,
    web,
)
from tests.bench.surroundings import Bench, only_warnings
from tests.bench.table import missed, show
from tools.stack import Settings, Stack
from tools.stack.preflight import free_port_base

RESULTS = Path("bench-results") / "latest.json"
CACHE_GIGABYTES = 2
"""Holds a million journeys, as a database's cache should hold the states that are in use."""
COMPARISONS: Mapping[str, Callable[[Bench], dict[str, Any]]] = {
    "runtime": runtime.measure,
    "processes": processes.measure,
    "others": others.measure,
    "hot": hot.measure,
    "journeys": populations.of_journeys,
    "behind": populations.of_events,
    "bytes": storage.measure,
    "commands": web.commands,
    "register": register.measure,
    "hops": web.hops,
    "share": share.measure,
    "attendance": attendance.measure,
    "morning": morning.measure,
}
"""In this order: what needs the services comes last, when they may run; attendance and the morning after all, since
they write journeys of which not every service knows."""


def main() -> int:
    """Measure, show, keep. Exit status 1 when an aim is missed."""
    events = int(os.environ.get("BENCH_EVENTS") or "100000")
    wanted = (os.environ.get("BENCH_ONLY") or " ".join(COMPARISONS)).split()
    if unknown := set(wanted) - set(COMPARISONS):
        sys.exit(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(COMPARISONS)}.")
    only_warnings()
    results: dict[str, Any] = {"machine": machine(), "events": events, "seconds": {}}
    with tempfile.TemporaryDirectory(prefix="journey-bench-") as folder:
        settings = Settings(
            free_port_base(26_000, 28_000),
            Path(folder),
            log_level="WARNING",
            cache_gigabytes=CACHE_GIGABYTES,
        )
        with Stack(settings) as stack:
            bench = Bench(stack, events)
            for name in (one for one in COMPARISONS if one in wanted):
                began = time.monotonic()
                results |= COMPARISONS[name](bench)
                results["seconds"][name] = round(time.monotonic() - began)
                Console(stderr=True).print(f"{name}: {results['seconds'][name]} s")
            bench.client.close()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2), encoding="utf-8")
    show(results)
    return 1 if missed(results) else 0


def machine() -> str:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
