"""Registers that were counted: how many lines a unit's day expected, and how many of them nobody has marked.

A day is counted when it is over, and counted again after whatever may move it. It never turns "not marked" into
absence. Source: docs/field.md, The register of a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.activity_tracking.domain.plan import PlannedActivity
from shared.language.days import day_of, days_after, start_of
from shared.language.decision import Change, Row, Timer
from shared.language.events import Code, Municipality, Organisation, RegisterCounted
from shared.language.passage import Passage
from shared.language.rows import as_row

COUNT, RECOUNT = "count_registers", "recount_registers"
"""Timers: count a unit's days that are over; count some of them again."""
SETTLED_AFTER = timedelta(minutes=1)
"""So long after midnight all marks of the day before are stored, those of its last second too."""
REGISTERS = "registers"
"""Rows: counted registers. One with lines that nobody has marked has `open`, unique, by which they are in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A unit whose registers are counted. next_on: the next day to count. armed: a timer will do so."""

    unit: Organisation
    next_on: date
    armed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRegister:
    """The lines of one unit, day, programme and municipality: the state, and the row that lists are read from.

    expected: lines that plans expect. not_marked: those of them that nobody has marked.
    """

    register: str
    unit: Organisation
    day: date
    programme: Code
    municipality: Municipality
    expected: int = 0
    not_marked: int = 0


def register_key(unit: Organisation, day: date, programme: Code, municipality: Municipality) -> str:
    """The key of a counted register."""
    return f"{unit}@{day.isoformat()}@{programme}@{municipality}"


def open_place(entry: CountedRegister) -> str:
    """The place of a register among its unit's that are not filled in: by day."""
    return f"{entry.day.isoformat()}:{entry.register}"


def counted(
    entry: CountedRegister, expected: int, not_marked: int, *, at: datetime
) -> Change[CountedRegister]:
    """What counting it came to now; the same as before changes and tells nothing."""
    after = replace(entry, expected=expected, not_marked=not_marked)
    if after == entry:
        return Change(entry)
    event = RegisterCounted(
        occurred_on=entry.day,
        recorded_at=at,
        organisation=entry.unit,
        programme=entry.programme,
        municipality=entry.municipality,
        expected=expected,
        not_marked=not_marked,
        replaced_expected=entry.expected,
        replaced_not_marked=entry.not_marked,
    )
    return Change(after, events=(event,), rows=(_row(after),))


def _row(entry: CountedRegister) -> Row:
    row = as_row(REGISTERS, entry.register, entry)
    return replace(row, body={**row.body, "open": open_place(entry)}) if entry.not_marked else row


def watched(
    site: Site | None, plan: PlannedActivity, at: datetime, *, was: PlannedActivity | None = None
) -> Change[Site]:
    """Count the registers of the unit of a plan with hours, from its first day on.

    Days that were counted before are counted again. was: the plan before its correction.
    """
    assert plan.unit is not None
    first_on = min(one.first_on for one in (plan, was) if one is not None)
    state = site or Site(unit=plan.unit, next_on=min(first_on, day_of(at)), armed=False)
    again = recounts((plan.unit,), first_on, _latest(plan, was), at)
    if state.armed:
        return Change(state, timers=again)
    state = replace(state, armed=True)
    return Change(state, timers=(count_timer(state), *again))


def _latest(*plans: PlannedActivity | None) -> date | None:
    ends = [one.last_on for one in plans if one is not None]
    return None if None in ends else max(one for one in ends if one is not None)


def count_timer(site: Site, at: datetime | None = None) -> Timer:
    """Counts the next day soon after it is over. at: at that moment instead."""
    due = at or start_of(days_after(site.next_on, 1)) + SETTLED_AFTER
    return Timer(f"{COUNT}:{site.unit}", due, COUNT, {"unit": site.unit})


def recounts(
    units: Iterable[Organisation], first_on: date, last_on: date | None, at: datetime
) -> tuple[Timer, ...]:
    """Timers that count these days of the units again, as far as they are over.

    last_on: None, all that were counted since the first, however late this becomes known; and the unit is counted
    further, if somebody is expected there again.
    """
    last = None if last_on is None else min(last_on, days_after(day_of(at), -1))
    if last is not None and last < first_on:
        return ()
    return tuple(recount_timer(unit, first_on, last, at) for unit in sorted(set(units)))


def recount_timer(unit: Organisation, first_on: date, last_on: date | None, at: datetime) -> Timer:
    """Counts these days again at that moment; asked for several times before, it does so once."""
    first, last = first_on.isoformat(), None if last_on is None else last_on.isoformat()
    key = f"{RECOUNT}:{unit}:{first}:{last or ''}"
    return Timer(key, at, RECOUNT, {"unit": unit, "first_on": first, "last_on": last})


def units_of(passage: Passage) -> frozenset[Organisation]:
    """The units at which the person may have been expected."""
    hands = (one.organisation for one in passage.hands)
    return frozenset(one for one in (passage.provider, passage.responsible, *hands) if one is not None)


def moved_since(before: Passage, after: Passage) -> date | None:
    """The first day on which the two may expect the person elsewhere, or otherwise; None: on none."""
    was, now = ({one.handover: one for one in passage.hands} for passage in (before, after))
    bounds = ((before.started_on, after.started_on), (before.exited_on, after.exited_on))
    pairs = [pair for pair in bounds if pair[0] != pair[1]]
    hands = [(was.get(handover), now.get(handover)) for handover in was.keys() | now.keys()]
    days = {day for pair in pairs for day in pair}
    days |= {hand.since for pair in hands if pair[0] != pair[1] for hand in pair if hand is not None}
    if before.mistake != after.mistake or before.municipality != after.municipality:
        days |= {before.started_on, after.started_on}
    return min((one for one in days if one is not None), default=None)
