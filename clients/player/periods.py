"""The player's own count of a period, by provider: every figure by its day, from what it did itself. Pure.

The list of figures is the platform's; how each is counted is the player's own, from the field (docs/field.md). A figure
of the report that is not counted here is a difference, so that none can be added without a second count.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from clients.player.course import Course
from clients.player.ledger import RATE_TOLERANCE, Ledger
from clients.player.owed import Session
from clients.player.persons import Counted
from clients.player.programme import Programme

Dated = Iterable[tuple[date | None, int]]
Count = Callable[[Course], Dated]
NO_PROVIDER = "none"
FOLLOW_UP = "{}"
"""Stands in a figure's name for each of the programme's follow-ups, activities or outputs."""


def _once(on: date | None, counts: bool = True) -> Dated:
    return [(on, 1)] if counts else []


def _offers(course: Course, status: str) -> Dated:
    return [(one.ended_on, 1) for one in course.offers.values() if one.status == status]


def _sessions(course: Course, amount: Callable[[Any], int]) -> Dated:
    return [(one.on, amount(one)) for one in course.sessions.values()]


def _left(course: Course) -> bool:
    return course.exited_on is not None and course.way != "deceased"


AT_ENTRY: dict[str, Callable[[Counted], Dated]] = {
    "received": lambda one: _once(one.referred_on),
    "declined": lambda one: _once(one.entry.declined_on),
    "withdrawn": lambda one: _once(one.entry.withdrawn_on),
    "accepted": lambda one: _once(one.entry.accepted_on),
    "started": lambda one: _once(one.entry.started_on),
    "re_referred": lambda one: _once(one.again_on),
    "entries_complete": lambda one: _once(one.entry.entry_on, one.complete),
}
"""Each figure that counts a person at the provider of the first journey that started, and the day."""
NOW: dict[str, Count] = {
    "ready": lambda one: _once(one.ready_on),
    "handed_over": lambda one: _once(
        min((offer.answered_on for offer in one.offers.values() if offer.answered_on), default=None)
    ),
    "exited": lambda one: _once(one.exited_on),
    "exit/by_plan": lambda one: _once(one.exited_on, one.way == "by_plan"),
    "exit/interrupted": lambda one: _once(one.exited_on, one.way == "interrupted"),
    "exit/moved": lambda one: _once(one.exited_on, one.way == "moved"),
    "exit/deceased": lambda one: _once(one.exited_on, one.way == "deceased"),
    "employed_at_exit_employed": lambda one: _once(one.exited_on, _left(one) and one.situation == "employed"),
    "employed_at_exit/known": lambda one: _once(one.exited_on, _left(one) and one.situation is not None),
    "employed_at_exit/missing": lambda one: _once(one.exited_on, _left(one) and one.situation is None),
}
"""Each figure that counts a person by the journey that says where the person is now, and the day."""
EACH: dict[str, Count] = {
    "handover/offered": lambda one: [(offer.offered_on, 1) for offer in one.offers.values()],
    "handover/accepted": lambda one: _offers(one, "accepted"),
    "handover/declined": lambda one: _offers(one, "declined"),
    "handover/expired": lambda one: _offers(one, "expired"),
    "handover/recalled": lambda one: _offers(one, "recalled"),
    "session/logged": lambda one: _sessions(one, lambda held: 1),
    "session/attended": lambda one: _sessions(one, lambda held: int(held.attendance in ("yes", "late"))),
    "session/late": lambda one: _sessions(one, lambda held: int(held.attendance == "late")),
    "session/missed": lambda one: _sessions(one, lambda held: int(held.attendance == "no")),
    "session/minutes": lambda one: _sessions(one, lambda held: held.counted),
    "session/planned_minutes": lambda one: _sessions(one, lambda held: held.planned or 0),
    "session/marked_minutes": lambda one: _sessions(one, lambda held: held.marked),
}
"""Each figure of what was done on a journey, and the days on which it counts."""
RESTATED = "exit/restated"
"""Exits that count no longer, since their person has a later one or takes part again; on the day of the exit."""
REGISTERS, OPEN = "session/registers", "session/registers_open"
"""Registers of a day, and those not filled in, at the provider that keeps them."""
COUNTED = (*AT_ENTRY, *NOW, *EACH, RESTATED, REGISTERS, OPEN)
FOLLOWED_UP = ("employed_{}", "follow_up/{}/due", "follow_up/{}/answered", "follow_up/{}/missed")
OUTPUTS = ("output/{}",)
ACTIVITIES: dict[str, Callable[[Session], int]] = {
    "activity/{}/minutes": lambda held: held.counted,
    "activity/{}/planned_minutes": lambda held: held.planned or 0,
    "activity/{}/marked_minutes": lambda held: held.marked,
}
"""Figures of each of the programme's activities whose name reveals nothing of health."""
STANDING = (
    "active",
    "session/corrected",
    *(f"where/{stage}" for stage in ("received", "accepted", "started", "ready")),
    *(f"where/{stage}" for stage in ("exited", "closed", "declined", "withdrawn")),
)
"""Figures that no day places in a period: they are held against the report as it is now alone."""

