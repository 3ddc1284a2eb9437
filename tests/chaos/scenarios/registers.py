"""Faults that strike a day's register: several devices mark it at once, and the process dies between them."""

from __future__ import annotations

from functools import partial

from tests.chaos.client import Client, Command
from tests.chaos.load import PROVIDERS, A, Journey
from tests.chaos.scenario import scenario
from tests.chaos.together import together
from tests.chaos.world import World

DEVICES = 5
PLANNED, LOGGED = (f"journey.activity-tracking.{one}.v1" for one in ("activity-planned", "session-logged"))
HOURS = [{"weekday": day, "starts_at": "06:00", "ends_at": "09:00"} for day in range(1, 8)]


@scenario(35, "a register that five devices mark at once, killed in the middle", part=True)
def marked_at_once(world: World) -> None:
    journeys = world.party("register").begin(8 if world.full else 4)
    for journey in journeys:
        _expect_daily(world, journey)
    world.stack.run(A, "kill:after-commit:any:1")
    devices = [_all_present(world) for _ in range(DEVICES)]
    together([partial(world.sent, command, 60, client) for command, client in devices])
    said = world.died(A)
    world.fault_ended()
    commands = [command for command, _ in devices]
    changed = [sum(row["changed"] for row in command.answer["results"]) for command in commands]
    assert sum(changed) == len(journeys), f"{len(journeys)} lines were marked {sum(changed)} times"
    again = _all_present(world)
    world.sent(again[0], 60, again[1])
    assert again[0].answer["results"] == [], "a line that is marked was marked again"
    world.record_evidence(
        "marked once",
        f"{len(journeys)} lines by {DEVICES} devices, {max(changed)} by the first; killed after the commit ({said})",
    )


def _expect_daily(world: World, journey: Journey) -> None:
    body = {"activity": "work_training", "first_on": world.today.isoformat(), "hours": HOURS}
    path, by = f"/journeys/{journey.journey}/activities", (journey.responsible, "supervisor")
    planned = world.client().command("plan", A, path, body, by, PLANNED, vector=journey.seen)
    world.sent(planned)
    assert planned.status == 201, f"the plan was answered {planned.status} {planned.answer}"


def _all_present(world: World) -> tuple[Command, Client]:
    """Everybody who is not marked yet was present, said from a device of its own."""
    client, body = world.client(), {"day": world.today.isoformat(), "rest": "present"}
    return client.command(
        "mark_register", A, "/attendance", body, (PROVIDERS[0], "supervisor"), LOGGED
    ), client
