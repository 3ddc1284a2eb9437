"""A disk that is full: the broker's, then the database's."""

from __future__ import annotations

from functools import partial

from tests.chaos.scenario import scenario
from tests.chaos.surroundings import fill, small_disks
from tests.chaos.world import World
from tools.stack import broker, database

FULL_SECONDS = 15.0


@scenario(
    26,
    "disk full at the broker and at the database",
    builds=small_disks,
    fresh=True,
    recovers_within=90,
    seconds=420,
)
def disk_full(world: World) -> None:
    settings = world.stack.settings
    disks = {
        "broker": broker.folder_of(settings, "broker") / "data",
        "database": database.folder_of(settings, "database"),
    }
    with world.load():
        for name, disk in disks.items():
            world.await_traffic()
            died = world.stack.entries()[name].restarts
            filler = fill(disk)
            size = filler.stat().st_size / 1e6
            said = world.until(partial(_no_space, world, name), f"{name} finding its disk full", 90)
            world.rest(FULL_SECONDS)
            filler.unlink()
            # Its pauses between starts have grown meanwhile; whoever makes room also starts it.
            world.stack.stop(name)
            world.stack.start(name)
            times = world.stack.entries()[name].restarts - died
            world.record_evidence(
                f"{name}'s disk full", f"{size:.0f} MB written beside it; started {times} times: {said}"
            )
        world.fault_ended()
        world.await_traffic()


def _no_space(world: World, name: str) -> str:
    path = world.stack.settings.folder / "logs" / f"{name}.log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip()[:160] for line in lines if "No space left on device" in line), "")
