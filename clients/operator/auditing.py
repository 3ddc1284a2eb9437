"""`journeys audit`: what operators did, and whether what was read of people is still as it was written."""

import sys
from typing import Any

import click

from clients.operator.desk import Desk, reason_option, service_option
from clients.operator.trouble import HAND_NEEDED, WELL
from clients.operator.wire import Wire


@click.group(invoke_without_command=True)
@service_option
@click.option("--limit", default=20, show_default=True, help="at most so many of each service")
@click.pass_context
def audit(context: click.Context, service: str | None, limit: int) -> None:
    """Show what operators did: who, when, why. With `verify`: whether the rows of what was read are whole."""
    if context.invoked_subcommand is not None:
        return
    desk: Desk = context.obj
    wire = desk.wire(service)
    rows = [
        {"service": name, **row}
        for name in wire.services
        for row in wire.get(name, "/operations/audit", limit=limit)["audit"]
    ]
    rows.sort(key=lambda row: row["at"], reverse=True)
    if desk.screen.as_json:
        desk.screen.document({"audit": rows})
        return
    if not rows:
        desk.screen.say(f"No operator has done anything yet in {', '.join(wire.services)}.")
    names = ("at", "service", "did", "subject", "person", "organisation", "reason")
    desk.screen.table(names, [[row[name] for name in names] for row in rows])


@audit.command()
@service_option
@click.option("--after", default=0, help="begin behind this seal, where older rows are removed by now")
@reason_option
@click.pass_obj
def verify(desk: Desk, service: str | None, after: int, reason: str) -> None:
    """Walk over the seals of what was read, and name the first batch that was changed; exit status 1 then.

    Compare the last hash with the consume process's log (`reads-sealed`): removing the newest seals shows only there.
    """
    if after and service is None:
        raise click.UsageError("Each service numbers its own seals: give --service with --after.")
    wire = desk.wire(service)
    found = {name: _walked(wire, name, reason, after) for name in wire.services}
    if desk.screen.as_json:
        desk.screen.document({"services": found})
    else:
        desk.screen.table(
            ("service", "seals", "rows", "last", "hash", "found", "between"),
            [
                (
                    name,
                    one["seals"],
                    one["rows"],
                    one["through"],
                    one["hash"],
                    f"seal {one['through'] + 1}: {one['fault']}" if one["fault"] else "whole",
                    " and ".join(moment for moment in (one["since"], one["until"]) if moment),
                )
                for name, one in found.items()
            ],
            ["red" if one["fault"] else "" for one in found.values()],
        )
    sys.exit(HAND_NEEDED if any(one["fault"] for one in found.values()) else WELL)


def _walked(wire: Wire, service: str, reason: str, after: int) -> dict[str, Any]:
    """The chain of one service, a piece at a time."""
    seals, rows = 0, 0
    while True:
        answer = wire.post(service, "/operations/audit/verification", {"reason": reason, "after": after})
        seals, rows, after = seals + answer["seals"], rows + answer["rows"], answer["through"]
        if not answer["more"]:
            return {**answer, "seals": seals, "rows": rows}
