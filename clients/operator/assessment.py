"""What the numbers of `status` mean: pure, so that what is red at three in the morning can be tested at noon.

Each finding says what is wrong, why, and what to type or do next. `hand`: somebody has to; else it is only worth
knowing, because the platform is at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.operator.screen import counted, spoken
from clients.operator.trouble import Trouble

HEALS_WITHIN_SECONDS = 300.0
"""A wait is asked about after a minute, and after another two: past five minutes the asking does not help."""
OUTBOX_SECONDS = 60.0
TIMERS_SECONDS = 300.0
MUCH_LAG = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. cure: a command line to type, or what to do, in a sentence.

    service: whose it is; several, with commas, where it strikes them together. effect: what does not go on meanwhile,
    where that is not plain.
    """

    service: str
    hand: bool
    what: str
    cause: str
    cure: str
    effect: str = ""


DATABASE_AWAY = "busy"
"""The code with which a service says that its database does not answer."""


def assess_all(told: Mapping[str, Mapping[str, Any]], silent: Mapping[str, Trouble]) -> Sequence[Finding]:
    """Everything that is not as it should be, what needs a hand first. What several meet together is one finding.

    silent: services that did not tell, and why.
    """
    found = [*_database_away(silent), *_kafka_away(told)]
    found += [unreachable(name, str(why)) for name, why in silent.items() if why.code != DATABASE_AWAY]
    found += [finding for name, status in told.items() for finding in assess(name, status)]
    return sorted(found, key=lambda one: not one.hand)


def assess(service: str, status: Mapping[str, Any]) -> Sequence[Finding]:
    """What is not as it should be at one service, what needs a hand first; not that Kafka is away, nor what follows."""
    away = bool(_asking_in_vain(status))
    found = [
        *(finding for group in status["groups"] for finding in _group(service, group, away=away)),
        *_outbox(service, status["outbox"], away=away),
        *_timers(service, status["timers"]),
    ]
    return sorted(found, key=lambda one: not one.hand)


def _asking_in_vain(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The service's processes that got nothing from Kafka when they last asked."""
    every = [one for group in status["groups"] for one in group["processes"]]
    return [one for one in every if one["trouble"] and not one["silent"]]


def _kafka_away(told: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """One finding for each address that does not answer, or refuses, in each way that it does."""
    met: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, status in told.items():
        for one in _asking_in_vain(status):
            at = (", ".join(status["kafka"]), one["trouble"])
            met.setdefault(at, {}).setdefault(name, []).append(one["process"])
    for (address, trouble), asking in met.items():
        # The client's own errors begin so: nobody answered. All others are an answer.
        answers = not trouble.startswith("_")
        processes = sum(len(one) for one in asking.values())
        waiting = {name: told[name]["outbox"] for name in asking if told[name]["outbox"]["pending"]}
        pending = sum(one["pending"] for one in waiting.values())
        oldest = max((one["oldest_seconds"] for one in waiting.values()), default=0.0)
        out = f", the oldest for {spoken(oldest)}" if pending else ""
        yield Finding(
            ", ".join(asking),
            True,
            f"Kafka at {address} {'refuses' if answers else 'does not answer'}",
            f"{counted(processes, 'process', 'processes')} of {', '.join(asking)} asked it in vain ({trouble})",
            "see that the brokers run and can be reached at that address, and that the principals may read and write "
            "(python -m deploy.topics apply); nothing is lost, all goes on by itself",
            f"commands are taken and {counted(pending, 'event waits', 'events wait')} to be published{out}; nothing "
            "of the others is folded, and how much is not known",
        )


def _database_away(silent: Mapping[str, Trouble]) -> Iterator[Finding]:
    names = [name for name, why in silent.items() if why.code == DATABASE_AWAY]
    if names:
        yield Finding(
            ", ".join(names),
            True,
            f"MongoDB does not answer {', '.join(names)}",
            "it is down or has no primary, or cannot be reached at the address in MONGODB_URI",
            "see that MongoDB runs, has a primary and takes the services' users (python -m deploy.database apply); "
            "nothing is lost, all goes on by itself",
            "commands are refused, to be repeated, and nothing is folded or published",
        )


def unreachable(service: str, why: str) -> Finding:
    """The service's web process did not answer."""
    cure = f"see that {service}'s web process runs; read the last lines of its log"
    return Finding(service, True, f"{service} does not answer", why, cure)


def _group(service: str, group: Mapping[str, Any], *, away: bool) -> Iterator[Finding]:
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
            f"{name}: {counted(group['poison'], 'event fails', 'events fail')}, "
            f"{counted(group['blocked'], 'waits', 'wait')} behind {'it' if group['poison'] == 1 else 'them'}",
            "their fold raises, in this release",
            f"journeys parked -g {name} --why poison; when it is mended: journeys replay --all -g {name} -m '…'",
        )
    if group["unreadable"]:
        yield Finding(
            service,
            True,
            f"{name}: {counted(group['unreadable'], 'event waits', 'events wait')} for a stored state to be readable",
            "the stored state is of a newer release, or it is broken; all other subjects go on",
            f"journeys parked -g {name} --why unreadable says which; deploy a release that reads it, or restore it. "
            "Then the events are applied by themselves within two minutes",
        )
    if away:
        pass  # what waits for an earlier event waits for Kafka
    elif group["wait_oldest_seconds"] > HEALS_WITHIN_SECONDS:
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
            f"{name}: {counted(group['waiting'], 'event waits', 'events wait')} for an earlier one",
            counted(
                group["requests_open"], "request to send again is open", "requests to send again are open"
            ),
            "none: it heals by itself within minutes",
        )
    if group["rebuild"]:
        yield from _rebuild(service, name, group["rebuild"])
    if group["lag"] is not None and group["lag"] > MUCH_LAG:
        yield Finding(
            service,
            False,
            f"{name} is {counted(group['lag'], 'event', 'events')} behind",
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


def _outbox(service: str, outbox: Mapping[str, Any], *, away: bool) -> Iterator[Finding]:
    yield from (_refused(service, lane) for lane in outbox["refused"])
    if not away and outbox["pending"] and outbox["oldest_seconds"] > OUTBOX_SECONDS:
        free = [str(one["shard"]) for one in outbox["leases"] if one["holder"] is None]
        cause = f"nobody publishes shard {', '.join(free)}" if free else "Kafka refuses or does not answer"
        yield Finding(
            service,
            True,
            f"{counted(outbox['pending'], 'event is', 'events are')} not published, the oldest for "
            f"{spoken(outbox['oldest_seconds'])}",
            cause,
            "see that the consume process runs and that Kafka takes writes; they go out in order by themselves",
        )


def _refused(service: str, lane: Mapping[str, Any]) -> Finding:
    behind = f", {counted(lane['behind'], 'waits', 'wait')} behind it" if lane["behind"] else ""
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
            f"{counted(timers['due'], 'deadline is past its', 'deadlines are past their')} time, the oldest by "
            f"{spoken(timers['oldest_seconds'])}",
            "the consume process is down, or one deadline fails each time",
            "see that the consume process runs; its log names the timer that fails",
        )