SHARES = {
    "employed_at_exit/rate": ("employed_at_exit_employed", ("employed_at_exit/known",)),
    "employed_at_exit/missing_share": (
        "employed_at_exit/missing",
        ("employed_at_exit/known", "employed_at_exit/missing"),
    ),
    "follow_up/{}/rate": ("employed_{}", ("follow_up/{}/answered",)),
    "session/reached": ("session/marked_minutes", ("session/planned_minutes",)),
    "activity/{}/reached": ("activity/{}/marked_minutes", ("activity/{}/planned_minutes",)),
    "follow_up/{}/missing_share": ("follow_up/{}/missed", ("follow_up/{}/answered", "follow_up/{}/missed")),
}
WAITS_AT_ENTRY = ("answer", "start")
WAITS: dict[str, Callable[[Course], list[tuple[date | None, date | None]]]] = {
    "answer": lambda one: [(one.referred_on, one.accepted_on)],
    "start": lambda one: [(one.accepted_on, one.started_on)],
    "ready": lambda one: [(one.started_on, one.ready_on)],
    "handover": lambda one: [(offer.offered_on, offer.answered_on) for offer in one.offers.values()],
    "exit": lambda one: [(one.started_on, one.exited_on)],
}
"""Days between steps: each stands in the period in which the second step was taken."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """Three calendar months, both days included."""

    first: date
    last: date

    def __contains__(self, on: date | None) -> bool:
        return on is not None and self.first <= on <= self.last


def quarter_of(on: date) -> Quarter:
    """The quarter in which the day lies."""
    month = 3 * ((on.month - 1) // 3) + 1
    after = date(on.year + month // 10, (month + 2) % 12 + 1, 1)
    return Quarter(date(on.year, month, 1), date.fromordinal(after.toordinal() - 1))


def by_provider(ledger: Ledger, quarter: Quarter, as_of: date) -> dict[tuple[str, str | None], float | None]:
    """Every figure of the quarter: {(figure, provider or None for all): value}, as known at the end of as_of."""
    sums: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    waits: defaultdict[tuple[str | None, str], list[int]] = defaultdict(list)
    ledger.expire(as_of)
    for person in ledger.persons():
        for course in person.courses:
            for group in (None, course.provider or NO_PROVIDER):
                for figure, on, amount in _days(course, person, ledger.programme, as_of):
                    if on in quarter:
                        sums[group][figure] += amount
                for step, (first, last) in _waits(course, person):
                    if first and last and last in quarter:
                        waits[group, step].append((last - first).days)
    for output in ledger.outputs.values():
        if output["on"] in quarter:
            for group in (None, output["by"]):
                sums[group][f"output/{output['output']}"] += output["quantity"]
    for (provider, on, _), is_open in ledger.registers(as_of).items():
        if on in quarter:
            for group in (None, provider):
                sums[group][REGISTERS] += 1
                sums[group][OPEN] += is_open
    found: dict[tuple[str, str | None], float | None] = {}
    for group in {None, *sums}:
        for figure in names(ledger.programme):
            found[figure, group] = sums[group][figure]
        for share, (part, whole) in _shares(ledger.programme):
            among = sum(sums[group][one] for one in whole)
            found[share, group] = sums[group][part] / among if among else None
        for step in WAITS:
            days = waits[group, step]
            found[f"days/{step}", group] = float(median(days)) if days else None
    return found


def names(programme: Programme) -> list[str]:
    """The figures of a period that the player counts."""
    kinds = [one.code for one in programme.follow_ups]
    return [
        *COUNTED,
        *(name.replace(FOLLOW_UP, kind) for name in FOLLOWED_UP for kind in kinds),
        *(name.replace(FOLLOW_UP, output) for name in OUTPUTS for output in programme.outputs),
        *(name.replace(FOLLOW_UP, one) for name in ACTIVITIES for one in programme.open_activities),
    ]


def _shares(programme: Programme) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    for share, (part, whole) in SHARES.items():
        kinds = [""] if FOLLOW_UP not in share else [one.code for one in programme.follow_ups]
        for kind in programme.open_activities if share.startswith("activity/") else kinds:
            filled = [one.replace(FOLLOW_UP, kind) for one in whole]
            yield share.replace(FOLLOW_UP, kind), (part.replace(FOLLOW_UP, kind), filled)


def _waits(course: Course, person: Counted) -> Iterator[tuple[str, tuple[date | None, date | None]]]:
    for step, spans in WAITS.items():
        says = person.entry if step in WAITS_AT_ENTRY else person.now
        if step == "handover" or course is says:
            yield from ((step, span) for span in spans(course))


def _days(
    course: Course, person: Counted, programme: Programme, as_of: date
) -> Iterator[tuple[str, date | None, int]]:
    counts: list[tuple[str, Dated]] = [(figure, count(course)) for figure, count in EACH.items()]
    if course is person.entry:
        counts += [(figure, count(person)) for figure, count in AT_ENTRY.items()]
    if course is person.now:
        counts += [(figure, count(course)) for figure, count in NOW.items()]
    else:
        counts.append((RESTATED, _once(course.exited_on)))
    for figure, dated in counts:
        for on, amount in dated:
            yield figure, on, amount
    for held in course.sessions.values():
        if held.activity in programme.open_activities:
            for figure, minutes in ACTIVITIES.items():
                yield figure.replace(FOLLOW_UP, held.activity), held.on, minutes(held)
    for one in programme.follow_ups if course is person.now else ():
        status = course.follow_up(one.code, programme, as_of)
        if status is None or course.exited_on is None:
            continue
        on = one.due_on(course.exited_on)
        yield f"follow_up/{one.code}/due", on, 1
        if status != "due":
            yield f"follow_up/{one.code}/{status}", on, 1
        if status == "answered" and course.answers[one.code] == "employed":
            yield f"employed_{one.code}", on, 1


def compare(report: Mapping[str, Any], own: Mapping[tuple[str, str | None], float | None]) -> list[str]:
    """Each number of the period on which the report and the player differ, with both values; none means right."""
    rows = {(row["figure"], row["group"]): row["value"] for row in report["period"]["rows"]}
    differences = []
    for figure, group in sorted(rows.keys() | own.keys(), key=str):
        said, counted = rows.get((figure, group)), own.get((figure, group))
        who = group or "all"
        if (figure, None) not in own:
            differences.append(f"{figure} of {who}: the report says {said}, the player does not count it")
        elif not _agree(said or None, counted or None):
            differences.append(f"{figure} of {who}: the report says {said}, the player counted {counted}")
    return differences


def _agree(said: float | None, counted: float | None) -> bool:
    if said is None or counted is None:
        return said is counted
    return abs(said - counted) <= RATE_TOLERANCE
