"""The use cases of a unit's closed days. No rule lives here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from services.activity_tracking.domain.closures import (
    CLOSURES,
    CloseUnit,
    Closure,
    CorrectClosure,
    close,
    correct,
    from_day,
)
from services.activity_tracking.domain.counted import recounts
from shared.language.access import Actor, Reader
from shared.language.corrections import Superseded, page
from shared.language.decision import Change, Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import ClosureId, Organisation
from shared.language.rows import entry_of, every_row


def close_unit(work: Work, actor: Actor, command: CloseUnit) -> Closure:
    """Close the caller's unit for a day or a period."""
    closure = ClosureId(work.new_id("c"))
    change = close(command, by=actor.organisation, at=work.at, closure=closure)
    return work.save(subject_of("closure", closure), _recounted(work, change, change.state))


def correct_closure(work: Work, actor: Actor, closure_id: ClosureId, command: CorrectClosure) -> Closure:
    """Say a closure of the caller's unit anew, or take it back."""
    entry = _own(work, actor, closure_id)
    change = correct(entry, command, by=actor, at=work.at)
    if change.state != entry:
        change = _recounted(work, change, entry, change.state)
    return work.save(subject_of("closure", closure_id), change)


def list_closures(work: Work, actor: Actor, *, after: str | Skip | None, limit: int) -> Sequence[Closure]:
    """A page of the closures of the caller's unit that stand, by their last day."""
    rows = work.rows(CLOSURES, _standing(actor.organisation), order="until", after=after, limit=limit)
    return [entry_of(Closure, row) for row in rows]


def list_closure_corrections(
    work: Work, actor: Actor, closure_id: ClosureId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on a closure of the caller's unit."""
    _own(work, actor, closure_id)
    found = page(work, subject_of("closure", closure_id), after=after, limit=limit)
    return Reader(actor.organisation, "whole"), found


def closures_from(work: Work, unit: Organisation, day: date) -> Iterator[Closure]:
    """The unit's closures that end on that day or later."""
    for row in every_row(work, CLOSURES, _standing(unit), order="until", after=from_day(day)):
        yield entry_of(Closure, row)


def _recounted(work: Work, change: Change[Closure], *moved: Closure) -> Change[Closure]:
    first_on, last_on = min(one.first_on for one in moved), max(one.last_on for one in moved)
    return replace(change, timers=recounts((moved[0].unit,), first_on, last_on, work.at))


def _standing(unit: Organisation) -> Mapping[str, Any]:
    return {"unit": unit, "void": False}


def _own(work: Work, actor: Actor, closure_id: ClosureId) -> Closure:
    entry: Closure | None = work.find(subject_of("closure", closure_id))
    if entry is None:
        raise Unknown("closure")
    if entry.unit != actor.organisation:
        raise Forbidden("not-allowed", "Only the unit that is closed then may see or correct it.")
    return entry
