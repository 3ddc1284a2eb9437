"""Use cases of counted registers: the days of a unit that nobody has filled in.

`open_registers` is for whoever tells what waits: entries of `CountedRegister`, one for each day, programme and
municipality of the unit with lines that nobody has marked, the earliest first. An entry waits from its `day` on, and
is gone when its lines are marked, or nobody is expected on it any more. No rule lives here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from services.activity_tracking.closing import closures_from
from services.activity_tracking.day_rows import groups_of, heads_on, paused, planned_from, stretch_key
from services.activity_tracking.domain.closures import from_day
from services.activity_tracking.domain.counted import (
    REGISTERS,
    CountedRegister,
    Site,
    count_timer,
    counted,
    open_place,
    recount_timer,
    register_key,
)
from services.activity_tracking.domain.expected import expected_on, is_closed
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.marks import is_marked
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity
from shared.language.access import Actor
from shared.language.checks import check_order
from shared.language.days import day_of, days_after
from shared.language.decision import Change, Skip, Timer, Work, subject_of
from shared.language.events import Code, JourneyId, Municipality, Organisation
from shared.language.rows import entry_of, every_row

DAYS_AT_ONCE = 31
"""Days that one timer counts in one transaction; it goes on with the next ones in another."""
Place = tuple[Code, Municipality]
Counts = Mapping[Place, tuple[int, int]]
"""Lines that are expected, and those of them that nobody has marked."""


def unit_of(timer: Timer) -> Organisation:
    """The unit whose days a timer counts."""
    unit: Organisation = timer.body["unit"]
    return unit


def count_registers(work: Work, timers: Sequence[Timer]) -> None:
    """Count the days of a unit that are over, and wait for the next one while the unit has plans."""
    unit = unit_of(timers[0])
    subject = subject_of("site", unit)
    site: Site | None = work.find(subject)
    if site is None:
        return
    today = day_of(work.at)
    days = _days(site.next_on, min(days_after(today, -1), days_after(site.next_on, DAYS_AT_ONCE - 1)))
    _count(work, unit, days)
    day = days_after(days[-1], 1) if days else site.next_on
    site = Site(unit=unit, next_on=day, armed=_is_expected_from(work, unit, day) or day < today)
    timers = (count_timer(site, work.at if day < today else None),) if site.armed else ()
    work.save(subject, Change(site, timers=timers))


def recount_registers(work: Work, timers: Sequence[Timer]) -> None:
    """Count some days of a unit again, those that were counted before."""
    unit = unit_of(timers[0])
    subject = subject_of("site", unit)
    site: Site | None = work.find(subject)
    if site is None:
        return
    days = sorted({day for one in timers for day in _asked(one, days_after(site.next_on, -1))})
    _count(work, unit, days[:DAYS_AT_ONCE])
    rest = days[DAYS_AT_ONCE:]
    again = (recount_timer(unit, rest[0], rest[-1], work.at),) if rest else ()
    if not site.armed and _is_expected_from(work, unit, site.next_on):
        site = replace(site, armed=True)
        again = (*again, count_timer(site))
    if again:
        work.save(subject, Change(site, timers=again))


def _is_expected_from(work: Work, unit: Organisation, day: date) -> bool:
    """Whether anybody's plan with hours at the unit ends on that day or later."""
    return bool(work.rows(PLANNED, {"unit": unit}, order="until", after=from_day(day), limit=1))


