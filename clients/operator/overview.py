"""`journeys status` on the screen: one table of groups, then what needs a hand, each with its cure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from clients.operator.assessment import Finding
from clients.operator.screen import Cell, Screen, spoken

HEADS = (
    "service",
    "group",
    "processes",
    "lag",
    "waiting",
    "failing",
    "blocked",
    "unreadable",
    "outbox",
    "timers due",
    "state",
)


def show_status(screen: Screen, told: Mapping[str, Mapping[str, Any]], findings: Sequence[Finding]) -> None:
    """Print the table and the findings, or both as one document."""
    if screen.as_json:
        screen.document({"services": dict(told), "findings": [asdict(one) for one in findings]})
        return
    rows, styles = [], []
    for service, status in told.items():
        for number, group in enumerate(status["groups"]):
            rows.append(_row(service, status, group, own=number == 0))
            styles.append("red" if _waits_for_kafka(group) else _style(group, findings))
    screen.table(HEADS, rows, styles)
    for one in findings:
        screen.say("")
        screen.say(
            f"{'HAND NEEDED' if one.hand else 'goes on by itself'}: {one.what}",
            "bold red" if one.hand else "yellow",
        )
        screen.say(f"  because  {one.cause}")
        if one.effect:
            screen.say(f"  so       {one.effect}")
        screen.say(f"  cure     {one.cure}")
    if not findings:
        screen.say("All is well.", "green")


def _row(service: str, status: Mapping[str, Any], group: Mapping[str, Any], *, own: bool) -> list[Cell]:
    """One group; outbox and timers are the service's, told once."""
    heard = [one for one in group["processes"] if not one["silent"]]
    silent = len(group["processes"]) - len(heard)
    outbox, timers = status["outbox"], status["timers"]
    age = f" ({spoken(outbox['oldest_seconds'])})" if outbox["pending"] else ""
    return [
        service,
        group["group"],
        f"{len(heard)}" + (f", {silent} silent" if silent else ""),
        "?" if group["lag"] is None else group["lag"],
        group["waiting"],
        group["poison"],
        group["blocked"],
        group["unreadable"],
        f"{outbox['pending']}{age}" if own else "",
        timers["due"] if own else "",
        _state(group),
    ]


def _state(group: Mapping[str, Any]) -> str:
    heard = [one for one in group["processes"] if not one["silent"]]
    if not heard:
        return "silent"
    if any(one["halted"] for one in heard):
        return "HALTED"
    if any(one["stuck"] for one in heard):
        return "stuck"
    return "waits for Kafka" if _waits_for_kafka(group) else "runs"


def _waits_for_kafka(group: Mapping[str, Any]) -> bool:
    return any(one["trouble"] and not one["silent"] for one in group["processes"])


def _style(group: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Red for a group that a finding which needs a hand speaks of."""
    name = group["group"]
    mine = [one for one in findings if name in one.what.replace(":", " ").replace("@", " ").split()]
    if any(one.hand for one in mine):
        return "red"
    return "yellow" if mine else ""
