"""Faults that strike the stream of figures: its process killed and stopped, and Kafka taken away beneath it."""

from __future__ import annotations

import signal
from functools import partial

from tests.chaos.dashboard import SILENT_SECONDS, Dashboard
from tests.chaos.scenario import scenario
from tests.chaos.stack import STREAM
from tests.chaos.surroundings import down, said
from tests.chaos.world import World

SECOND = f"{STREAM}.2"
UNPUBLISHED = "indicators-unpublished"
SEND_SECONDS = 5.0
"""How long a publisher waits for Kafka's acknowledgement."""


def _dashboard(world: World) -> Dashboard:
    """The one whose figures move most: nothing is hidden from it."""
    return world.watching.dashboards["exact"]


def _await_figures(world: World, dashboard: Dashboard, more: int = 1, within: float = 60.0) -> None:
    """Wait until the dashboard's newest connection has brought so many further snapshots."""
    before = dashboard.watched.snapshots
    world.until(lambda: dashboard.watched.snapshots >= before + more, "figures at the dashboard", within)


def _await_return(world: World, dashboard: Dashboard, connections: int, within: float = 60.0) -> str:
    """Wait until the dashboard has connected anew and was given figures; returns what it named as its last id."""
    watched = dashboard.watched
    world.until(
        lambda: len(watched.connections) > connections and watched.connections[-1].given,
        "the dashboard being back",
        within,
    )
    resumed = watched.connections[-1].resumed
    assert resumed, "the dashboard came back without the id that it was given last"
    return resumed


def _reads_at(dashboard: Dashboard, address: str) -> bool:
    return dashboard.at == address


@scenario(31, "kill -9 the stream in the middle of a send", part=True, recovers_within=25)
def killed_in_frame(world: World) -> None:
    """Then it is away while the last figures change, so that nothing which comes later repairs what was lost."""
    dashboard = _dashboard(world)
    with world.load():
        world.await_traffic(10)
        world.stack.run(STREAM, f"kill:in-frame:any:{world.random.randint(4, 12)}")
        struck = world.died(STREAM)
        connections = len(dashboard.watched.connections)
        resumed = _await_return(world, dashboard, connections)
        world.stack.stop(STREAM)
        before = dashboard.watched.snapshots
        world.await_traffic(15)
    world.fault_ended()
    assert dashboard.watched.snapshots == before, "figures came from a stream that was stopped"
    world.record_evidence(
        "died with half a snapshot sent", f"{struck}; the dashboard came back with {resumed}"
    )


@scenario(
    32, "the stream stopped past its lease and its readers' patience, then continued", recovers_within=40
)
def stopped_past_lease(world: World) -> None:
    """It stops with part of a chunk of indicators sent; what it sends of the rest when it wakes is old by then."""
    dashboard = _dashboard(world)
    leases = world.mongo["outcome"]["leases"]

    def owner() -> object:
        return (leases.find_one({"_id": "indicators"}) or {}).get("owner")

    def published() -> int:
        return said(world.stack, STREAM, "indicators-published") + said(world.stack, STREAM, UNPUBLISHED)

    with world.load():
        world.await_traffic(10)
        world.stack.run(STREAM, f"stop:in-chunk:publisher:{world.random.randint(1, 2)}")
        struck = world.died(STREAM)
        stopped = owner()
        connections = len(dashboard.watched.connections)
        world.stack.run(SECOND)
        world.until(lambda: owner() != stopped, "the second publisher taking the lease")
        _await_return(world, dashboard, connections, SILENT_SECONDS + 30)
        assert dashboard.at == world.stack.url(SECOND), f"the dashboard is at {dashboard.at}"
        _await_figures(world, dashboard, 3)
    world.settle()
    world.watching.caught_up()
    before = published()
    world.stack.kill(STREAM, signal.SIGCONT)
    world.fault_ended()
    world.until(lambda: published() > before, "the first one ending its chunk")
    world.record_evidence("its lease was taken", f"after {struck}; the dashboard went to the second")


@scenario(33, "Kafka restarted beneath the stream", recovers_within=45)
def kafka_restarted(world: World) -> None:
    """The stream rests on the database alone: its readers stay connected, and only the indicators wait."""
    dashboard = _dashboard(world)

    def failures() -> int:
        return said(world.stack, STREAM, UNPUBLISHED)

    before = failures()
    with world.load():
        world.await_traffic(10)
        _await_figures(world, dashboard)
        connections = len(dashboard.watched.connections)
        down(world.stack, "broker")
        world.until(lambda: failures() > before, "the publisher noticing", 30)
        world.rest(SEND_SECONDS)
        world.stack.start("broker")
        world.fault_ended()
        world.await_traffic()
        _await_figures(world, dashboard)
    again = len(dashboard.watched.connections) - connections
    assert again == 0, f"the dashboard had to come back {again} times"
    world.record_evidence(
        "no broker", f"the publisher failed {failures() - before} times, no reader was lost"
    )


@scenario(34, "two instances of the stream, the one that is read killed", recovers_within=25)
def moved_to_the_other(world: World) -> None:
    dashboard = _dashboard(world)
    with world.load():
        world.await_traffic(10)
        world.stack.run(SECOND)
        moves = []
        for victim, other in ((STREAM, SECOND), (SECOND, STREAM)):
            here = world.stack.url(victim)
            world.until(partial(_reads_at, dashboard, here), f"a reader at {victim}")
            _await_figures(world, dashboard)
            connections = len(dashboard.watched.connections)
            down(world.stack, victim)
            moves.append(_await_return(world, dashboard, connections))
            assert dashboard.at == world.stack.url(other), f"the dashboard is at {dashboard.at}"
            world.stack.start(victim)
        world.fault_ended()
        _await_figures(world, dashboard)
    world.record_evidence("killed", f"both in turn; the dashboard came back with {' and '.join(moves)}")