def _asked(timer: Timer, counted_until: date) -> Sequence[date]:
    """The days that a timer asks for, among those that were counted before."""
    first, last = (
        timer.body[name] and date.fromisoformat(timer.body[name]) for name in ("first_on", "last_on")
    )
    return _days(first, counted_until if last is None else min(last, counted_until))


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def open_registers(
    work: Work,
    unit: Organisation,
    *,
    first_on: date,
    last_on: date,
    after: str | None = None,
    limit: int,
) -> Sequence[CountedRegister]:
    """The unit's registers between these days that are not filled in, today's among them, the earliest first.

    after: beyond that place (`counted.open_place`).
    """
    start = max(after or "", from_day(first_on))
    rows = work.rows(REGISTERS, {"unit": unit}, order="open", after=start, limit=limit)
    found = [one for one in (entry_of(CountedRegister, row) for row in rows) if one.day <= last_on]
    today = day_of(work.at)
    if len(rows) < limit and first_on <= today <= last_on:
        now = [
            CountedRegister(
                register=register_key(unit, today, *place),
                unit=unit,
                day=today,
                programme=place[0],
                municipality=place[1],
                expected=expected,
                not_marked=not_marked,
            )
            for place, (expected, not_marked) in _lines(work, unit, [today])[today].items()
            if not_marked
        ]
        found += sorted((one for one in now if open_place(one) > start), key=open_place)
    return found[:limit]


def list_open(
    work: Work,
    actor: Actor,
    first_on: date | None,
    last_on: date | None,
    *,
    after: str | Skip | None,
    limit: int,
) -> Sequence[CountedRegister]:
    """A page of the registers of the caller's unit that are not filled in.

    first_on: None, a year before the last. last_on: None, today. Raises Invalid where they are in the wrong order.
    """
    last = last_on or day_of(work.at)
    first = first_on or days_after(last, -365)
    check_order(first, last)
    skip = after.rows if isinstance(after, Skip) else 0
    place = None if isinstance(after, Skip) else after
    found = open_registers(
        work, actor.organisation, first_on=first, last_on=last, after=place, limit=skip + limit
    )
    return found[skip:]


def _count(work: Work, unit: Organisation, days: Sequence[date]) -> None:
    """Count these days, in order; what is as it was counted before is neither read nor written."""
    if not days:
        return
    said = {
        register_key(unit, day, *place): (day, place, counts)
        for day, places in _lines(work, unit, days).items()
        for place, counts in places.items()
    }
    where = {"unit": unit, "day": {"$in": [day.isoformat() for day in days]}}
    known = {row["_id"]: row for row in every_row(work, REGISTERS, where, order="_id")}
    gone = {
        key: (date.fromisoformat(row["day"]), (row["programme"], row["municipality"]), (0, 0))
        for key, row in known.items()
        if key not in said
    }
    moved = {
        key: one
        for key, one in sorted({**said, **gone}.items())
        if key not in known or one[2] != (known[key]["expected"], known[key]["not_marked"])
    }
    work.load(subject_of("register", key) for key in moved)
    for key, (day, place, counts) in moved.items():
        subject = subject_of("register", key)
        entry: CountedRegister = work.find(subject) or CountedRegister(
            register=key, unit=unit, day=day, programme=place[0], municipality=place[1]
        )
        work.save(subject, counted(entry, *counts, at=work.at))


def _lines(work: Work, unit: Organisation, days: Sequence[date]) -> Mapping[date, Counts]:
    """For each of these days, in order: the lines of the unit's register by programme and municipality."""
    closures = list(closures_from(work, unit, days[0]))
    plans: dict[JourneyId, list[PlannedActivity]] = {}
    for plan in planned_from(work, unit, days[0]):
        plans.setdefault(plan.journey_id, []).append(plan)
    subjects = {one: subject_of("journey", one) for one in plans}
    work.load(subjects.values())
    journeys: dict[JourneyId, Journey | None] = {one: work.readable(its) for one, its in subjects.items()}
    pauses, heads = paused(work, plans), heads_on(work, unit, days)
    groups = groups_of(work, (plan.group for its in plans.values() for plan in its))
    found: dict[date, Counts] = {}
    for day in days:
        expected, not_marked = Counter[Place](), Counter[Place]()
        for journey_id, journey in journeys.items():
            if journey is None or is_closed(day, closures):
                continue
            its = plans[journey_id]
            lines = expected_on(day, unit, journey.passage, its, pauses.get(journey_id, ()), groups)
            place = journey.passage.programme, journey.passage.municipality
            expected[place] += len(lines)
            not_marked[place] += sum(not is_marked(heads.get(stretch_key(day, one))) for one in lines)
        found[day] = {place: (lines, not_marked[place]) for place, lines in expected.items() if lines}
    return found
