"""Registers by the player's own count: who is expected where, and what is marked of it. Pure.

Nothing here is asked of the platform. A pattern is the hours of a person's week; a register is what the patterns of a
provider's people come to on a day. Source: docs/field.md, The register of a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from clients.player.acts import Act, has_own_day, step_after, step_from
from clients.player.course import Course
from clients.player.groups import Stretch, meets
from clients.player.holidays import is_holiday
from clients.player.owed import Session, moment
from clients.player.programme import Programme

Groups = Mapping[str, Mapping[str, Any]]
"""What was said of each group last, by its name in the plan."""
SHARE_WITH_PAUSE = 0.2
SHARE_WITH_HOURS = 0.5
"""Of the people who take part, so many have agreed on hours; the others come when they can."""
PAIRS = ((1, 2), (2, 4), (1, 4))
"""The weekdays on which a provider keeps a register: each takes the next pair."""
WEEKS = (
    (("08:00", "12:00"),),
    (("09:00", "12:00"), ("13:00", "16:00")),
    (("13:00", "17:00"),),
)
"""The stretches of a day of which a person has one kind."""
FORGOTTEN, NEVER = 0.15, 0.05
"""So many registers are filled in later than they could be, and so many never."""
LATE_FROM_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Somebody is expected, or was marked, on one day. key: of the session within its journey.

    starts_at, ends_at: hh:mm. room: of the group that meets then.
    """

    plan_key: str
    plan: str
    activity: str
    starts_at: str
    ends_at: str
    key: str
    room: str | None = None

    @property
    def minutes(self) -> int:
        """From its start to its end."""
        return _minute(self.ends_at) - _minute(self.starts_at)


def weekdays_of(provider: int) -> tuple[int, ...]:
    """The two weekdays on which the provider of that place in the programme keeps a register."""
    return PAIRS[provider % len(PAIRS)]


def weekdays(programme: Programme) -> dict[str, tuple[int, ...]]:
    """The weekdays on which each provider keeps a register, in the programme's order."""
    return {provider: weekdays_of(place) for place, provider in enumerate(keeps_registers(programme))}


def pattern(plan_key: str, weekdays: Sequence[int]) -> list[dict[str, Any]]:
    """The hours of a week that the person of that journey has agreed on; empty where none were."""
    random = Random(f"hours-{plan_key}")
    if random.random() >= SHARE_WITH_HOURS:
        return []
    stretches = random.choice(WEEKS)
    return [
        {"weekday": weekday, "starts_at": starts_at, "ends_at": ends_at}
        for weekday in random.sample(weekdays, random.randint(1, len(weekdays)))
        for starts_at, ends_at in stretches
    ]


def pause(plan_key: str, from_day: date, until: date) -> tuple[date, dict[str, Any]] | None:
    """When it is said that the person pauses, and from when to when; None: they do not. Said before or after it began.

    until: the end of taking part, well after which nothing is recorded.
    """
    random = Random(f"pause-{plan_key}")
    first_on = from_day + timedelta(days=random.randint(21, 60))
    last_on = first_on + timedelta(days=random.choice((0, 4, 6, 13)))
    said_on = step_from(first_on - timedelta(days=random.choice((-5, 3, 20))))
    if random.random() >= SHARE_WITH_PAUSE or max(last_on, said_on) >= until:
        return None
    return said_on, {"first_on": first_on, "last_on": last_on}


def keeps_registers(programme: Programme) -> tuple[str, ...]:
    """Who keeps registers: the providers, in the programme's order."""
    return programme.those_who_may("answer_referral", "start_journey", "log_activity", "offer_handover")


def visits(programme: Programme, until: date) -> Iterator[Act]:
    """A visit to each provider's register of each of its days: on the day itself, by week, late or never."""
    for place, provider in enumerate(keeps_registers(programme)):
        on = programme.starts_on
        while on <= until:
            if on.isoweekday() in weekdays_of(place):
                yield from _visits(provider, on)
            on += timedelta(days=1)


