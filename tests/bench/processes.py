"""Two consumer processes of one group against one.

All have joined their groups, and share the partitions, before there is anything to read: then they are stopped
(SIGSTOP), the topic is filled, and each group in turn goes on. So neither start nor rebalance is measured.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench import fold
from tests.bench.folding import made_durable, sums
from tests.bench.spending import Meter
from tests.bench.surroundings import Bench
from tests.bench.turns import ROUNDS, Turns

STEP_SECONDS = 0.01
JOIN_SECONDS = 60
FOLD_SECONDS = 300
GROUPS = {"one": 1, "two": 2}

Members = dict[str, list[subprocess.Popen[str]]]


def measure(bench: Bench) -> dict[str, Any]:
    """The rates of a group of two and of a group of one; what each process spends on an event."""
    meter = Meter(bench.stack)
    rounds = [one_round(bench, meter, list(GROUPS)[:: -1 if number % 2 else 1]) for number in range(ROUNDS)]
    return {"two_processes": {**Turns(rounds).against("two", "one"), "microseconds": meter.told()}}


def one_round(bench: Bench, meter: Meter, order: list[str]) -> dict[str, float]:
    """Both groups in turn, on one topic."""
    topic = bench.new_topic()
    fold.create(bench.options, topic)
    with members(bench, topic) as groups:
        for processes in groups.values():
            send(processes, signal.SIGSTOP)
        fold.publish(bench.options, topic, bench.load.said())
        return {name: rate(bench, topic, name, groups[name], meter) for name in order}


@contextmanager
def members(bench: Bench, topic: str) -> Iterator[Members]:
    """Every group's processes, once they have shared the partitions; ended when the block ends."""
    groups: Members = {}
    try:
        for name, count in GROUPS.items():
            bench.client.drop_database(database(name))
            groups[name] = [bench.process("member", database(name), topic) for _ in range(count)]
        for name, count in GROUPS.items():
            await_shared(bench, name, count)
        yield groups
    finally:
        for processes in groups.values():
            end(processes)


def database(group: str) -> str:
    """Where a group's states are."""
    return f"bench_{group}"


def await_shared(bench: Bench, group: str, count: int) -> None:
    """Wait until so many processes hold all partitions between them. Raises RuntimeError."""
    until, pause = time.monotonic() + JOIN_SECONDS, threading.Event()
    while time.monotonic() < until:
        rows = list(bench.client[database(group)]["offsets"].find({}, {"holder": 1}))
        if len(rows) == fold.PARTITIONS and len({bytes(row["holder"]) for row in rows}) == count:
            return
        pause.wait(0.05)
    raise RuntimeError(f"{count} processes did not come to share the partitions.")


def rate(bench: Bench, topic: str, group: str, processes: list[subprocess.Popen[str]], meter: Meter) -> float:
    """Let the group go on until it has folded everything. Events/s."""
    pause = threading.Event()
    with meter.over(group, bench.events, [one.pid for one in processes]):
        began = time.perf_counter()
        send(processes, signal.SIGCONT)
        while made_durable(bench.client, database(group), topic) < bench.events:
            if time.perf_counter() - began > FOLD_SECONDS:
                raise RuntimeError(f"{group} did not fold everything.")
            pause.wait(STEP_SECONDS)
        seconds = time.perf_counter() - began
    end(processes)
    total = sums(bench.client, database(group))
    assert total["n"] == bench.events, f"{total['n']} of {bench.events} events were applied"
    bench.client.drop_database(database(group))
    return bench.events / seconds


def send(processes: list[subprocess.Popen[str]], number: int) -> None:
    """Send a signal to each."""
    for one in processes:
        os.kill(one.pid, number)


def end(processes: list[subprocess.Popen[str]]) -> None:
    """End them, also stopped ones, and wait until they are gone."""
    for one in processes:
        if one.poll() is None:
            one.send_signal(signal.SIGTERM)
            one.send_signal(signal.SIGCONT)
    for one in processes:
        one.wait(timeout=30)
        if one.stdout:
            one.stdout.close()
