"""`journeys accept`: a halted group reads a topic as it is now, although it is not what it has read before."""

from collections.abc import Iterator
from typing import Any

import click

from clients.operator.desk import Desk, reason_option
from clients.operator.trouble import REFUSED, Trouble
from clients.operator.wire import Wire


@click.command()
@click.argument("topic")
@click.option("--group", "-g", help="only this consumer group [every group that has halted over it]")
@reason_option
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_obj
def accept(desk: Desk, topic: str, group: str | None, reason: str, *, yes: bool) -> None:
    """Have the groups that have halted over TOPIC read it as it is now, from where it begins.

    Nothing is applied twice. What the topic has lost is missing until its emitter says it again (journeys republish).
    """
    wire = desk.wire()
    halted = sorted({found for found in _halted(wire, topic) if group in (None, found[1])})
    if not halted:
        raise Trouble(f"No group{f' {group}' if group else ''} has halted over {topic}.", REFUSED)
    desk.screen.say(f"{topic} is not what {', '.join(one for _, one in halted)} has read.")
    if not yes and not click.confirm("Read it as it is now?", err=True):
        raise Trouble("Nothing was changed.", REFUSED)
    answers = [
        wire.post(service, f"/operations/groups/{one}/topics/{topic}/acceptance", {"reason": reason})
        for service, one in halted
    ]
    if desk.screen.as_json:
        desk.screen.document({"answers": answers})
        return
    heads = ("group", "partition", "stood at", "reads from")
    desk.screen.table(
        heads,
        [
            (answer["group"], moved["partition"], moved["stood_at"], moved["reads_from"])
            for answer in answers
            for moved in answer["moved"]
        ],
    )
    desk.screen.say("Now restart the processes that have halted.", "bold")


def _halted(wire: Wire, topic: str) -> Iterator[tuple[str, str]]:
    """The services and groups that have halted over the topic, by the processes that report. Raises Trouble."""
    for service in wire.services:
        for group in wire.get(service, "/operations/status")["groups"]:
            for process in group["processes"]:
                over: dict[str, Any] = (process["halted"] or {}).get("over") or {}
                if not process["silent"] and over.get("topic") == topic:
                    yield service, over["group"]