def closures(programme: Programme) -> Iterator[Act]:
    """Each provider closes for some weeks of every summer, and now and then says so late of a single day."""
    for place, provider in enumerate(keeps_registers(programme)):
        for year in range(programme.starts_on.year, programme.ends_on.year + 1):
            summer = date(year, 7, 4) + timedelta(days=7 * place)
            yield _closure(provider, step_from(date(year, 5, 1)), summer, summer + timedelta(days=13))
            ill = date(year, 10, 3) + timedelta(days=place)
            yield _closure(provider, step_from(ill), ill, ill)


def _closure(provider: str, recorded_on: date, first_on: date, last_on: date) -> Act:
    return Act(
        plan_key=f"closed-{provider}",
        deed="close_unit",
        by=provider,
        duty="supervisor",
        occurred_on=min(first_on, recorded_on),
        recorded_on=recorded_on,
        says={"first_on": first_on, "last_on": last_on},
    )


def _visits(provider: str, on: date) -> Iterator[Act]:
    drawn = Random(f"visit-{provider}-{on}").random()
    if drawn < NEVER:
        return
    first = on if has_own_day(on) else step_from(on)
    if drawn < FORGOTTEN:
        first = step_after(step_from(on))
    yield _visit(provider, on, first, "marks")
    if drawn > 0.9:
        yield _visit(provider, on, step_after(first), "corrects")


def _visit(provider: str, on: date, recorded_on: date, why: str) -> Act:
    return Act(
        plan_key=f"register-{provider}",
        deed="mark_register",
        by=provider,
        duty="supervisor",
        occurred_on=on,
        recorded_on=recorded_on,
        says={"why": why},
    )


def stops(first: date, last: date) -> Iterator[date]:
    """The days on which the clock stops because registers are marked on their own day."""
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        if has_own_day(on):
            yield on


# --- what a day comes to -------------------------------------------------------------------------------


def expected(
    courses: Mapping[str, Course],
    groups: Groups,
    provider: str,
    on: date,
    closed: Sequence[tuple[date, date]] = (),
) -> list[Line]:
    """Who is expected at the provider on that day, by what is known of all journeys and groups now.

    closed: from which day to which the provider is closed.
    """
    if is_holiday(on) or any(first_on <= on <= last_on for first_on, last_on in closed):
        return []
    return [
        line
        for plan_key, course in courses.items()
        if takes_part(course, provider, on)
        for line in _lines(plan_key, course, groups, provider, on)
    ]


def counted(
    courses: Mapping[str, Course],
    groups: Groups,
    closed: Mapping[str, Sequence[tuple[date, date]]],
    as_of: date,
) -> dict[tuple[str, date, str], bool]:
    """Each register of a day before `as_of`, by provider and municipality, and whether a line of it is not marked."""
    found: dict[tuple[str, date, str], bool] = {}
    for course in courses.values():
        for provider, on in _days_with_hours(course, groups, as_of):
            shut = any(first_on <= on <= last_on for first_on, last_on in closed.get(provider, ()))
            if shut or is_holiday(on) or not takes_part(course, provider, on):
                continue
            lines = list(_lines("", course, groups, provider, on))
            not_marked = any(line.key not in course.sessions for line in lines)
            place = provider, on, course.municipality
            found[place] = found.get(place, False) or not_marked
    return found


def _days_with_hours(course: Course, groups: Groups, as_of: date) -> set[tuple[str, date]]:
    """The days on which the plans of a journey have hours, before that day, and at which provider."""
    last = min(course.exited_on or as_of, as_of - timedelta(days=1))
    found: set[tuple[str, date]] = set()
    for says in course.plans.values():
        until = min(last, says["last_on"] or last)
        timed = says["hours"] or says.get("group")
        for number in range((until - says["first_on"]).days + 1 if timed else 0):
            on = says["first_on"] + timedelta(days=number)
            if _stretches(says, groups, on):
                found.add((says["by"], on))
    return found


def takes_part(course: Course, provider: str, on: date) -> bool:
    """Whether the person takes part on that day and the provider holds the journey then."""
    if course.mistake or course.started_on is None or on < course.started_on:
        return False
    if course.exited_on is not None and on > course.exited_on:
        return False
    if any(first_on <= on <= last_on for first_on, last_on in course.pauses):
        return False
    return provider in _holders(course, on)


