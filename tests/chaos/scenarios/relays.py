"""Faults that strike a relay: between acknowledgement and mark, in the middle of a chunk, past its lease."""

from __future__ import annotations

import signal

from tests.chaos.scenario import scenario
from tests.chaos.world import World

VICTIM = "activity-tracking-consume"
LEASE_SECONDS = 10.0


def _killed_at(world: World, fault: str) -> None:
    before = world.duplicates()
    with world.load():
        world.await_traffic()
        world.stack.run(VICTIM, fault)
        said = world.died(VICTIM)
        world.fault_ended()
        world.await_traffic()
    world.record_evidence("died there", said)
    doubled = world.until(lambda: world.duplicates() - before, "a duplicate in the log", 20)
    world.record_evidence("sent twice", f"{doubled} duplicates in the log")


@scenario(7, "kill -9 a relay between acknowledgement and mark", part=True, recovers_within=30)
def killed_before_mark(world: World) -> None:
    _killed_at(world, f"kill:before-mark:relay:{world.random.randint(5, 15)}")


@scenario(8, "kill -9 a relay in the middle of a chunk", part=True, recovers_within=30)
def killed_in_chunk(world: World) -> None:
    _killed_at(world, f"kill:in-chunk:relay:{world.random.randint(2, 5)}")


@scenario(9, "a relay stopped past its lease, then continued", recovers_within=30)
def stopped_past_lease(world: World) -> None:
    second = f"{VICTIM}.2"
    before = world.duplicates()
    with world.load():
        world.await_traffic()
        world.stack.run(VICTIM, f"stop:in-chunk:relay:{world.random.randint(2, 4)}")
        world.stack.run(second)
        said = world.died(VICTIM)
        leases = world.mongo["activity_tracking"]["leases"]
        owners = {row["owner"] for row in leases.find()}
        world.fault_ended()
        world.until(world.recovered_seconds, "the second relay publishing what the first could not", 40)
        taken = {row["owner"] for row in leases.find()} - owners
        assert taken, "nobody took the leases over"
        relayed = world.metric(second, "journey_relayed_total")
        world.stack.kill(VICTIM, signal.SIGCONT)
        world.until(
            lambda: (
                world.metric(VICTIM, "journey_relayed_total")
                + world.metric(VICTIM, "journey_relay_failures_total")
            ),
            "the first relay having ended its chunk",
        )
        world.await_traffic()
    doubled = world.until(lambda: world.duplicates() - before, "a duplicate in the log")
    world.record_evidence(
        "its lease was taken", f"{relayed:.0f} relayed by the second, {doubled} duplicates after {said}"
    )
