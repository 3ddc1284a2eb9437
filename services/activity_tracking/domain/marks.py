"""Marks on a day's register: what came of a stretch on which somebody was expected, as a session.

Nobody is absent by silence: what nobody has marked is not marked. Late, or left early, is by more than the programme
says. Source: docs/field.md, Absence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from services.activity_tracking.domain.expected import Expected
from services.activity_tracking.domain.groups import Group
from services.activity_tracking.domain.held import Held
from services.activity_tracking.domain.hours import Hours, minutes_between, moment_of
from services.activity_tracking.domain.sessions import CorrectSession, LogSession, Session
from shared.language.checks import Findings
from shared.language.days import days_after
from shared.language.events import GroupId, JourneyId
from shared.language.programmes import Programme

Presence = Literal["present", "absent", "unmarked"]
NEAR = timedelta(hours=6)
"""Who comes or leaves across midnight does so within these hours of what was planned; else a time is mistyped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one person's stretch came to. plan, hour (hh:mm on the wall): which stretch.

    plan: None of who came unplanned; then activity and ends_at (hh:mm on the wall; at or before the hour: of the next
    day) say what it is. Or group does: the id of a group of the unit that begins at that hour.

    came_at, left_at: hh:mm of who was present; left out: as planned. reason, text: of an absence, late and left early
    too. marked_at: by the clock of the device.
    """

    journey_id: JourneyId
    plan: str | None = None
    hour: str
    presence: Presence
    came_at: str | None = None
    left_at: str | None = None
    reason: str | None = None
    text: str | None = None
    marked_at: datetime | None = None
    activity: str | None = None
    ends_at: str | None = None
    group: GroupId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMark(Mark):
    """Command: mark one stretch, of any day. day: a Swedish calendar day."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRegister:
    """Command: mark the register of a day, in one transaction.

    rest: what all become of whom nothing is said here and nobody has marked; None: they stay so. reason, text: of the
    rest.
    """

    day: date | None = None
    marks: Sequence[Mark] = ()
    rest: Literal["present", "absent"] | None = None
    reason: str | None = None
    text: str | None = None
    marked_at: datetime | None = None


def check_mark(mark: Mark) -> None:
    """A plan says the activity and the end; without one the mark or its group does, of who came. Raises Invalid."""
    found = Findings()
    if mark.plan is not None:
        for name in ("activity", "ends_at", "group"):
            if getattr(mark, name) is not None:
                found.add(name, "Is the plan's to say; only a mark without one says it.")
    else:
        if mark.activity is None and mark.group is None:
            found.add("activity", "Missing: a mark without a plan says what the person did.")
        if mark.ends_at is not None and mark.group is not None:
            found.add("ends_at", "Is the group's to say.")
        if mark.presence == "absent":
            found.add("presence", "Nobody is missed who was not expected: say present or unmarked.")
    found.raise_any()


def unplanned(mark: Mark, day: date, group: Group | None) -> Expected:
    """The stretch that a mark without a plan says. Raises Invalid.

    group: the one that it names.
    """
    found = Findings()
    if group is not None:
        mark = _with_the_group(found, mark, day, group)
    if mark.ends_at is None and mark.presence == "present":
        found.add("ends_at", "Missing: a mark without a plan says until when.")
    hours = Hours(weekday=day.isoweekday(), starts_at=mark.hour, ends_at=mark.ends_at or mark.hour)
    starts_at, ends_at = hours.on(day)
    if mark.ends_at == mark.hour or ends_at <= starts_at:
        found.add("ends_at", "Lies at or before the time at which it begins.")
    found.raise_any()
    assert mark.activity is not None
    return Expected(
        journey_id=mark.journey_id,
        plan=None,
        hour=mark.hour,
        activity=mark.activity,
        starts_at=starts_at,
        ends_at=ends_at,
        minutes=minutes_between(starts_at, ends_at),
        group=mark.group,
    )


def _with_the_group(found: Findings, mark: Mark, day: date, group: Group) -> Mark:
    """The mark with the activity and the end of the group that meets at that hour."""
    if mark.activity not in (None, group.activity):
        found.add("activity", f"Is the group's to say: {group.activity}.")
    meets_at = next((one for one in group.hours_on(day) if one.starts_at == mark.hour), None)
    if meets_at is None:
        found.add("hour", "The group does not meet at that hour of the day.")
    found.raise_any()
    assert meets_at is not None
    return replace(mark, activity=group.activity, ends_at=meets_at.ends_at)


def said_by(mark: Mark, expected: Expected, day: date, programme: Programme) -> LogSession:
    """The session that a mark of presence or absence says. Raises Invalid."""
    held = Held(
        plan=expected.plan,
        hour=expected.hour,
        starts_at=expected.starts_at,
        ends_at=expected.ends_at,
        marked_at=None if mark.marked_at is None else mark.marked_at.astimezone(UTC),
        group=expected.group,
    )
    if mark.presence == "absent":
        found = Findings()
        for name in ("came_at", "left_at"):
            if getattr(mark, name) is not None:
                found.add(name, "Only who was present came and left.")
        found.raise_any()
        return LogSession(
            activity=expected.activity,
            occurred_on=day,
            attendance="no",
            minutes=0,
            reason=mark.reason,
            text=mark.text,
            held=held,
        )
    came_at = _nearest(mark.came_at, day, expected.starts_at)
    left_at = _nearest(mark.left_at, day, expected.ends_at)
    minutes = minutes_between(came_at, left_at)
    found = Findings()
    if minutes < 1 and mark.left_at is None and mark.came_at is not None:
        found.add("came_at", "Lies at or after the time at which the person left.")
    elif minutes < 1:
        found.add("left_at", "Lies at or before the time at which the person came.")
    found.raise_any()
    late = came_at - expected.starts_at > timedelta(minutes=programme.absence_after_minutes)
    return LogSession(
        activity=expected.activity,
        occurred_on=day,
        attendance="late" if late else "yes",
        minutes=minutes,
        reason=mark.reason,
        text=mark.text,
        held=replace(held, came_at=came_at, left_at=left_at),
    )


def _nearest(at: str | None, day: date, planned: datetime) -> datetime:
    """The time of the clock on the wall on that day; on the day before or after, where it is near what was planned."""
    if at is None:
        return planned
    on, *others = (moment_of(days_after(day, more), at) for more in (0, -1, 1))
    near = [one for one in (on, *others) if abs(one - planned) <= NEAR]
    return min(near, key=lambda one: abs(one - planned), default=on)


def anew(said: LogSession) -> CorrectSession:
    """The same said of a session that was marked before."""
    return CorrectSession(
        activity=said.activity,
        occurred_on=said.occurred_on,
        attendance=said.attendance,
        minutes=said.minutes,
        reason=said.reason,
        text=said.text,
        held=said.held,
    )


def is_marked(head: Session | None) -> bool:
    """Whether the newest entry of a stretch says that somebody came, or did not."""
    return head is not None and not head.void


def expected_of(head: Session, held: Held) -> Expected:
    """The stretch that a session was, whatever the plans say now."""
    return Expected(
        journey_id=head.journey_id,
        plan=held.plan,
        hour=held.hour,
        activity=head.activity,
        starts_at=held.starts_at,
        ends_at=held.ends_at,
        minutes=held.minutes,
        group=held.group,
    )


def meets(one: Expected, other: Expected) -> bool:
    """Whether both are of one person, and share time."""
    if one.journey_id != other.journey_id:
        return False
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
