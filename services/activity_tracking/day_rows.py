"""What a unit's register of a day is made of: the rows of its plans, groups, marks and pauses. No rule lives here."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from services.activity_tracking.domain.closures import from_day
from services.activity_tracking.domain.expected import Expected
from services.activity_tracking.domain.groups import GROUPS, Group
from services.activity_tracking.domain.held import MARKS, mark_key, stretch_of
from services.activity_tracking.domain.marks import Mark
from services.activity_tracking.domain.pauses import PAUSES, Pause, pause_code, pause_key
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity
from services.activity_tracking.domain.sessions import Session
from shared.language.decision import Work, subject_of
from shared.language.events import GroupId, JourneyId, Organisation
from shared.language.rows import AT_ONCE, entry_of, every_row


def stretch_key(day: date, of: Expected | Mark) -> str:
    """The key of the row that says what a stretch of that day was marked as."""
    return mark_key(of.journey_id, stretch_of(of.plan, of.activity, of.group), day, of.hour)


def heads_on(work: Work, unit: Organisation, days: Collection[date]) -> dict[str, Session]:
    """The newest entry of each stretch that the unit marked on these days, by the stretch's key."""
    where = {"unit": unit, "day": {"$in": [day.isoformat() for day in days]}}
    named = {row["_id"]: row["session_id"] for row in every_row(work, MARKS, where, order="_id")}
    work.fetch("sessions", list(named.values()))
    found = {key: work.row("sessions", session) for key, session in named.items()}
    return {key: entry_of(Session, row) for key, row in found.items() if row is not None}


def elsewhere_on(
    work: Work, unit: Organisation, day: date, journeys: Collection[JourneyId]
) -> Sequence[Session]:
    """The newest entry of each stretch on which one of these was marked at another unit that day; few."""
    if not journeys:
        return []
    where = {"journey_id": {"$in": sorted(journeys)}, "day": day.isoformat(), "unit": {"$ne": unit}}
    named = [row["session_id"] for row in work.rows(MARKS, where, order="_id", after=None, limit=AT_ONCE)]
    work.fetch("sessions", named)
    rows = (work.row("sessions", one) for one in named)
    return [entry_of(Session, row) for row in rows if row is not None]


def planned_from(work: Work, unit: Organisation, day: date) -> Iterator[PlannedActivity]:
    """The unit's periods with hours that end on that day or later; the index passes over those that ended before."""
    for row in every_row(work, PLANNED, {"unit": unit}, order="until", after=from_day(day)):
        yield entry_of(PlannedActivity, row)


def planned_on(work: Work, unit: Organisation, day: date) -> Iterator[PlannedActivity]:
    """The unit's periods with hours in which the day lies."""
    return (one for one in planned_from(work, unit, day) if one.holds_on(day))


def paused(work: Work, journeys: Iterable[JourneyId]) -> dict[JourneyId, list[Pause]]:
    """The pauses of these journeys, which are loaded: they say how many there are, numbered from 1."""
    states = (work.readable(subject_of("journey", one)) for one in journeys)
    keys = {
        pause_key(one.journey_id, pause_code(number)): one.journey_id
        for one in states
        if one is not None
        for number in range(1, one.pauses + 1)
    }
    work.fetch(PAUSES, list(keys))
    found: dict[JourneyId, list[Pause]] = {}
    for key, journey_id in keys.items():
        row = work.row(PAUSES, key)
        if row is not None:
            found.setdefault(journey_id, []).append(entry_of(Pause, row))
    return found


def groups_of(work: Work, named: Iterable[GroupId | None]) -> dict[GroupId, Group]:
    """The groups that these name, all at once."""
    ids = {one for one in named if one is not None}
    work.fetch(GROUPS, sorted(ids))
    found = ((one, work.row(GROUPS, one)) for one in ids)
    return {one: entry_of(Group, row) for one, row in found if row is not None}
