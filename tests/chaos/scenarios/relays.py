"""Faults that strike a relay: between acknowledgement and mark, in the middle of a chunk, past its lease."""

from __future__ import annotations

from tests.chaos.scenario import scenario
from tests.chaos.world import World

VICTIM = "activity-tracking-consume"


@scenario(7, "kill -9 a relay between acknowledgement and mark", part=True, recovers_within=30)
def killed_before_mark(world: World) -> None:
    before = world.duplicates()
    with world.load():
        world.flowing()
        world.stack.run(VICTIM, f"kill:before-mark:relay:{world.random.randint(5, 15)}")
        said = world.died(VICTIM)
        world.over()
        world.flowing()
    doubled = world.until(lambda: world.duplicates() - before, "a duplicate in the log")
    world.struck("sent twice", f"{doubled} duplicates in the log after {said}")
