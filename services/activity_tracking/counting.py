"""Use cases of counted registers: the days of a unit that nobody has filled in.

`open_registers` is for whoever tells what waits: entries of `CountedRegister`, one for each day, programme and
municipality of the unit with lines that nobody has marked, the earliest first. An entry waits from its `day` on, and
is gone when its lines are marked, or nobody is expected on it any more. No rule lives here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from services.activity_tracking.closing import closures_from
from services.activity_tracking.day_rows import heads_on, paused, planned_on, stretch_key
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
from shared.language.days import day_of, days_after
from shared.language.decision import Change, Skip, Timer, Work, subject_of
from shared.language.events import Code, JourneyId, Municipality, Organisation
from shared.language.rows import entry_of

DAYS_AT_ONCE = 31
"""Days that one timer counts in one transaction; it goes on with the next ones in another."""
AT_ONCE = 200
"""Programmes and municipalities of one unit's day at most."""

Place = tuple[Code, Municipality]


def count_registers(work: Work, timer: Timer) -> None:
    """Count the days of a unit that are over, and wait for the next one while the unit has plans."""
    unit: Organisation = timer.body["unit"]
    subject = subject_of("site", unit)
    site: Site | None = work.find(subject)
    if site is None:
        return
    today, day = day_of(work.at), site.next_on
    for _ in range(DAYS_AT_ONCE):
        if day >= today:
            break
        _count(work, unit, day)
        day = days_after(day, 1)
    more = bool(work.rows(PLANNED, {"unit": unit}, order="until", after=from_day(day), limit=1))
    site = Site(unit=unit, next_on=day, armed=more or day < today)
    timers = (count_timer(site, work.at if day < today else None),) if site.armed else ()
    work.save(subject, Change(site, timers=timers))


def recount_registers(work: Work, timer: Timer) -> None:
    """Count some days of a unit again, those that were counted before."""
    unit: Organisation = timer.body["unit"]
    first_on, last_on = (date.fromisoformat(timer.body[name]) for name in ("first_on", "last_on"))
    subject = subject_of("site", unit)
    site: Site | None = work.find(subject)
    if site is None:
        return
    last = min(last_on, days_after(site.next_on, -1), days_after(first_on, DAYS_AT_ONCE - 1))
    for more in range((last - first_on).days + 1):
        _count(work, unit, days_after(first_on, more))
    rest = days_after(last, 1)
    if first_on <= last and rest <= min(last_on, days_after(site.next_on, -1)):
        work.save(subject, Change(site, timers=(recount_timer(unit, rest, last_on, work.at),)))


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
            for place, (expected, not_marked) in _lines(work, unit, today).items()
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

    first_on: None, a year before the last. last_on: None, today.
    """
    last = last_on or day_of(work.at)
    first = first_on or days_after(last, -365)
    skip = after.rows if isinstance(after, Skip) else 0
    place = None if isinstance(after, Skip) else after
    found = open_registers(
        work, actor.organisation, first_on=first, last_on=last, after=place, limit=skip + limit
    )
    return found[skip:]


def _count(work: Work, unit: Organisation, day: date) -> None:
    now = {register_key(unit, day, *place): (place, said) for place, said in _lines(work, unit, day).items()}
    where = {"unit": unit, "day": day.isoformat()}
    known = {row["_id"]: row for row in work.rows(REGISTERS, where, order="_id", after=None, limit=AT_ONCE)}
    for key in sorted({*now, *known}):
        row = known.get(key)
        place, said = now.get(key) or ((row["programme"], row["municipality"]) if row else ("", ""), (0, 0))
        subject = subject_of("register", key)
        entry: CountedRegister = work.find(subject) or CountedRegister(
            register=key, unit=unit, day=day, programme=place[0], municipality=place[1]
        )
        work.save(subject, counted(entry, *said, at=work.at))


def _lines(work: Work, unit: Organisation, day: date) -> Mapping[Place, tuple[int, int]]:
    """How many lines the unit's register has for each programme and municipality, and how many nobody has marked."""
    if is_closed(day, closures_from(work, unit, day)):
        return {}
    plans: dict[JourneyId, list[PlannedActivity]] = {}
    for plan in planned_on(work, unit, day):
        plans.setdefault(plan.journey_id, []).append(plan)
    work.load(subject_of("journey", one) for one in plans)
    pauses, heads = paused(work, plans), heads_on(work, unit, day)
    expected, not_marked = Counter[Place](), Counter[Place]()
    for journey_id, its in plans.items():
        journey: Journey | None = work.readable(subject_of("journey", journey_id))
        if journey is None:
            continue
        lines = expected_on(day, unit, journey.passage, its, pauses.get(journey_id, ()))
        place = journey.passage.programme, journey.passage.municipality
        expected[place] += len(lines)
        not_marked[place] += sum(not is_marked(heads.get(stretch_key(day, one))) for one in lines)
    return {place: (lines, not_marked[place]) for place, lines in expected.items() if lines}
