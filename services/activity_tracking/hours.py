"""The use case of a person's hours: planned and attended, held against the agreed extent. No rule lives here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.activity_tracking.domain.dose import MOST_DAYS, Agreed, Dose, doses
from services.activity_tracking.domain.extents import EXTENTS, Extent, extent_on
from services.activity_tracking.domain.journey import Journey, SessionCounts
from services.activity_tracking.domain.pauses import PAUSES, Pause
from services.activity_tracking.domain.session_days import DAYS, counts_of, day_key
from services.activity_tracking.handlers import open_journey, reader_of
from shared.language.access import Actor, Reader
from shared.language.checks import check_order
from shared.language.days import day_of, days_after
from shared.language.decision import Work
from shared.language.errors import Invalid
from shared.language.events import JourneyId
from shared.language.programmes import Programme
from shared.language.rows import entry_of, every_row

FOUR_WEEKS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A person's hours from one day to another, for their reader. A workplace is told none."""

    journey_id: JourneyId
    first: date
    last: date
    full_week_hours: int
    weeks: Sequence[Dose]
    months: Sequence[Dose]
    reader: Reader


def read_hours(
    work: Work, actor: Actor, journey_id: JourneyId, first: date | None, last: date | None
) -> Hours:
    """Planned, attended and reached by week and by month, for who reads the journey.

    last: None, today. first: None, FOUR_WEEKS in all. Raises Invalid where the days are in the
    wrong order, or more than MOST_DAYS.
    """
    journey, programme = open_journey(work, actor, journey_id, "read_journey")
    last = last or day_of(work.at)
    first = first or days_after(last, 1 - FOUR_WEEKS)
    check_order(first, last)
    if (last - first).days >= MOST_DAYS:
        raise Invalid({"to": [f"Takes at most {MOST_DAYS} days from the first on."]})
    who = reader_of(work, actor, journey)
    found = ([], []) if who.works_there else hours_of(work, journey, programme, first, last)
    return Hours(
        journey_id=journey_id,
        first=first,
        last=last,
        full_week_hours=programme.full_week_hours,
        weeks=found[0],
        months=found[1],
        reader=who,
    )


def hours_of(
    work: Work, journey: Journey, programme: Programme, first: date, last: date
) -> tuple[Sequence[Dose], Sequence[Dose]]:
    """The weeks and the months between the days, both included. At most as many rows are read as there are days."""
    passage, journey_id = journey.passage, journey.journey_id
    own = {"journey_id": journey_id}
    extents = [entry_of(Extent, row) for row in every_row(work, EXTENTS, own, order="number")]
    pauses = [entry_of(Pause, row) for row in every_row(work, PAUSES, own, order="number")]
    agreed = Agreed(
        counts=lambda day: passage.takes_part_on(day) and not passage.mistake,
        pauses=lambda day: any(one.holds_on(day) for one in pauses),
        percent=lambda day: extent_on(day, extents),
        full_week_hours=programme.full_week_hours,
    )
    held, today = days_held(work, journey_id, first, last), day_of(work.at)
    return doses("week", first, last, held, agreed, today), doses("month", first, last, held, agreed, today)


def days_held(work: Work, journey_id: JourneyId, first: date, last: date) -> Mapping[date, SessionCounts]:
    """The counts of the days from one to the other on which something was noted."""
    after = day_key(journey_id, days_after(first, -1))
    limit = (last - first).days + 1
    rows = work.rows(DAYS, {"journey_id": journey_id}, order="_id", after=after, limit=limit)
    return {day: counts_of(row) for row in rows if (day := date.fromisoformat(row["day"])) <= last}
