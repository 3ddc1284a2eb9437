"""`journeys rebuild`: a projection made anew beside the live one, compared, and put in its place."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from clients.operator.desk import Desk, reason_option
from clients.operator.screen import Screen
from clients.operator.trouble import HAND_NEEDED, REFUSED, WELL, Trouble
from clients.operator.wire import Wire

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
NOT_THERE = ("not-found", "unknown-route")


@click.group()
def rebuild() -> None:
    """Make a projection (`figures`) anew from the log, compare it with the live one, swap it in."""


@rebuild.command()
@click.argument("group")
@reason_option
@click.option("--wait", is_flag=True, help="until it has caught up with the live one")
@click.pass_obj
def start(desk: Desk, group: str, reason: str, *, wait: bool) -> None:
    """Fold the whole log again, beside the live projection; nothing that is live changes."""
    wire = desk.wire()
    found = _post(wire, group, "", {"reason": reason})
    if wait:
        found = _until(wire, group, desk.screen, lambda one: one["progress"] and one["progress"]["lag"] == 0)
    _show(desk.screen, found)
    desk.screen.say(
        f"Then: journeys rebuild status {group}, and when it has caught up: journeys rebuild compare {group}"
    )


@rebuild.command()
@click.argument("group")
@click.pass_obj
def status(desk: Desk, group: str) -> None:
    """Show how far it has come, and what a comparison found."""
    found = _read(desk.wire(), group)
    _show(desk.screen, found)
    sys.exit(HAND_NEEDED if found["halted"] or (found["compared"] or {}).get("differs") else WELL)


@rebuild.command()
@click.argument("group")
@click.option("--reason", "-m", default="compare before a swap", help="why; it goes into the audit row")
@click.pass_obj
def compare(desk: Desk, group: str, reason: str) -> None:
    """Compare every subject and every counter; exit status 1 when they differ."""
    wire = desk.wire()
    asked = _post(wire, group, "/comparison", {"reason": reason})["compare_asked_at"]
    found = _until(
        wire,
        group,
        desk.screen,
        lambda one: one["compared"] and _same_moment(one["compared"]["asked_at"], asked),
    )
    _show(desk.screen, found)
    sys.exit(HAND_NEEDED if found["compared"]["differs"] else WELL)


@rebuild.command()
@click.argument("group")
@reason_option
@click.option("--accept-differences", is_flag=True, help="they differ, and that is what is to be mended")
@click.pass_obj
def swap(desk: Desk, group: str, reason: str, *, accept_differences: bool) -> None:
    """Put it in the live one's place; the projection stands still for a moment, and nothing is lost."""
    wire = desk.wire()
    _post(wire, group, "/swap", {"reason": reason, "accept_differences": accept_differences})
    _show(desk.screen, _until(wire, group, desk.screen, lambda one: one["state"] == "swapped"))


@rebuild.command()
@click.argument("group")
@reason_option
@click.pass_obj
def abandon(desk: Desk, group: str, reason: str) -> None:
    """Give it up and remove what was rebuilt; nothing that is live changes."""
    _show(desk.screen, _post(desk.wire(), group, "/abandonment", {"reason": reason}))


def _post(wire: Wire, group: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return _somewhere(
        wire, group, lambda service: wire.post(service, f"/operations/rebuilds/{group}{path}", body)
    )


def _read(wire: Wire, group: str) -> dict[str, Any]:
    return _somewhere(wire, group, lambda service: wire.get(service, f"/operations/rebuilds/{group}"))


def _somewhere(wire: Wire, group: str, ask: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The answer of the one service that has this projection. Raises Trouble when none has."""
    for service in wire.services:
        try:
            return ask(service)
        except Trouble as trouble:
            if not any(code in str(trouble) for code in NOT_THERE):
                raise
    raise Trouble(
        f"No service has a projection {group} with a rebuild: `journeys rebuild start {group}`.", REFUSED
    )


def _until(wire: Wire, group: str, screen: Screen, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Ask again until it holds, saying how far it is. Raises Trouble when it halts, or patience ends."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    said = ""
    while True:
        found = _read(wire, group)
        if holds(found):
            return found
        if found["halted"]:
            raise Trouble(f"It halted: {found['halted']['cause']} {found['halted']['cure']}", HAND_NEEDED)
        if time.monotonic() > give_up_at:
            raise Trouble(f"It is still {found['state']}; ask with `journeys rebuild status {group}`.")
        line = _line(found)
        if line != said:
            screen.say(line)
            said = line
        time.sleep(LOOK_SECONDS)


def _line(found: Mapping[str, Any]) -> str:
    progress = found["progress"]
    if progress is None:
        return f"run {found['run']}: {found['state']}"
    return (
        f"run {found['run']}: {found['state']}, {progress['percent']} %, {progress['lag']} to go, "
        f"{progress['a_second']} a second"
    )


def _show(screen: Screen, found: Mapping[str, Any]) -> None:
    if screen.as_json:
        screen.document(found)
        return
    screen.say(_line(found))
    if found["halted"]:
        screen.say(f"HALTED: {found['halted']['cause']} {found['halted']['cure']}", "bold red")
    compared = found["compared"]
    if compared is None:
        return
    counts = ("same", "different", "only_live", "only_rebuilt", "elsewhere")
    screen.table(("subjects", *counts), [("", *(compared[name] for name in counts))])
    screen.table(("differs", "in"), [(one["subject"], ", ".join(one["fields"])) for one in compared["first"]])
    if compared["counters"] is None:
        screen.say(
            "The counters were not compared: the two never stood at the same place. Compare again.", "yellow"
        )
    for name, counters in (compared["counters"] or {}).items():
        screen.say(f"{name}: {counters['same']} counters the same, {counters['different']} different")
        screen.table(
            ("counter", "live", "rebuilt"),
            [(one["counter"], one["live"], one["rebuilt"]) for one in counters["first"]],
        )
    if compared["differs"]:
        screen.say(
            "They differ. If that is what was to be mended: journeys rebuild swap … --accept-differences",
            "red",
        )


def _same_moment(one: str, other: str) -> bool:
    """MongoDB keeps milliseconds."""
    return one[:23] == other[:23]
