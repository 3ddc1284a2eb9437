"""Groups: activities and courses that several participants attend together, with a calendar of their own.

Whoever takes part has a planned activity that names the group, and no hours. The hours are the group's, on the day for
which a register is computed; so a lesson that is moved is moved for everybody. Source: docs/field.md, The register of
a day.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.activity_tracking.domain.holidays import is_holiday
from services.activity_tracking.domain.hours import Hours, check_hours
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.plan import (
    OPEN_END,
    PlanActivity,
    PlannedActivity,
    in_order,
    plan,
)
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Conflict, Unknown
from shared.language.events import Code, GroupId, Organisation
from shared.language.programmes import Programme
from shared.language.rows import as_row

GROUPS = "groups"
"""Rows: groups by id. `until` is unique: by it a unit's are in the order of their last day."""
DATES = 120
"""Single days with hours of their own at most, and as many that are cancelled."""
ROOM_LENGTH, LEADER_LENGTH = 60, 40
"""Characters of a room, and of a leader's code, at most."""
MEMBERS = 100
"""Participants of a group at most whose part has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """On one day from when to when, by the clock on the wall. starts_at, ends_at: hh:mm."""

    day: date
    starts_at: str
    ends_at: str

    @property
    def hours(self) -> Hours:
        """The same, as hours of the day's weekday."""
        return Hours(weekday=self.day.isoweekday(), starts_at=self.starts_at, ends_at=self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeGroup:
    """Command: make a group of the caller's unit. last_on left out: until further notice.

    leader: the unit's own code of somebody; it names nobody. hours: of each week. dates: days that have hours of their
    own, and no others, whether holidays or not. cancelled: days on which the group does not meet.
    """

    programme: str
    activity: str
    first_on: date
    last_on: date | None = None
    leader: str | None = None
    room: str | None = None
    hours: Sequence[Hours] = ()
    dates: Sequence[Dated] = ()
    cancelled: Sequence[date] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectGroup(Correcting):
    """Command: say the group anew, or, `void`, that there never was one.

    leader, room, hours, dates, cancelled: None keeps what was said. The activity stays: participants' plans say it.
    """

    first_on: date | None = None
    last_on: date | None = None
    leader: str | None = None
    room: str | None = None
    hours: Sequence[Hours] | None = None
    dates: Sequence[Dated] | None = None
    cancelled: Sequence[date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinGroup:
    """Command: let a participant take part in a group. last_on left out: as long as there is the group.

    group: its id. except_on: days on which the person is not expected at it.
    """

    group: GroupId
    first_on: date
    last_on: date | None = None
    occurred_on: date | None = None
    except_on: Sequence[date] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group: the state, and the row that registers and lists are read from. void: it was taken back.

    dates, cancelled: in order, at most DATES. joined: how often somebody joined.
    """

    group_id: GroupId
    unit: Organisation
    programme: Code
    activity: Code
    first_on: date
    last_on: date | None
    leader: str | None
    room: str | None
    hours: tuple[Hours, ...]
    dates: tuple[Dated, ...]
    cancelled: tuple[date, ...]
    recorded_at: datetime
    joined: int = 0
    corrections: int = 0
    void: bool = False

    def hours_on(self, day: date) -> Sequence[Hours]:
        """When the group meets on that day: at the day's own hours, or else at the week's, but not on holidays."""
        within = self.first_on <= day and (self.last_on is None or day <= self.last_on)
        if self.void or not within or day in self.cancelled:
            return ()
        own = [one.hours for one in self.dates if one.day == day]
        if own or is_holiday(day):
            return own
        return [one for one in self.hours if one.weekday == day.isoweekday()]


def make_group(
    command: MakeGroup, *, programme: Programme, by: Organisation, at: datetime, group: GroupId
) -> Change[Group]:
    """Make a group of the caller's unit. programme: its newest version. group: the new id. Raises Invalid."""
    entry = Group(
        group_id=group,
        unit=by,
        programme=programme.id,
        activity=command.activity,
        first_on=command.first_on,
        last_on=command.last_on,
        leader=command.leader,
        room=command.room,
        hours=tuple(command.hours),
        dates=_in_order(command.dates),
        cancelled=in_order(command.cancelled),
        recorded_at=at,
    )
    found = Findings()
    found.known("activity", command.activity, (kind.code for kind in programme.activities))
    _check(found, entry)
    return Change(entry, rows=(_row(entry),))


def correct_group(
    entry: Group, command: CorrectGroup, *, in_use: bool, by: Actor, at: datetime
) -> Change[Group]:
    """Say the group anew, or take it back. in_use: somebody takes part, or took part.

    Raises Invalid, Unknown once taken back, Conflict `group-in-use` where one that is in use is to be taken back.
    """
    if entry.void:
        raise Unknown("group", within=True)
    anew = replace(entry, void=True)
    if command.void and in_use:
        raise Conflict("group-in-use", "Take its participants out of it first, or say its last day.")
    if not command.void:
        found = Findings()
        if command.first_on is None:
            found.add("first_on", "Missing: a correction says everything anew, unless it is void.")
        found.raise_any()
        assert command.first_on is not None
        anew = replace(
            entry,
            first_on=command.first_on,
            last_on=command.last_on,
            leader=command.leader or entry.leader,
            room=command.room or entry.room,
            hours=entry.hours if command.hours is None else tuple(command.hours),
            dates=entry.dates if command.dates is None else _in_order(command.dates),
            cancelled=entry.cancelled if command.cancelled is None else in_order(command.cancelled),
        )
        _check(found, anew)
    if anew == entry:
        return Change(entry)
    anew = replace(anew, corrections=entry.corrections + 1)
    kept = superseded(
        subject_of("group", entry.group_id),
        anew.corrections,
        "group",
        _content(entry),
        recorded_by=entry.unit,
        by=by,
        at=at,
        why=command.why,
        void=command.void,
    )
    return Change(anew, rows=(_row(anew), kept))


def moved(before: Group, after: Group) -> tuple[date, date] | None:
    """From which day to which somebody may be expected otherwise than before; None: on no day."""
    if any(
        getattr(before, name) != getattr(after, name) for name in ("first_on", "last_on", "hours", "void")
    ):
        ends = [one.last_on or OPEN_END for one in (before, after)]
        return min(before.first_on, after.first_on), max(ends)
    days = {one.day for one in {*before.dates} ^ {*after.dates}} | {*before.cancelled} ^ {*after.cancelled}
    return (min(days), max(days)) if days else None


def join_group(
    journey: Journey,
    group: Group,
    command: JoinGroup,
    *,
    programme: Programme,
    by: Organisation,
    at: datetime,
) -> tuple[Change[Journey], PlannedActivity]:
    """Let the participant take part in the group between two days, by a planned activity that names it.

    group: of the journey's programme. Raises Invalid, Conflict `wrong-stage`. `admit` says whether there is room.
    """
    said = PlanActivity(
        activity=group.activity,
        first_on=command.first_on,
        last_on=command.last_on,
        occurred_on=command.occurred_on,
        except_on=command.except_on,
        group=group.group_id,
    )
    return plan(journey, said, programme=programme, by=by, at=at)


def grows(before: PlannedActivity, after: PlannedActivity) -> bool:
    """Whether somebody takes part in a group on days on which they did not before."""
    longer = (after.last_on or OPEN_END) > (before.last_on or OPEN_END)
    return after.group is not None and not after.void and (longer or after.first_on < before.first_on)


def admit(
    group: Group, entry: PlannedActivity, *, theirs: Sequence[PlannedActivity], members: int
) -> Change[Group]:
    """Take somebody into the group.

    entry: their part of it. theirs: what else of their plan names the group. members: how many others have a part
    that has not ended by the first day. Raises Invalid, Conflict `group-full`.
    """
    found = Findings()
    found.not_after("first_on", entry.first_on, group.last_on, "the group's last day")
    found.not_before("last_on", entry.last_on, group.first_on, "the group's first day")
    if any(_meet(one, entry) for one in theirs):
        found.add("first_on", "The participant takes part in the group on some of these days already.")
    found.raise_any()
    if members >= MEMBERS:
        raise Conflict(
            "group-full", f"{MEMBERS} participants take part; one must leave before the next joins."
        )
    # Counted in the group itself, so that two who join at once are seen by each other.
    after = replace(group, joined=group.joined + 1)
    return Change(after, rows=(_row(after),))


def group_place(entry: Group) -> str:
    """The place of a group among its unit's: by its last day."""
    return f"{(entry.last_on or OPEN_END).isoformat()}:{entry.group_id}"


def _check(found: Findings, entry: Group) -> None:
    found.not_before("last_on", entry.last_on, entry.first_on, "the first day")
    check_hours(found, "hours", entry.hours)
    if not entry.hours and not entry.dates:
        found.add("hours", "Missing: a group meets at hours of the week, or on single days.")
    for one in entry.dates:
        found.not_before("dates", one.day, entry.first_on, "the first day")
        found.not_after("dates", one.day, entry.last_on, "the last day")
        if one.starts_at == one.ends_at:
            found.add("dates", f"What is on {one.day.isoformat()} ends when it begins.")
    spans = sorted(one.hours.on(one.day) for one in entry.dates)
    if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
        found.add("dates", "Two of them overlap.")
    found.raise_any()


def _meet(one: PlannedActivity, other: PlannedActivity) -> bool:
    ends, other_ends = one.last_on or OPEN_END, other.last_on or OPEN_END
    return not one.void and one.first_on <= other_ends and other.first_on <= ends


def _in_order(dates: Sequence[Dated]) -> tuple[Dated, ...]:
    return tuple(sorted(dates, key=lambda one: (one.day, one.starts_at, one.ends_at)))


def _content(entry: Group) -> Mapping[str, Any]:
    return {
        "first_on": entry.first_on,
        "last_on": entry.last_on,
        "leader": entry.leader,
        "room": entry.room,
        "hours": entry.hours,
        "dates": entry.dates,
        "cancelled": [one.isoformat() for one in entry.cancelled],
    }


def _row(entry: Group) -> Row:
    row = as_row(GROUPS, entry.group_id, entry)
    return replace(row, body={**row.body, "until": group_place(entry)})
