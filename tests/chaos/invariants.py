"""G1 to G11: what must hold after every scenario, each a function of plain values seen from outside.

A function returns the violations it found; none means that the invariant holds. Nothing here does I/O.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.language.decision import Subject, kind_of
from tests.chaos.client import Command
from tests.chaos.log import Log

SPIN_SHARE = 0.6
"""Of one core, taken by a process that has nothing to do: more is spinning."""
MOST_MEGABYTES = 220.0


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is not as it must be. subject: what it is about."""

    invariant: str
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Kept:
    """One subject's document in one consuming group: what it applied of each source, and how."""

    applied: Mapping[str, int]
    chain: Mapping[str, int] | None = None
    waits: int = 0
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One consuming group as MongoDB shows it. own: the source that it does not consume.

    parked: {reason: count}, of parked events. kinds: of the subjects that it follows.
    """

    name: str
    own: str | None
    kept: Mapping[str, Kept]
    kinds: frozenset[str]
    parked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Idle:
    """One process that had nothing to do. cpu: share of one core; megabytes: resident."""

    name: str
    cpu: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Shown:
    """One dashboard, and what it should show. ids: by instance of the stream, of the snapshots that it gave, in order.

    cells: {number of the report: as it was last shown}; expected: the same by the report itself. failed: why it gave
    up, which it may not.
    """

    dashboard: str
    ids: Mapping[str, Sequence[int]]
    cells: Mapping[str, object]
    expected: Mapping[str, object]
    failed: str = ""


@dataclass(slots=True)
class Seen:
    """Everything that was seen from outside after one scenario had settled.

    emitted: {(subject, source): (how many events its archive holds, their chain)}. pending: unpublished rows by
    service. offsets: {offset id: every value it had, in order}. expected_parked: {(group, reason): count}. blocked:
    subjects that a scenario blocked on purpose. live, recount: figures. recovery, bound: seconds. applied: per process,
    what its log says it applied, in order. timers: {(subject, command): timers that wait}; fired: those that fired, by
    the services' logs; due: past their time. unsure: traces of inbound records that Kafka never acknowledged.
    shown: what dashboards show, and the topic of indicators by the last record of each key.
    """

    log: Log
    groups: Sequence[Group] = ()
    emitted: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)
    offsets: Mapping[str, Sequence[int]] = field(default_factory=dict)
    commands: Sequence[Command] = ()
    inbound: Mapping[str, str] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    expected_parked: Mapping[tuple[str, str], int] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    live: Mapping[str, int] = field(default_factory=dict)
    recount: Mapping[str, int] = field(default_factory=dict)
    recovery: float = 0.0
    bound: float = 0.0
    idle: Sequence[Idle] = ()
    applied: Mapping[str, Sequence[tuple[str, str, int]]] = field(default_factory=dict)
    timers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    fired: Mapping[tuple[str, str], int] = field(default_factory=dict)
    due: int = 0
    shown: Sequence[Shown] = ()


def g1_all_applied(seen: Seen) -> list[Violation]:
    """Per subject, applied count = emitted sequence, in every consuming service; and the log holds all of it."""
    found = []
    for (subject, source), (count, _) in seen.emitted.items():
        said = seen.log.said[subject, source].seq if (subject, source) in seen.log.said else 0
        if said != count:
            found.append(Violation("G1", f"{subject} of {source} in the log", str(count), str(said)))
        kind = kind_of(Subject(subject))
        for group in seen.groups:
            if group.own == source or subject in seen.blocked or kind not in group.kinds:
                continue
            kept = group.kept.get(subject)
            applied = kept.applied.get(source, 0) if kept else 0
            if applied != count:
                where = f"{subject} of {source} in {group.name}"
                found.append(Violation("G1", where, str(count), str(applied)))
    for (subject, source), said_ in seen.log.said.items():
        if (subject, source) not in seen.emitted:
            found.append(Violation("G1", f"{subject} of {source} emitted", str(said_.seq), "nothing"))
    return found


def g2_chains(seen: Seen) -> list[Violation]:
    """The hash chain over what was emitted, over what the log holds, and in every state: the same three times."""
    found: list[Violation] = []
    for (subject, source), (count, chain) in seen.emitted.items():
        said = seen.log.said.get((subject, source))
        if said is not None and said.seq == count and said.chain != chain:
            found.append(Violation("G2", f"{subject} of {source} in the log", str(chain), str(said.chain)))
        for group in seen.groups:
            kept = group.kept.get(subject)
            if group.own == source or kept is None or kept.applied.get(source, 0) != count:
                continue
            if kept.chain is None or kept.chain.get(source) != chain:
                was = "no chain" if kept.chain is None else str(kept.chain.get(source))
                found.append(Violation("G2", f"{subject} of {source} in {group.name}", str(chain), was))
    return found


def g3_contiguous(seen: Seen) -> list[Violation]:
    """First occurrences in each topic are contiguous per subject."""
    return [
        Violation("G3", f"{subject} of {source} in the log", f"{expected} next", str(came))
        for subject, source, expected, came in seen.log.holes
    ]


def g4_nothing_left(seen: Seen) -> list[Violation]:
    """Nothing unpublished, nothing waiting, parked as expected; causes applied before their effects."""
    found = [
        Violation("G4", f"outbox of {service}", "nothing pending", str(count))
        for service, count in seen.pending.items()
        if count
    ]
    for group in seen.groups:
        for reason in {"waiting", "poison", "blocked", "unreadable", *group.parked}:
            expected = seen.expected_parked.get((group.name, reason), 0)
            if group.parked.get(reason, 0) != expected:
                found.append(
                    Violation(
                        "G4", f"{reason} in {group.name}", str(expected), str(group.parked.get(reason, 0))
                    )
                )
        for subject, kept in group.kept.items():
            if subject not in seen.blocked and (kept.waits or kept.blocked):
                state = f"{kept.waits} waiting{', blocked' if kept.blocked else ''}"
                found.append(Violation("G4", f"{subject} in {group.name}", "nothing behind it", state))
    return found + _causes(seen)


def _causes(seen: Seen) -> list[Violation]:
    """Where one process says that it applied an effect, and only later its cause."""
    found = []
    for process, lines in seen.applied.items():
        place = {line: number for number, line in reversed(list(enumerate(lines)))}
        for line, number in place.items():
            subject, _, _ = line
            for source, count in seen.log.causes.get(line, {}).items():
                cause = place.get((subject, source, count))
                if cause is not None and cause > number:
                    effect = f"{line[1]}:{line[2]} of {subject} in {process}"
                    found.append(Violation("G4", effect, f"{source}:{count} before it", "it came later"))
    return found


def g5_offsets(seen: Seen) -> list[Violation]:
    """Stored offsets never decrease."""
    return [
        Violation("G5", name, f"at least {before}", str(after))
        for name, values in seen.offsets.items()
        for before, after in itertools.pairwise(values)
        if after < before
    ]


def g6_commands(seen: Seen) -> list[Violation]:
    """A command answered 2xx is in the events exactly once, any other not at all; every key has its lasting answer."""
    found = []
    for command in seen.commands:
        if command.says is None:
            if command.status is None:
                found.append(
                    Violation("G6", f"{command.deed} {command.key}", "a lasting answer", _last(command))
                )
            continue
        times = seen.log.traces.get((command.trace, command.says), 0)
        if command.status is None:
            found.append(Violation("G6", f"{command.deed} {command.key}", "a lasting answer", _last(command)))
        elif times != command.says_times:
            expected = f"{command.says_times} times in the events (answered {command.status})"
            found.append(Violation("G6", f"{command.deed} {command.key}", expected, f"{times} times"))
    referred = "journey.intake.referral-received.v1"
    for place, trace in seen.inbound.items():
        times, replied = seen.log.traces.get((trace, referred), 0), seen.log.replies.get(f"intake:{place}")
        if times != 1 or replied != "journey.intake.record-accepted.v1":
            found.append(
                Violation("G6", f"inbound {place}", "one event, one acceptance", f"{times}, {replied}")
            )
    for trace in seen.unsure:
        times = seen.log.traces.get((trace, referred), 0)
        found += [Violation("G6", f"inbound without acknowledgement {trace}", "0 or 1", str(times))] * (
            times > 1
        )
    return found


def _last(command: Command) -> str:
    return f"{command.attempts[-1].status} {command.attempts[-1].why}" if command.attempts else "never sent"


def g7_recovery(seen: Seen) -> list[Violation]:
    """Recovery within the stated bound."""
    if seen.recovery <= seen.bound:
        return []
    return [Violation("G7", "recovery", f"at most {seen.bound:.0f} s", f"{seen.recovery:.1f} s")]


def g8_idle(seen: Seen) -> list[Violation]:
    """No process spins with nothing to do; memory is bounded."""
    spinning = [
        Violation("G8", one.name, f"less than {SPIN_SHARE:.0%} of a core", f"{one.cpu:.0%}")
        for one in seen.idle
        if one.cpu > SPIN_SHARE
    ]
    large = [
        Violation("G8", one.name, f"at most {MOST_MEGABYTES:.0f} MB", f"{one.megabytes:.0f} MB")
        for one in seen.idle
        if one.megabytes > MOST_MEGABYTES
    ]
    return spinning + large


def g9_figures(seen: Seen) -> list[Violation]:
    """Figures rebuilt from the events equal the live ones."""
    cells = {cell for cell, n in (*seen.live.items(), *seen.recount.items()) if n}
    return [
        Violation("G9", cell, str(seen.recount.get(cell, 0)), str(seen.live.get(cell, 0)))
        for cell in sorted(cells)
        if seen.live.get(cell, 0) != seen.recount.get(cell, 0)
    ]


DUE, MISSED, ANSWERED = (f"journey.outcome.follow-up-{one}.v1" for one in ("due", "missed", "answered"))
OFFERED, EXPIRED = (f"journey.handover.handover-{one}.v1" for one in ("offered", "expired"))
ENDED = tuple(
    f"journey.handover.handover-{one}.v1" for one in ("accepted", "declined", "expired", "recalled")
)
EXITED = "journey.outcome.journey-exited.v1"
RECEIVED, PASSED_ON, RETURNED = (
    f"journey.intake.referral-{one}.v1" for one in ("received", "passed-on", "returned")
)
TAKEN = (
    RETURNED,
    *(f"journey.intake.referral-{one}.v1" for one in ("accepted", "declined", "withdrawn")),
    "journey.intake.journey-registered-by-mistake.v1",
)
"""After any of these a referral awaits no answer."""
MADE, OVERDUE = (f"journey.activity-tracking.report-{one}.v1" for one in ("made", "overdue"))
CAUSED: Mapping[str, Sequence[str]] = {
    "expire_handover": (EXPIRED,),
    "follow_up_due": (DUE,),
    "follow_up_missed": (MISSED,),
    "referral_unanswered": (PASSED_ON, RETURNED),
    "make_report": (MADE,),
    **dict.fromkeys(("report_overdue", "report_unsent"), (OVERDUE,)),
}
"""What a timer that fired has said."""
SILENT = {"report_month", "report_long_absence", "report_week", "due", "count_registers", "recount_registers"}
"""Timers that may have nothing to say when they fire, since they only look."""
OF_REGISTERS = SILENT | {"make_report", "report_overdue", "report_unsent"}
"""Timers of registers and reports: the log alone does not tell which must wait, since it names no reason."""
FOLLOW_UPS = 2
"""How many follow-ups CoActive plans at an exit."""


def wanted_timers(types: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """{(subject, command): timers that must be waiting}, by what the log says of each subject."""
    wanted: Counter[tuple[str, str]] = Counter()
    for (subject, kind), count in types.items():
        if kind == OFFERED:
            wanted[subject, "expire_handover"] += count
        elif kind in ENDED:
            wanted[subject, "expire_handover"] -= count
        elif kind == EXITED:
            wanted[subject, "follow_up_due"] += FOLLOW_UPS
        elif kind == DUE:
            wanted[subject, "follow_up_due"] -= count
            wanted[subject, "follow_up_missed"] += count
        elif kind in (MISSED, ANSWERED):
            wanted[subject, "follow_up_missed"] -= count
        elif kind == RECEIVED:
            wanted[subject, "referral_unanswered"] = int(not any((subject, one) in types for one in TAKEN))
    return wanted


def g10_timers(seen: Seen) -> list[Violation]:
    """Each timer fired once: none is left past its time, none is missing or there twice, none fired again."""
    found = [Violation("G10", "timers past their time", "0", str(seen.due))] if seen.due else []
    wanted = wanted_timers(seen.log.types)
    for key in {*wanted, *(one for one in seen.timers if one[1] not in OF_REGISTERS)}:
        if wanted.get(key, 0) != seen.timers.get(key, 0):
            subject, command = key
            found.append(
                Violation(
                    "G10",
                    f"{command} of {subject}",
                    f"{wanted.get(key, 0)} waiting",
                    str(seen.timers.get(key, 0)),
                )
            )
    for (subject, command), times in seen.fired.items():
        if command in SILENT:
            continue
        told = sum(seen.log.types.get((subject, kind), 0) for kind in CAUSED[command])
        if times > told:
            found.append(Violation("G10", f"{command} of {subject}", f"fired {told} times", str(times)))
    return found


def g11_shown(seen: Seen) -> list[Violation]:
    """What a dashboard was last given, and what the last records say, is the report of that form; no id goes back."""
    found = []
    for one in seen.shown:
        if one.failed:
            found.append(Violation("G11", one.dashboard, "no end to its reading", one.failed))
        found += [
            Violation("G11", f"id at {one.dashboard} from {instance}", f"at least {before}", str(after))
            for instance, ids in one.ids.items()
            for before, after in itertools.pairwise(ids)
            if after < before
        ]
        found += [
            Violation("G11", f"{cell} at {one.dashboard}", str(expected), str(one.cells.get(cell, "nothing")))
            for cell, expected in one.expected.items()
            if cell not in one.cells or one.cells[cell] != expected
        ]
    return found


INVARIANTS: Mapping[str, Callable[[Seen], list[Violation]]] = {
    "G1": g1_all_applied,
    "G2": g2_chains,
    "G3": g3_contiguous,
    "G4": g4_nothing_left,
    "G5": g5_offsets,
    "G6": g6_commands,
    "G7": g7_recovery,
    "G8": g8_idle,
    "G9": g9_figures,
    "G10": g10_timers,
    "G11": g11_shown,
}


def check_all(seen: Seen) -> dict[str, list[Violation]]:
    """Every invariant, and what violates it."""
    return {name: check(seen) for name, check in INVARIANTS.items()}


def summary(checked: Mapping[str, Iterable[Any]]) -> str:
    """`all eleven hold`, or which do not."""
    broken = " ".join(name for name, violations in checked.items() if list(violations))
    return f"broken: {broken}" if broken else "all eleven hold"
