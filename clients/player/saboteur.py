"""FAULT=drop-one-event: one record is removed on its way, to show that the comparison would notice.

The saboteur works from outside, with the administrator's credentials of the local stack; the services have no hook
for it. It stops the process that publishes activity tracking's events (SIGSTOP) and logs one session. Then it deletes
the row that waits in the outbox, and lets the process go on (SIGCONT). Activity tracking's own record stays right;
nobody downstream ever hears of the session. It is activity tracking's last event of its journey, so no later event
shows the gap: only a count can find it.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

from clients.player.acts import Act, Plan
from clients.player.processes import listeners
from clients.player.surroundings import DATABASE, HOST, Surroundings
from clients.player.trouble import Trouble

PUBLISHER = "activity-tracking-consume"
SOURCE = "activity-tracking"
SAID_THERE = frozenset(
    {
        "plan_activity",
        "set_goal",
        "reach_goal",
        "log_session",
        "correct_session",
        "measure",
        "validate",
        "judge_ready",
    }
)


def victim(plan: Plan) -> Act:
    """The session to lose: attended, logged over HTTP, and the last that activity tracking says of a journey.

    A journey registered by mistake would hide the loss, and one on a register may be marked later. Raises Trouble when
    the plan has none.
    """
    last: dict[str, Act] = {}
    unfit: set[str] = set()
    for step in plan.steps:
        for act in step.acts:
            if act.deed in SAID_THERE:
                last[act.plan_key] = act
            if act.deed == "mistake" or act.says.get("hours"):
                unfit.add(act.plan_key)
    for plan_key, act in last.items():
        if (
            plan_key not in unfit
            and act.deed == "log_session"
            and act.channel == "http"
            and act.says["minutes"]
        ):
            return act
    raise Trouble("No journey of this plan ends with a session; give another SEED.")


def lose(surroundings: Surroundings, log: Callable[[], tuple[str, int]]) -> str:
    """Log one session and remove its event before it is published. Returns what was removed. Raises Trouble.

    log: does the act; returns its journey and the number of its event at activity tracking.
    """
    password = surroundings.secret("mongodb-admin")
    server = f"{HOST}:{surroundings.port_base + DATABASE}"
    address = f"mongodb://admin:{password}@{server}/?authSource=admin&directConnection=true"
    with stopped(surroundings.port(PUBLISHER)):
        journey, seq = log()
        identity = f"journey/{journey}:{seq:08d}"
        client: MongoClient[dict[str, Any]] = MongoClient(
            address, serverSelectionTimeoutMS=5000, w="majority"
        )
        with client:
            removed = client["activity_tracking"]["events"].delete_one(
                {"_id": identity, "pend": {"$exists": True}}
            )
    if removed.deleted_count != 1:
        raise Trouble(f"The saboteur found no unpublished event {identity} to remove.")
    return identity


@contextmanager
def stopped(port: int) -> Iterator[None]:
    """Keep the process that listens on the port from running, for as long as the block takes."""
    process = listener(port)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def listener(port: int) -> int:
    """The process that listens on the port, found as any tool would. Raises Trouble when nobody does."""
    for _, process in listeners([port]):
        return process
    raise Trouble(f"Nobody listens on port {port}: the saboteur needs a local stack.")
