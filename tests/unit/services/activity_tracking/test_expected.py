"""Who is expected on a day, against a register kept naively: minute by minute, by the clock on the wall."""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activity_tracking.domain.closures import Closure
from services.activity_tracking.domain.expected import Expected, expected_on, is_closed
from services.activity_tracking.domain.groups import Dated, Group
from services.activity_tracking.domain.holidays import is_holiday
from services.activity_tracking.domain.hours import Hours, check_hours, minutes_between, week_minutes
from services.activity_tracking.domain.pauses import Pause
from services.activity_tracking.domain.plan import PlannedActivity
from shared.language.checks import Findings
from shared.language.days import STOCKHOLM, days_after
from shared.language.errors import Invalid
from shared.language.events import ClosureId, GroupId, JourneyId, ParticipantId
from shared.language.passage import Hand, Passage

UNIT, OTHER, REFERRER = "kafe", "annan", "af"
GROUP = GroupId("g-00000000000000000000000001")
JOURNEY = JourneyId("j-00000000000000000000000001")
FIRST = date(2023, 10, 1)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
PASSAGE = Passage(
    participant_id=ParticipantId("p-00000000000000000000000001"),
    programme="small",
    programme_version=1,
    referrer=REFERRER,
    municipality="2482",
    responsible=UNIT,
    referred_on=FIRST,
    provider=UNIT,
    accepted_on=FIRST,
    started_on=FIRST,
)

MEMBER = PlannedActivity(
    plan="a1",
    journey_id=JOURNEY,
    number=1,
    organisation=UNIT,
    unit=UNIT,
    activity="work_training",
    first_on=FIRST,
    last_on=None,
    planned_on=FIRST,
    recorded_at=NOW,
    group=GROUP,
)

starts = st.dates(FIRST, FIRST + timedelta(days=60))
days = st.dates(FIRST, FIRST + timedelta(days=300)) | st.sampled_from((date(2023, 10, 29), date(2024, 3, 31)))
"""Two changes of clocks and a leap day lie within."""
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))


@st.composite
def weeks(draw: st.DrawFn) -> tuple[Hours, ...]:
    """Hours of a week as the rule lets them pass."""
    drawn = draw(
        st.lists(
            st.builds(Hours, weekday=st.integers(1, 7), starts_at=clocks, ends_at=clocks),
            min_size=3,
            max_size=9,
        )
    )
    kept: list[Hours] = []
    for one in drawn:
        found = Findings()
        check_hours(found, "hours", [*kept, one])
        try:
            found.raise_any()
        except Invalid:
            continue
        kept.append(one)
    return tuple(kept)


