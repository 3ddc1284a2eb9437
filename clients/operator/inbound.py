"""`journeys inbound`: records that agencies send, and how one that stands in the way is passed over."""

from collections.abc import Mapping
from typing import Any

import click

from clients.operator.desk import Desk, reason_option, service_option
from clients.operator.trouble import REFUSED, Trouble
from clients.operator.wire import Wire

GROUPS = {"referrals": "intake-inbound", "attendance": "activity-tracking-inbound"}
"""The group that reads organisations' topics of this kind."""


@click.group()
def inbound() -> None:
    """Records of the log that hold a group up."""


@inbound.command()
@click.argument("topic")
@click.argument("partition", type=click.IntRange(0))
@click.argument("offset", type=click.IntRange(0))
@click.option("--group", "-g", help="the consumer group that stands there; of an inbound topic its reader")
@service_option
@reason_option
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_obj
def skip(
    desk: Desk,
    topic: str,
    partition: int,
    offset: int,
    group: str | None,
    service: str | None,
    reason: str,
    *,
    yes: bool,
) -> None:
    """Pass over the one record at OFFSET of PARTITION of TOPIC, at which the group stands.

    It gets no answer and has no effect: tell its sender. The group goes on by itself; nothing is restarted.
    """
    wire = desk.wire(service)
    group = group or _reader_of(topic)
    desk.screen.say(f"{group} stands at {topic}[{partition}] offset {offset}.")
    if not yes and not click.confirm(
        "The record is passed over for good, without an answer. Skip it?", err=True
    ):
        raise Trouble("Nothing was changed.", REFUSED)
    path = f"/operations/groups/{group}/topics/{topic}/skip"
    answer = _moved(wire, path, {"reason": reason, "partition": partition, "offset": offset})
    if desk.screen.as_json:
        desk.screen.document(answer)
    else:
        desk.screen.say(f"{answer['group']} reads on from {answer['reads_from']}.")


def _reader_of(topic: str) -> str:
    parts = topic.split(".")
    return GROUPS.get(parts[2] if parts[0] == "inbound" and len(parts) > 2 else "", "intake-inbound")


def _moved(wire: Wire, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the service answers that has the group; those that do not know it change nothing. Raises Trouble."""
    for service in wire.services:
        try:
            return wire.post(service, path, body)
        except Trouble as trouble:
            if trouble.status != REFUSED or "not-found" not in str(trouble):
                raise
    raise Trouble("No service has such a group that reads this partition.", REFUSED)
