"""Days on which a unit is closed: nobody is expected there, and nothing of them is "not marked"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.hours import WEEKDAYS
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.days import day_of, days_after
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Unknown
from shared.language.events import ClosureId, Organisation
from shared.language.rows import as_row

CLOSURES = "closures"
"""Rows: closures by id. `until` is unique: by it a unit's are in the order of their last day."""
LONGEST_DAYS = 1830
"""A closure's days at most: five years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUnit:
    """Command: close from one day to another, both included. first_on left out: today; last_on: that day alone.

    weekdays: only on these within, 1, Monday, to 7; empty: on all of them.
    """

    first_on: date | None = None
    last_on: date | None = None
    weekdays: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectClosure(Correcting):
    """Command: say the days anew, or, `void`, that the unit was open. weekdays: None keeps them."""

    first_on: date | None = None
    last_on: date | None = None
    weekdays: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One closure: the state, and the row that registers and lists are read from. void: it was taken back."""

    closure_id: ClosureId
    unit: Organisation
    first_on: date
    last_on: date
    weekdays: tuple[int, ...]
    recorded_at: datetime
    corrections: int = 0
    void: bool = False

    def closes(self, day: date) -> bool:
        """Whether the unit is closed on that day."""
        within = not self.void and self.first_on <= day <= self.last_on
        return within and (not self.weekdays or day.isoweekday() in self.weekdays)


def close(command: CloseUnit, *, by: Organisation, at: datetime, closure: ClosureId) -> Change[Closure]:
    """Close the caller's unit, ahead, today or for days past. closure: the id of the new entry. Raises Invalid."""
    first_on = command.first_on or day_of(at)
    last_on = command.last_on or first_on
    _check(first_on, last_on, command.weekdays)
    entry = Closure(
        closure_id=closure,
        unit=by,
        first_on=first_on,
        last_on=last_on,
        weekdays=tuple(sorted(set(command.weekdays))),
        recorded_at=at,
    )
    return Change(entry, rows=(_row(entry),))


def correct(entry: Closure, command: CorrectClosure, *, by: Actor, at: datetime) -> Change[Closure]:
    """Say the days anew, or take the closure back. Raises Invalid, Unknown once taken back."""
    if entry.void:
        raise Unknown("closure", within=True)
    anew = replace(entry, void=True)
    if not command.void:
        found = Findings()
        for name in ("first_on", "last_on"):
            if getattr(command, name) is None:
                found.add(name, "Missing: a correction says everything anew, unless it is void.")
        found.raise_any()
        assert command.first_on is not None and command.last_on is not None
        weekdays = entry.weekdays if command.weekdays is None else tuple(sorted(set(command.weekdays)))
        _check(command.first_on, command.last_on, weekdays)
        anew = replace(entry, first_on=command.first_on, last_on=command.last_on, weekdays=weekdays)
    if anew == entry:
        return Change(entry)
    anew = replace(anew, corrections=entry.corrections + 1)
    kept = superseded(
        subject_of("closure", entry.closure_id),
        anew.corrections,
        "closure",
        {"first_on": entry.first_on, "last_on": entry.last_on, "weekdays": entry.weekdays},
        recorded_by=entry.unit,
        by=by,
        at=at,
        why=command.why,
        void=command.void,
    )
    return Change(anew, rows=(_row(anew), kept))


def closure_place(entry: Closure) -> str:
    """The place of a closure among its unit's: by its last day."""
    return f"{entry.last_on.isoformat()}:{entry.closure_id}"


def from_day(day: date) -> str:
    """The place before all closures, and before all plans, that hold on that day or later."""
    return f"{days_after(day, -1).isoformat()}:~"


def _check(first_on: date, last_on: date, weekdays: Sequence[int]) -> None:
    found = Findings()
    found.not_before("last_on", last_on, first_on, "the first day")
    days = [days_after(first_on, more) for more in range(min((last_on - first_on).days + 1, WEEKDAYS))]
    if (last_on - first_on).days >= LONGEST_DAYS:
        found.add("last_on", f"Takes a day within {LONGEST_DAYS} days of the first.")
    elif days and weekdays and not any(day.isoweekday() in weekdays for day in days):
        found.add("weekdays", "None of them lies between the days.")
    found.raise_any()


def _row(entry: Closure) -> Row:
    row = as_row(CLOSURES, entry.closure_id, entry)
    return replace(row, body={**row.body, "until": closure_place(entry)})