@st.composite
def plans(draw: st.DrawFn) -> PlannedActivity:
    first_on, grouped = draw(starts), draw(st.booleans())
    return PlannedActivity(
        plan=draw(st.sampled_from(("a1", "a2", "a3"))),
        journey_id=JOURNEY,
        number=1,
        organisation=OTHER,
        unit=draw(st.sampled_from((UNIT, UNIT, UNIT, OTHER))),
        activity="work_training",
        first_on=first_on,
        last_on=draw(
            st.none() | st.none() | st.integers(0, 200).map(lambda more: first_on + timedelta(days=more))
        ),
        planned_on=FIRST,
        recorded_at=NOW,
        hours=() if grouped else draw(weeks()),
        group=GROUP if grouped else None,
        except_on=tuple(sorted(draw(st.sets(days, max_size=3)))),
        on_holidays=draw(st.booleans()),
        void=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def groups(draw: st.DrawFn) -> Group:
    first_on = draw(starts)
    own = draw(st.lists(st.builds(Dated, day=days, starts_at=clocks, ends_at=clocks), max_size=6))
    return Group(
        group_id=GROUP,
        unit=UNIT,
        programme="small",
        activity="work_training",
        first_on=first_on,
        last_on=draw(st.none() | st.integers(0, 200).map(lambda more: first_on + timedelta(days=more))),
        leader=None,
        room=None,
        hours=draw(weeks()),
        dates=tuple({one.day: one for one in own if one.starts_at != one.ends_at}.values()),
        cancelled=tuple(draw(st.sets(days, max_size=3))),
        recorded_at=NOW,
        void=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def pauses(draw: st.DrawFn) -> Pause:
    first_on = draw(days)
    return Pause(
        pause="u1",
        journey_id=JOURNEY,
        number=1,
        organisation=UNIT,
        first_on=first_on,
        last_on=first_on + timedelta(days=draw(st.integers(0, 60))),
        recorded_at=NOW,
        void=draw(st.integers(0, 4)) == 0,
    )


@st.composite
def closures(draw: st.DrawFn) -> Closure:
    first_on = draw(days)
    return Closure(
        closure_id=ClosureId("c-00000000000000000000000001"),
        unit=UNIT,
        first_on=first_on,
        last_on=first_on + timedelta(days=draw(st.integers(0, 60))),
        weekdays=tuple(sorted(draw(st.sets(st.integers(1, 7), max_size=3)))),
        recorded_at=NOW,
        void=draw(st.integers(0, 4)) == 0,
    )


def holidays(year: int) -> set[date]:
    """Told by hand: those of a fixed day, of a Saturday between two days, and so long from Easter."""
    fixed = ((1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31))
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    w = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * w) // 451
    easter = date(year, (h + w - 7 * m + 114) // 31, (h + w - 7 * m + 114) % 31 + 1)
    midsummer, all_saints = (
        next(one for more in range(7) if (one := days_after(first, more)).isoweekday() == 6)
        for first in (date(year, 6, 20), date(year, 10, 31))
    )
    moving = {days_after(easter, more) for more in (-2, 0, 1, 39, 49)}
    return moving | {date(year, *one) for one in fixed} | {midsummer, days_after(midsummer, -1), all_saints}


@st.composite
def passages(draw: st.DrawFn) -> Passage:
    start, stay, moved = (
        draw(days),
        draw(st.none() | st.integers(0, 250)),
        draw(st.none() | st.integers(0, 250)),
    )
    passage = replace(
        PASSAGE, started_on=start, exited_on=None if stay is None else start + timedelta(days=stay)
    )
    if moved is not None:
        hand = Hand(organisation=OTHER, since=start + timedelta(days=moved))
        passage = replace(passage, responsible=OTHER, handed_to=OTHER, hands=(hand,))
    return replace(passage, mistake=draw(st.integers(0, 9)) == 0)


def shut(day: date, closed: list[Closure]) -> bool:
    """Whether one of the closures names the day, told by walking through its days."""
    for one in closed:
        its = {one.first_on + timedelta(days=n) for n in range(61)} if not one.void else set()
        its = {on for on in its if on <= one.last_on}
        if day in {on for on in its if not one.weekdays or 1 + on.weekday() in one.weekdays}:
            return True
    return False


def told_hours(day: date, plan: PlannedActivity, group: Group) -> list[tuple[str, str]]:
    """From when to when on that day by the clock on the wall, told by laying the group's days over its weeks."""
    weekday = 1 + (day - date(2024, 1, 1)).days % 7
    wanted = group.hours if plan.group else plan.hours
    weekly = [(one.starts_at, one.ends_at) for one in wanted if one.weekday == weekday]
    if not plan.group:
        return [] if day in holidays(day.year) and not plan.on_holidays else weekly
    calendar = {day: [] if day in holidays(day.year) else weekly}
    for one in group.dates:
        if one.day == day:
            calendar[day] = [(one.starts_at, one.ends_at)]
    for gone in group.cancelled:
        calendar.pop(gone, None)
    if group.void or day < group.first_on or day > (group.last_on or date.max):
        calendar.clear()
    return calendar.get(day, [])


def shown(found: Sequence[Expected]) -> list[tuple[str, int]]:
    """The same of what was computed, which is in order."""
    assert [one.starts_at for one in found] == sorted(one.starts_at for one in found)
    return sorted((f"{one.starts_at:%H:%M}", one.minutes) for one in found)


@functools.cache
def minutes_of(day: date) -> tuple[datetime, list[datetime]]:
    """Midnight, and each minute of the day and the next as the clock on the wall tells it."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=STOCKHOLM).astimezone(UTC)
    return midnight, [(midnight + timedelta(minutes=n)).astimezone(STOCKHOLM) for n in range(49 * 60)]


def naive(
    day: date, passage: Passage, plan: PlannedActivity, paused: list[Pause], group: Group
) -> list[tuple[str, int]]:
    """From when, and for how many minutes, told by walking through the minutes of the day and the next."""
    if (
        passage.mistake
        or passage.started_on is None
        or not passage.started_on <= day <= (passage.exited_on or date.max)
    ):
        return []
    moved = passage.hands[0].since if passage.hands else date.max
    here = day <= moved if plan.unit == UNIT else day >= moved
    if plan.unit != UNIT or not here or plan.void or not plan.first_on <= day <= (plan.last_on or date.max):
        return []
    if day in plan.except_on:
        return []
    for pause in paused:
        if (
            not pause.void
            and day in {pause.first_on + timedelta(days=n) for n in range(61)}
            and day <= pause.last_on
        ):
            return []
    midnight, wall = minutes_of(day)
    found = []
    for starts_at, ends_at in told_hours(day, plan, group):
        begins = next(n for n, at in enumerate(wall) if at.date() == day and f"{at:%H:%M}" >= starts_at)
        ends_on = day if ends_at > starts_at else day + timedelta(days=1)
        ends = next(n for n, at in enumerate(wall) if at.date() == ends_on and f"{at:%H:%M}" >= ends_at)
        if ends <= begins:
            continue
        found.append((f"{midnight + timedelta(minutes=begins):%H:%M}", ends - begins))
    return found


@given(
    day=days,
    passage=passages(),
    plan=plans(),
    paused=st.lists(pauses(), max_size=1),
    closed=st.lists(closures(), max_size=1),
    group=groups(),
)
def test_it_agrees_with_a_register_kept_naively(
    day: date,
    passage: Passage,
    plan: PlannedActivity,
    paused: list[Pause],
    closed: list[Closure],
    group: Group,
) -> None:
    found = [] if is_closed(day, closed) else expected_on(day, UNIT, passage, [plan], paused, {GROUP: group})
    told = [] if shut(day, closed) else naive(day, passage, plan, paused, group)
    assert shown(found) == sorted(told)


CALENDAR = [days_after(date(2023, 12, 18), more) for more in range(21)]
"""Three weeks with six holidays."""


@given(
    group=groups(),
    own=st.lists(
        st.builds(Dated, day=st.sampled_from(CALENDAR), starts_at=clocks, ends_at=clocks), max_size=8
    ),
    cancelled=st.sets(st.sampled_from(CALENDAR), max_size=5),
)
def test_a_group_meets_where_its_calendar_says_so(
    group: Group, own: list[Dated], cancelled: set[date]
) -> None:
    dates = tuple({one.day: one for one in own if one.starts_at != one.ends_at}.values())
    group = replace(group, dates=dates, cancelled=tuple(cancelled), last_on=group.last_on and CALENDAR[15])
    plan = replace(MEMBER, except_on=(CALENDAR[3],))
    for day in CALENDAR:
        found = expected_on(day, UNIT, PASSAGE, [plan], [], {GROUP: group})
        assert shown(found) == sorted(naive(day, PASSAGE, plan, [], group))


def test_a_group_that_cannot_be_read_expects_nobody() -> None:
    assert expected_on(CALENDAR[0], UNIT, PASSAGE, [MEMBER], [], {}) == []


@pytest.mark.parametrize("year", range(2005, 2060))
def test_holidays_that_move_are_found_where_they_are_that_year(year: int) -> None:
    every = {days_after(date(year, 1, 1), more) for more in range(366)}
    assert {one for one in every if one.year == year and is_holiday(one)} == holidays(year)


def test_a_year_of_which_nobody_reckons_easter_has_no_holidays() -> None:
    assert not is_holiday(date(9999, 12, 25))


@pytest.mark.parametrize(
    ("day", "starts_at", "ends_at", "minutes"),
    [
        (date(2024, 3, 30), "22:00", "06:00", 7 * 60),
        (date(2024, 10, 26), "22:00", "06:00", 9 * 60),
        (date(2024, 2, 29), "09:00", "12:00", 180),
        (date(2024, 2, 29), "23:00", "00:00", 60),
        (date(2024, 3, 31), "02:30", "09:00", 6 * 60),
        (date(2024, 3, 31), "02:30", "03:15", 15),
    ],
    ids=["clocks forward", "clocks back", "leap day", "to midnight", "in the gap", "out of the gap"],
)
def test_minutes_are_those_that_pass(day: date, starts_at: str, ends_at: str, minutes: int) -> None:
    hours = Hours(weekday=day.isoweekday(), starts_at=starts_at, ends_at=ends_at)
    assert minutes_between(*hours.on(day)) == minutes


@given(week=weeks())
def test_no_two_stretches_of_a_week_meet(week: tuple[Hours, ...]) -> None:
    monday = date(2024, 5, 6)
    spans = [one.on(days_after(monday, one.weekday - 1 + 7 * n)) for n in range(2) for one in week]
    ordered = sorted(spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ordered))
    assert week_minutes(week) * 2 == sum(minutes_between(*span) for span in spans)


@pytest.mark.parametrize(
    "week",
    [
        [("1", "09:00", "12:00"), ("1", "11:59", "13:00")],
        [("7", "22:00", "06:00"), ("1", "05:00", "09:00")],
        [("2", "09:00", "09:00")],
        [("3", "09:00", "12:00")] * 2,
    ],
    ids=["same day", "over the week's end", "no length", "twice"],
)
def test_hours_that_cannot_be_kept_are_refused(week: list[tuple[str, str, str]]) -> None:
    found = Findings()
    check_hours(found, "hours", [Hours(weekday=int(one), starts_at=a, ends_at=b) for one, a, b in week])
    with pytest.raises(Invalid):
        found.raise_any()