def _holders(course: Course, on: date) -> list[str]:
    """Who holds the journey on that day; on the day of a handover both do."""
    hands = [(course.accepted_on, course.provider)]
    hands += [
        (offer.answered_on, offer.to_organisation)
        for offer in course.offers.values()
        if offer.status == "accepted"
    ]
    ends = [since for since, _ in hands[1:]]
    return [
        who
        for (since, who), end in zip(hands, [*ends, None], strict=True)
        if since is not None and since <= on and (end is None or on <= end)
    ]


def _lines(plan_key: str, course: Course, groups: Groups, provider: str, on: date) -> Iterator[Line]:
    for plan, says in course.plans.items():
        if says["by"] != provider or on < says["first_on"] or (says["last_on"] and on > says["last_on"]):
            continue
        group = says.get("group")
        for starts_at, ends_at in _stretches(says, groups, on):
            yield Line(
                plan_key=plan_key,
                plan=plan,
                activity=says["activity"],
                starts_at=starts_at,
                ends_at=ends_at,
                key=f"{plan}@{on}T{starts_at}",
                room=groups[group]["room"] if group else None,
            )


def _stretches(says: Mapping[str, Any], groups: Groups, on: date) -> list[Stretch]:
    """From when to when a plan has hours on that day: its own, or those of its group."""
    if says.get("group"):
        return meets(groups[says["group"]], on)
    return [
        (hours["starts_at"], hours["ends_at"])
        for hours in says["hours"]
        if hours["weekday"] == on.isoweekday()
    ]


# --- what is said of it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one line comes to. presence: `present`, `absent` or `unmarked`."""

    line: Line
    presence: str
    came_at: str | None = None
    left_at: str | None = None
    reason: str | None = None

    def session(self, on: date, course: Course) -> Session | None:
        """The session that it makes of the journey; None where a mark is taken back."""
        line, credited = self.line, 0
        if self.presence == "unmarked":
            return None
        if self.presence == "absent":
            attendance, minutes, told = "no", 0, course.tells(True, self.reason)
            credited = line.minutes if self.reason in course.counted_reasons else 0
        else:
            came, left = _minute(self.came_at or line.starts_at), _minute(self.left_at or line.ends_at)
            late = came - _minute(line.starts_at) > LATE_FROM_MINUTES
            early = _minute(line.ends_at) - left > LATE_FROM_MINUTES
            attendance, minutes = "late" if late else "yes", left - came
            told = course.tells(late or early, self.reason)
        over_at = moment(on, line.ends_at)
        return Session(on, attendance, minutes, line.activity, line.minutes, told, over_at, credited)


def exceptions(lines: Sequence[Line], programme: Programme, random: Random) -> list[Said]:
    """What is said by name of those lines, in their order: most come as planned, and nothing is said of them."""
    return [said for line in lines if (said := _drawn(line, programme, random)) is not None]


def whole(lines: Sequence[Line], programme: Programme, random: Random) -> list[Said]:
    """What is said of each of those lines, in their order."""
    return [_drawn(line, programme, random) or Said(line=line, presence="present") for line in lines]


def _drawn(line: Line, programme: Programme, random: Random) -> Said | None:
    drawn = random.random()
    if drawn < 0.10:
        return Said(line=line, presence="absent", reason=random.choice(programme.absence_reasons))
    if drawn < 0.15:
        came = _minute(line.starts_at) + random.choice((5, LATE_FROM_MINUTES, 16, 40))
        return Said(line=line, presence="present", came_at=_clock(came))
    if drawn < 0.18:
        left = _minute(line.ends_at) - random.choice((10, LATE_FROM_MINUTES, 30, 75))
        return Said(line=line, presence="present", left_at=_clock(left))
    return None


def otherwise(line: Line, session: Session | None, programme: Programme, random: Random) -> Said:
    """Something else of a line than what stands."""
    if session is None or session.attendance == "no":
        return Said(line=line, presence="present")
    if random.random() < 0.25:
        return Said(line=line, presence="unmarked")
    return Said(line=line, presence="absent", reason=random.choice(programme.absence_reasons))


def _minute(at: str) -> int:
    hour, minute = at.split(":")
    return int(hour) * 60 + int(minute)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
