"""Faults that strike the database."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import orjson
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.chaos.scenario import scenario
from tests.chaos.surroundings import down, three_databases
from tests.chaos.world import World
from tools.stack import database

DATABASES = ("intake", "activity_tracking", "handover", "outcome")
GROUPS = ("intake", "activity-tracking", "handover", "outcome", "figures", "intake-inbound")
WATCHED = ("intake-web", "activity-tracking-web", "activity-tracking-consume", "outcome-project")
NODES = ("database", "database-2", "database-3")
WRITTEN_SECONDS, UNREPLICATED_SECONDS = 0.5, 2.0
"""By then all is written that can be while no majority answers; by then a relay would have published it.
"""


def _rebalances(world: World) -> int:
    """How often the broker's coordinator has put any of the groups together, by its log."""
    text = (world.stack.settings.folder / "logs" / "broker.log").read_text(encoding="utf-8", errors="replace")
    return len(re.findall(r"Stabilized group", text))


def _parked(world: World) -> dict[str, int]:
    condition = {"reason": {"$ne": "waiting"}}
    return {one: world.mongo[one]["parked"].count_documents(condition) for one in DATABASES}


@scenario(18, "MongoDB stalled 40 s", recovers_within=40, seconds=420)
def stalled(world: World) -> None:
    lasts = 40.0
    with world.load():
        world.await_traffic()
        parked, rebalances = _parked(world), _rebalances(world)
        world.stack.kill("database", signal.SIGSTOP)
        world.rest(lasts)
        during = _rebalances(world) - rebalances
        world.stack.kill("database", signal.SIGCONT)
        world.fault_ended()
        world.await_traffic()
    after = _parked(world)
    assert after == parked, f"parked by a fault that passes: {parked} before, {after} after"
    assert during <= len(GROUPS), f"{during} rebalances while the database stood still"
    failed = sum(attempt.status == 503 for one in world.records.commands for attempt in one.attempts)
    assert failed, "no command met the stalled database"
    world.record_evidence(
        f"the database stood still for {lasts:.0f} s",
        f"{failed} commands were told to come again, {during} rebalances, nothing parked",
    )


def _asked(world: World, node: str, command: str, **more: Any) -> dict[str, Any]:
    """What one node of the set answers, whatever it is."""
    address = f"127.0.0.1:{world.stack.settings.port(node)}"
    with MongoClient[dict[str, Any]](
        address,
        directConnection=True,
        username="admin",
        password=world.stack.settings.credentials.mongodb("admin"),
        serverSelectionTimeoutMS=2000,
    ) as client:
        return client.admin.command(command, **more)


def _roles(world: World) -> tuple[str, list[str]]:
    """The primary, and the others. Raises TimedOut."""

    def found() -> str | None:
        for node in NODES:
            try:
                if _asked(world, node, "hello")["isWritablePrimary"]:
                    return node
            except PyMongoError:
                continue
        return None

    primary: str = world.until(found, "a primary", 60)
    return primary, [node for node in NODES if node != primary]


def _commits(world: World) -> list[dict[str, Any]]:
    """Every commit that failed in a watched process: {error, again: what its repetition said}."""
    files: list[Path] = [world.stack.mark(f"{name}.commits") for name in WATCHED]
    return [orjson.loads(line) for one in files if one.exists() for line in one.read_bytes().splitlines()]


@scenario(
    15, "the primary steps down during commits", builds=three_databases, recovers_within=45, seconds=420
)
def stepped_down(world: World) -> None:
    world.stack.marks.mkdir(exist_ok=True)
    for name in WATCHED:
        world.stack.run(name, f"watch-commits:{world.stack.mark(f'{name}.commits')}")
    before = len(_commits(world))
    with world.load(clients=5):
        for _ in range(3):
            world.await_traffic()
            primary, others = _roles(world)
            # Commits wait for a majority that does not answer, and then the primary is none any more.
            for node in others:
                world.stack.kill(node, signal.SIGSTOP)
            try:
                world.rest(0.5)
                _asked(world, primary, "replSetStepDown", value=20, secondaryCatchUpPeriodSecs=0, force=True)
            finally:
                for node in others:
                    world.stack.kill(node, signal.SIGCONT)
        world.fault_ended()
        world.await_traffic()
    failed = _commits(world)[before:]
    assert failed, "no commit was under way when the primary stepped down"
    unknown = [one for one in failed if one["again"]]
    assert unknown, f"no commit's result was unknown: {failed[:3]}"
    known = sum(one["again"] == "done" for one in unknown)
    world.record_evidence(
        "unknown commit results",
        f"{len(failed)} commits failed ({sorted({one['error'] for one in failed})}), {len(unknown)} were asked "
        f"for again, of which {known} turned out to be done",
    )


@scenario(
    16,
    "the primary killed with writes that nobody else has",
    builds=three_databases,
    recovers_within=60,
    seconds=420,
)
def primary_rolled_back(world: World) -> None:
    """The secondaries stand still, so that the primary's last writes are its alone; then all three lose their power.

    One relay is held right before it looks at its outbox, until such writes are there. Else it might be marking what it
    has published, or renewing its lease: it would wait for the secondaries, and never see what it must not publish.
    """
    relay = "activity-tracking-consume"
    with world.load(), world.load(clients=5, mix={"log_session": 1}, inbound=False):
        world.stack.run(relay, f"stop:before-look:relay:{world.random.randint(40, 60)}")
        said = world.died(relay)
        primary, others = _roles(world)
        for node in others:
            world.stack.kill(node, signal.SIGSTOP)
        world.rest(WRITTEN_SECONDS)
        world.stack.kill(relay, signal.SIGCONT)
        world.rest(UNREPLICATED_SECONDS)
        down(world.stack, primary, *others)
        world.stack.start(*others)
        successor, _ = _roles(world)
        world.fault_ended()
        world.await_traffic()
        world.stack.start(primary)
        folder = database.folder_of(world.stack.settings, primary) / "rollback"
        files = world.until(lambda: sorted(folder.rglob("*.bson")), "the rollback files", 60)
        world.await_traffic()
    sizes = {f"{one.parent.name.partition('.')[0]}": one.stat().st_size for one in files}
    events = sum(one.read_bytes().count(b"traceparent") for one in files)
    assert events, f"no event was rolled back: {sizes}"
    world.record_evidence(
        "rolled back",
        f"{len(files)} files of {sum(one.stat().st_size for one in files)} bytes, {events} events among them; "
        f"{primary} followed {successor}; a relay looked meanwhile ({said})",
    )
