"""What the numbers of `status` mean: pure, so that what is red at three in the morning can be tested at noon.

Each finding says what is wrong, why, and what to type or do next. `hand`: somebody has to; else it is only worth
knowing, because the platform is at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operators.screen import spoken

HEALS_WITHIN_SECONDS = 300.0
"""A wait is asked about after a minute, and after another two: past five minutes the asking does not help."""
OUTBOX_SECONDS = 60.0
TIMERS_SECONDS = 300.0
MUCH_LAG = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. cure: a command line to type, or what to do, in a sentence."""

    service: str
    hand: bool
    what: str
    cause: str
    cure: str


def assess(service: str, status: Mapping[str, Any]) -> Sequence[Finding]:
    """Everything that is not as it should be at one service, what needs a hand first."""
    found = [
        *(finding for group in status["groups"] for finding in _group(service, group)),
        *_outbox(service, status["outbox"]),
        *_timers(service, status["timers"]),
    ]
    return sorted(found, key=lambda one: not one.hand)


def unreachable(service: str, why: str) -> Finding:
    """The service's web process did not answer."""
    cure = f"see that {service}'s web process runs and reaches MongoDB; read the last lines of its log"
    return Finding(service, True, f"{service} does not answer", why, cure)


def _group(service: str, group: Mapping[str, Any]) -> Iterator[Finding]:
    name = group["group"]
    heard = [one for one in group["processes"] if not one["silent"]]
    for one in group["processes"]:
        yield from _process(service, one)
    if not heard:
        last = min((one["heard_seconds"] for one in group["processes"]), default=None)
        yield Finding(
            service,
            True,
            f"no process of {name} reports"
            + (f", the last one {spoken(last)} ago" if last is not None else ""),
            "it is down, or does not reach MongoDB",
            "start it again; nothing is lost, it goes on where its last transaction ended",
        )
    if group["poison"]:
        yield Finding(
            service,
            True,
            f"{name}: {group['poison']} events fail, {group['blocked']} wait behind them",
            "their fold raises, in this release",
            f"journeys parked -g {name} --why poison; when it is mended: journeys replay --all -g {name} -m '…'",
        )
    if group["wait_oldest_seconds"] > HEALS_WITHIN_SECONDS:
        yield Finding(
            service,
            True,
            f"{name}: an event has waited {spoken(group['wait_oldest_seconds'])}, {group['waiting']} in all",
            "what it waits for was asked for and has not come",
            f"journeys parked -g {name} --why waiting; journeys show <id> says what is missing, and of whom",
        )
    elif group["waiting"]:
        yield Finding(
            service,
            False,
            f"{name}: {group['waiting']} events wait for an earlier one",
            f"{group['requests_open']} requests to send again are open",
            "none: it heals by itself within minutes",
        )
    if group["rebuild"]:
        yield from _rebuild(service, name, group["rebuild"])
    if group["lag"] is not None and group["lag"] > MUCH_LAG:
        yield Finding(
            service,
            False,
            f"{name} is {group['lag']} events behind",
            "more comes in than it folds, or it was down",
            "watch whether it falls; if it does not, add a process of this role",
        )


def _rebuild(service: str, name: str, rebuild: Mapping[str, Any]) -> Iterator[Finding]:
    if rebuild["halted"]:
        cause, cure = rebuild["halted"]["cause"], rebuild["halted"]["cure"]
        yield Finding(service, True, f"the rebuild of {name} has halted", cause, cure)
        return
    yield Finding(
        service,
        False,
        f"{name} is being rebuilt: {rebuild['state']}, {rebuild['percent']} %",
        "an operator asked for it (journeys audit)",
        f"journeys rebuild status {name}",
    )


def _process(service: str, process: Mapping[str, Any]) -> Iterator[Finding]:
    name = process["process"]
    if process["silent"]:
        return
    if process["halted"]:
        yield Finding(
            service, True, f"{name} has halted", process["halted"]["cause"], process["halted"]["cure"]
        )
    if process["stuck"]:
        yield Finding(
            service,
            True,
            f"{name}: {', '.join(process['stuck'])} has not moved for a minute",
            "a call to Kafka or MongoDB does not come back",
            "restart the process; nothing is lost",
        )
    if process["trouble"]:
        yield Finding(
            service,
            True,
            f"{name} cannot measure its lag",
            process["trouble"],
            "see that Kafka runs and that the service's principal may read (python -m deploy.topics apply)",
        )


def _outbox(service: str, outbox: Mapping[str, Any]) -> Iterator[Finding]:
    yield from (_refused(service, lane) for lane in outbox["refused"])
    if outbox["pending"] and outbox["oldest_seconds"] > OUTBOX_SECONDS:
        free = [str(one["shard"]) for one in outbox["leases"] if one["holder"] is None]
        cause = f"nobody publishes shard {', '.join(free)}" if free else "Kafka refuses or does not answer"
        yield Finding(
            service,
            True,
            f"{outbox['pending']} events are not published, the oldest for {spoken(outbox['oldest_seconds'])}",
            cause,
            "see that the consume process runs and that Kafka takes writes; they go out in order by themselves",
        )


def _refused(service: str, lane: Mapping[str, Any]) -> Finding:
    behind = f", {lane['behind']} wait behind it" if lane["behind"] else ""
    return Finding(
        service,
        True,
        f"Kafka refuses an event of {lane['subject']} for {lane['topic']}{behind}",
        lane["error"] or "the topic is refused",
        "mend the topic, its limit or its rights (python -m deploy.topics apply); they then go out by themselves",
    )


def _timers(service: str, timers: Mapping[str, Any]) -> Iterator[Finding]:
    if timers["due"] and timers["oldest_seconds"] > TIMERS_SECONDS:
        yield Finding(
            service,
            True,
            f"{timers['due']} deadlines are past their time, the oldest by {spoken(timers['oldest_seconds'])}",
            "the consume process is down, or one deadline fails each time",
            "see that the consume process runs; its log names the timer that fails",
        )
