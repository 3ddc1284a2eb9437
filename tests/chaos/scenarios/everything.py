"""Faults that strike everything: rolling restarts between versions, kills while timers fire, kills at random."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta

from tests.chaos import observe
from tests.chaos.load import Journey
from tests.chaos.scenario import scenario
from tests.chaos.stack import CONSUMERS, STREAM
from tests.chaos.tree import VERSIONS, patched
from tests.chaos.world import World

SERVERS = ("intake-web", "activity-tracking-web", "handover-web", "outcome-web", STREAM)


@scenario(27, "everything restarted in turn, an old and a new version side by side", recovers_within=30)
def rolling(world: World) -> None:
    new = b'"shift":"evening"'
    with patched(VERSIONS / "next.patch") as tree, world.load():
        world.await_traffic()
        for name in CONSUMERS:
            beside = f"{name}.2"
            world.stack.run(beside, tree=tree)
            world.await_traffic(8)
            world.stack.run(name, tree=tree)
            world.stack.stop(beside)
        for name in SERVERS:
            world.stack.run(name, tree=tree)
            world.await_traffic(8)
        archive = world.mongo["activity_tracking"]["events"]
        said = world.until(
            lambda: sum(new in row["body"] for row in archive.find()), "the new version's events"
        )
        back = [*SERVERS, *CONSUMERS]
        world.random.shuffle(back)
        for name in back:
            world.stack.run(name)
        world.fault_ended()
        world.await_traffic()
    world.record_evidence(
        "both versions ran",
        f"{2 * len(back)} restarts; {said} events with a field that the old version does not know",
    )


@scenario(29, "kill -9 while timers fire, on two instances", recovers_within=40)
def timers(world: World) -> None:
    party = world.party("leaving")
    journeys = party.begin(24)
    for number, journey in enumerate(journeys):
        deed = "offer" if number % 3 == 0 else "exit"
        while journey.stage != "exited" and not (deed == "offer" and journey.offer):
            _give(world, journey, deed)
        while number % 6 == 0 and journey.offer:
            # Answered in time: its deadline must never come.
            _give(world, journey, "answer")
    world.settle()
    victims = ("outcome-consume", "outcome-consume.2", "handover-consume")
    fired = 0
    for days in (30, 33):
        nths = [world.random.randint(2, 4), world.random.randint(2, 4), 2]
        for name, place, nth in zip(
            victims, ("before-commit", "after-commit", "before-commit"), nths, strict=True
        ):
            world.stack.run(name, f"kill:{place}:timers:{nth}")
        waiting = sum(observe.timers(world.mongo).values())
        moment = observe.clock(world.mongo, "outcome") + timedelta(days=days)
        world.move_clock(moment)
        said = [world.died(name) for name in victims[: 3 if days == 30 else 1]]
        world.until(lambda: observe.timers_due(world.mongo) == 0, "every timer that is due fired", 60)
        fired += waiting - sum(observe.timers(world.mongo).values())
        world.notes.append(f"{days} days on: {'; '.join(said)}")
    world.fault_ended()
    world.record_evidence("killed while firing", f"{fired} timers; {'; '.join(world.notes)}")


def _give(world: World, journey: Journey, deed: str) -> None:
    """The next command of the journey; once it has started, this deed."""
    own = world.party("one", mix={deed: 1.0})
    command = journey.pending or own._next(journey)
    if command is not None:
        journey.learn(world.sent(command, 60))


@scenario(30, "kills at random over all processes, broker and database too", recovers_within=60, seconds=600)
def at_random(world: World) -> None:
    kills = 30 if world.full else 6
    killed: list[str] = []
    with world.load():
        world.await_traffic()
        while len(killed) < kills:
            name = world.random.choice([*CONSUMERS, *SERVERS, "broker", "database"])
            entry = world.stack.entries()[name]
            if entry.state == "ready":
                world.stack.kill(name, signal.SIGKILL)
                killed.append(name)
            threading.Event().wait(world.random.uniform(0.2, 3.0))
        everything = [*CONSUMERS, *SERVERS, "broker", "database"]
        world.until(
            lambda: all(world.stack.entries()[name].state == "ready" for name in everything),
            "all up again",
            120,
        )
        world.fault_ended()
        world.await_traffic()
    counts = ", ".join(f"{name} {killed.count(name)}" for name in everything if name in killed)
    world.record_evidence("killed", f"{len(killed)} times: {counts}")
