"""Groups by the player's own count: a course of each provider, when it meets, and who takes part. Pure.

A provider's group meets on the first of its two weekdays. Now and then a lesson is cancelled, or moved to the afternoon
of the other weekday. The single days of a year are said before it begins. Source: docs/field.md, The register of a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from clients.player.acts import Act, Deed, step_from
from clients.player.holidays import is_holiday
from clients.player.programme import Programme

Stretch = tuple[str, str]
"""From when to when, hh:mm."""
STRETCH: Stretch = ("10:00", "11:30")
MOVED: Stretch = ("14:00", "16:00")
SHARE_IN_GROUP, SHARE_LEAVING = 0.25, 0.3
"""Of the people without hours of their own, so many take part in the group; of these, so many leave it again."""
CANCELLED_A_YEAR, MOVED_A_YEAR = 3, 3
WHY = "Nästa års kalender."


def group_of(provider: str) -> str:
    """The plan's name for the provider's group."""
    return f"group-{provider}"


def activity_of(programme: Programme, place: int) -> str:
    """The activity of the group of the provider of that place in the programme."""
    return programme.activities[place % len(programme.activities)]


def groups(programme: Programme, weekdays: Mapping[str, Sequence[int]]) -> Iterator[Act]:
    """Each provider makes its group as the programme begins. weekdays: the two of each provider, in their order."""
    for place, (provider, days) in enumerate(weekdays.items()):
        years = range(programme.starts_on.year, programme.ends_on.year + 1)
        cancelled, moved = list[date](), list[dict[str, Any]]()
        for year in years:
            off, instead = _single_days(provider, year, days)
            cancelled += [on for on in off if on >= programme.starts_on]
            moved += [one for one in instead if one["day"] >= programme.starts_on]
            calendar = {"first_on": programme.starts_on, "dates": [*moved], "cancelled": [*cancelled]}
            if year == years[0]:
                yield _said(
                    "make_group",
                    provider,
                    programme.starts_on,
                    {**calendar, **_course(programme, place, days)},
                )
            else:
                yield _said("correct_group", provider, date(year - 1, 12, 1), {**calendar, "why": WHY})


def takes_part(plan_key: str) -> bool:
    """Whether the person of that journey, who has no hours of their own, takes part in the group."""
    return Random(f"group-{plan_key}").random() < SHARE_IN_GROUP


def leaves_on(plan_key: str, from_day: date, until: date) -> date | None:
    """The step on which the person of that journey leaves the group, its last day for them; None: as they exit."""
    random = Random(f"leaves-{plan_key}")
    last_on = step_from(from_day + timedelta(days=random.randint(35, 90)))
    return last_on if random.random() < SHARE_LEAVING and last_on < until else None


def meets(group: Mapping[str, Any], on: date) -> list[Stretch]:
    """When the group meets on that day, no holiday, by what was said of it last."""
    if on < group["first_on"] or on in group["cancelled"]:
        return []
    single = [_stretch(one) for one in group["dates"] if one["day"] == on]
    return single or [_stretch(one) for one in group["hours"] if one["weekday"] == on.isoweekday()]


def _stretch(said: Mapping[str, Any]) -> Stretch:
    return said["starts_at"], said["ends_at"]


def _course(programme: Programme, place: int, weekdays: Sequence[int]) -> dict[str, Any]:
    return {
        "activity": activity_of(programme, place),
        "leader": f"ledare-{place + 1}",
        "room": f"Sal {place + 1}",
        "hours": [{"weekday": weekdays[0], **_between(STRETCH)}],
    }


def _between(stretch: Stretch) -> dict[str, str]:
    return dict(zip(("starts_at", "ends_at"), stretch, strict=True))


def _single_days(
    provider: str, year: int, weekdays: Sequence[int]
) -> tuple[list[date], list[dict[str, Any]]]:
    """The days of that year on which the group does not meet, and those to which a lesson is moved."""
    first = date(year, 1, 1)
    lessons = [on for on in (first + timedelta(days=n) for n in range(365)) if on.isoweekday() == weekdays[0]]
    off = Random(f"calendar-{provider}-{year}").sample(lessons, CANCELLED_A_YEAR + MOVED_A_YEAR)
    instead = [on + timedelta(days=weekdays[1] - weekdays[0]) for on in off[:MOVED_A_YEAR]]
    return off, [{"day": on, **_between(MOVED)} for on in instead if on.year == year and not is_holiday(on)]


def _said(deed: Deed, provider: str, on: date, says: Mapping[str, Any]) -> Act:
    return Act(
        plan_key=group_of(provider),
        deed=deed,
        by=provider,
        duty="supervisor",
        occurred_on=on,
        recorded_on=step_from(on),
        says=says,
    )
