"""Whether a command costs more where thousands take part: a process that knows 12,000 units, and one with few."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of
from tests.bench import web
from tests.bench.http import Target, commands_a_second
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn
from tests.support.awaiting import until
from tests.support.many_members import entries
from tools.stack import Stack
from tools.stack.processes import SERVICE_PROCESSES, surroundings
from tools.stack.settings import REPOSITORY

PROCESS, DATABASE = "activity-tracking-web", "activity_tracking"
COMMANDS, WARM_UP = 800, 400
ROUNDS = 15
LEAST_MORE = 5
"""Megabytes that 12,000 units take at the least: a process that holds them has so many more than one that does not."""


def measure(bench: Bench) -> dict[str, Any]:
    """Commands a second with eight clients. Both processes run at once and take turns; nothing else runs meanwhile.

    A process keeps what it once knew of the register. So the rows of the 12,000 are there while the one begins, and
    gone before the other does. Raises RuntimeError unless the memory of the two says so.
    """
    stack, database = bench.stack, bench.client[DATABASE]
    web.up(stack)
    idle = [name for name in SERVICE_PROCESSES if name != PROCESS]
    for name in (*idle, PROCESS):
        stack.stop(name)
    rows = list(_many(database[COUNTS].find_one({"_id": COUNT}) or {}))
    database[REGISTER].insert_many(rows)
    stack.start(PROCESS)
    many = web.target(stack)
    commands_a_second(many, WARM_UP)
    database[REGISTER].delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
    with _another(stack) as (few, its_id):
        commands_a_second(few, WARM_UP)
        turns = in_turn(
            {
                "many": lambda: commands_a_second(many, COMMANDS),
                "few": lambda: commands_a_second(few, COMMANDS),
            },
            ROUNDS,
        )
        own = stack.entries()[PROCESS].running
        holds = web.megabytes_of(own.pid) - web.megabytes_of(its_id) if own else 0
    if holds < LEAST_MORE:
        raise RuntimeError(f"The process of the 12,000 units holds {holds} MB more: too few to know them.")
    stack.stop(PROCESS)
    stack.start(PROCESS, *idle)
    return {"many_units": turns.against("many", "few", "commands/s")}


def _many(count: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the 12,000 and of their memberships, counted on from what is there."""
    for entry in entries():
        row, after = rows_of(entry, count, 1)
        count = dict(after.body)
        yield {"_id": row.key, **row.body}


@contextmanager
def _another(stack: Stack) -> Iterator[tuple[Target, int]]:
    """The same process once more, at ports of its own: where it answers, and its process id."""
    port, health = (stack.port_base + web.BARE_PORT + number for number in (1, 2))
    told = {**surroundings(), **stack.env_for(DATABASE), "HTTP_PORT": str(port), "HEALTH_PORT": str(health)}
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{DATABASE}.app", "web"], env=told, cwd=REPOSITORY
    )

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{health}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    try:
        until(ready, "the second process")
        yield replace(web.target(stack), port=port), process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)
