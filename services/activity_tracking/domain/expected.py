"""Who is expected where on a day. Computed from plans and pauses, and never stored: so it is right for any day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.activity_tracking.domain.closures import Closure
from services.activity_tracking.domain.groups import Group
from services.activity_tracking.domain.holidays import is_holiday
from services.activity_tracking.domain.hours import Hours, minutes_between
from services.activity_tracking.domain.pauses import Pause
from services.activity_tracking.domain.plan import PlannedActivity
from shared.language.events import Code, GroupId, JourneyId, Organisation
from shared.language.passage import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Somebody is expected at an activity. plan: the period that says so; None: they came unplanned.

    hour: hh:mm on the wall, when it begins. starts_at, ends_at: UTC; the end may lie on the next day. minutes: from one
    to the other. group: the group that meets then.
    """

    journey_id: JourneyId
    plan: str | None
    hour: str
    activity: Code
    starts_at: datetime
    ends_at: datetime
    minutes: int
    group: GroupId | None = None


def is_expected(passage: Passage, unit: Organisation, day: date) -> bool:
    """Whether a person who has plans with the unit can be expected there on that day.

    Not before the start or after the exit, nor while another unit holds the journey, nor if it was a mistake.
    """
    return not passage.mistake and passage.takes_part_on(day) and unit in passage.responsible_on(day)


def is_closed(day: date, closures: Iterable[Closure]) -> bool:
    """Whether the unit that these are of is closed on that day."""
    return any(one.closes(day) for one in closures)


def expected_on(
    day: date,
    unit: Organisation,
    passage: Passage,
    plans: Iterable[PlannedActivity],
    pauses: Iterable[Pause],
    groups: Mapping[GroupId, Group],
) -> Sequence[Expected]:
    """What one person's plans with the unit come to on that day, the earliest first, while the unit is open.

    On a holiday those only that say so. groups: by id, those that the plans name; without its group a plan comes to
    nothing.
    """
    if not is_expected(passage, unit, day) or any(one.holds_on(day) for one in pauses):
        return []
    found = [
        Expected(
            journey_id=plan.journey_id,
            plan=plan.plan,
            hour=hours.starts_at,
            activity=plan.activity,
            starts_at=starts_at,
            ends_at=ends_at,
            minutes=minutes_between(starts_at, ends_at),
            group=plan.group,
        )
        for plan in plans
        if plan.unit == unit and plan.holds_on(day)
        for hours in _hours_on(day, plan, groups)
        for starts_at, ends_at in (hours.on(day),)
        if starts_at < ends_at
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.plan or ""))


def _hours_on(day: date, plan: PlannedActivity, groups: Mapping[GroupId, Group]) -> Iterable[Hours]:
    if plan.group is not None:
        return groups[plan.group].hours_on(day) if plan.group in groups else ()
    if is_holiday(day) and not plan.on_holidays:
        return ()
    return [one for one in plan.hours if one.weekday == day.isoweekday()]
