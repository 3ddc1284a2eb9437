"""Waits until the platform is idle: no lag, no unpublished event, no due timer, twice in a row.

Read from `/progress` of the five consumer processes. Until then the clock stands still. So an act that falls due
between two steps rests on everything done before.
"""

import time
from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from clients.player.surroundings import CONSUMERS
from clients.player.trouble import Trouble
from clients.player.wire import Wire

ASKED_FIRST = "outcome-project"
"""It reads the events of all services, so it is asked first, alone: each question costs the platform something."""
UNFINISHED = ("lag", "outbox_pending", "timers_due", "waiting")
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.08

Progress = Mapping[str, Mapping[str, Any]]


def wait_until_idle(
    wire: Wire, pool: Executor, at: datetime, *, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Block until the platform is idle at that moment of its clock. Raises Trouble naming the busy processes."""
    ends_at = time.monotonic() + patience_seconds
    asked: Collection[str] = (ASKED_FIRST,)
    before: tuple[int, int] | None = None
    while True:
        progress = look(wire, pool, asked)
        _require_running(progress)
        behind = [name for name, one in progress.items() if unfinished({name: one}, at)]
        if behind:
            asked, before = behind, None
            time.sleep(PAUSE_SECONDS)
        elif len(asked) < len(CONSUMERS):
            asked = CONSUMERS
        else:
            sums = (_sum(progress, "emitted"), _sum(progress, "applied"))
            if sums == before:
                return
            before = sums
        if time.monotonic() > ends_at:
            why = "; ".join(unfinished(progress, at)) or "its counts keep changing"
            raise Trouble(f"The platform is not idle after {patience_seconds:.0f} s: {why}.")


def look(wire: Wire, pool: Executor, names: Collection[str] = tuple(CONSUMERS)) -> Progress:
    """The progress of these consumer processes now. Waits for one that is being restarted."""

    def ask(name: str) -> Mapping[str, Any]:
        body: Mapping[str, Any] = wire.ask(name, "GET", "/progress").body
        return body

    return dict(zip(names, pool.map(ask, names), strict=True))


def _require_running(progress: Progress) -> None:
    halted = {name: one["halted"] for name, one in progress.items() if one.get("halted")}
    if halted:
        raise Trouble(
            "; ".join(f"{name} has halted: {why['cause']} {why['cure']}" for name, why in halted.items())
        )


def unfinished(progress: Progress, at: datetime) -> list[str]:
    """`handover-consume has lag 3`, … for all that is still to be done; empty when the platform is idle."""
    found = [
        f"{name} has {what} {one[what]}"
        for name, one in progress.items()
        for what in UNFINISHED
        if one.get(what)
    ]
    return found + [
        f"{name} has its clock at {one['clock']}"
        for name, one in progress.items()
        if datetime.fromisoformat(one["clock"]) < at
    ]


def parked(progress: Progress) -> list[str]:
    """The processes with parked events."""
    return [
        f"{name} has parked {one['parked']} events" for name, one in progress.items() if one.get("parked")
    ]


def _sum(progress: Progress, what: str) -> int:
    return sum(int(one.get(what) or 0) for one in progress.values())
