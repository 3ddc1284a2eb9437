"""The use cases of a unit's groups: they are made, listed and said anew, and participants join. No rule lives here.

Who leaves a group has a last day in their own plan: `correcting.correct_plan`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.activity_tracking.day_rows import groups_of
from services.activity_tracking.domain.closures import from_day
from services.activity_tracking.domain.counted import recounts
from services.activity_tracking.domain.groups import (
    GROUPS,
    MEMBERS,
    CorrectGroup,
    Group,
    JoinGroup,
    MakeGroup,
    admit,
    moved,
)
from services.activity_tracking.domain.groups import correct_group as correct
from services.activity_tracking.domain.groups import join_group as join
from services.activity_tracking.domain.groups import make_group as make
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity, plan_key
from services.activity_tracking.handlers import open_journey, watch
from shared.language.access import Actor, Reader, authorise_in, authorise_somewhere
from shared.language.corrections import Superseded, page
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Invalid, Unknown
from shared.language.events import Code, GroupId, JourneyId
from shared.language.rows import entry_of

PARTS = 200
"""Planned activities of one journey that name a group are read at once; they are few."""


def make_group(work: Work, actor: Actor, command: MakeGroup) -> Group:
    """Make a group of the caller's unit. Raises Invalid for a programme that is none."""
    programme = work.programmes.latest(command.programme)
    if programme is None:
        authorise_somewhere(actor, "log_activity", work)
        raise Invalid({"programme": ["Takes a programme that is published here."]})
    authorise_in(actor, "log_activity", programme, work)
    group = GroupId(work.new_id("g"))
    change = make(command, programme=programme, by=actor.organisation, at=work.at, group=group)
    return work.save(subject_of("group", group), change)


def correct_group(work: Work, actor: Actor, group_id: GroupId, command: CorrectGroup) -> Group:
    """Say a group of the caller's unit anew, or take it back; the days that it moves are counted again."""
    entry = _own(work, actor, group_id)
    in_use = bool(work.rows(PLANNED, {"group": group_id}, order="until", after="", limit=1))
    change = correct(entry, command, in_use=in_use, by=actor, at=work.at)
    days = moved(entry, change.state)
    if days is not None:
        change = replace(change, timers=recounts((entry.unit,), *days, work.at))
    return work.save(subject_of("group", group_id), change)


def list_groups(
    work: Work, actor: Actor, from_on: date | None, *, after: str | Skip | None, limit: int
) -> Sequence[Group]:
    """A page of the groups of the caller's unit that have not ended by that day, by their last day.

    from_on: None, today.
    """
    start = from_day(from_on or day_of(work.at))
    place = replace(after, beyond=start) if isinstance(after, Skip) else max(after or start, start)
    where = {"unit": actor.organisation, "void": False}
    rows = work.rows(GROUPS, where, order="until", after=place, limit=limit)
    return [entry_of(Group, row) for row in rows]


def list_group_corrections(
    work: Work, actor: Actor, group_id: GroupId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on a group of the caller's unit."""
    _own(work, actor, group_id)
    found = page(work, subject_of("group", group_id), after=after, limit=limit)
    return Reader(actor.organisation, "whole"), found


def join_group(work: Work, actor: Actor, journey_id: JourneyId, command: JoinGroup) -> PlannedActivity:
    """Let a participant take part in a group of the caller's unit."""
    journey, programme = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    group = usable_by(work, actor, journey.passage.programme, command.group)
    change, entry = join(journey, group, command, programme=programme, by=actor.organisation, at=work.at)
    take_in(work, entry)
    watch(work, entry)
    work.save(subject_of("journey", journey_id), change)
    return entry


def usable_by(work: Work, actor: Actor, programme: Code, group_id: GroupId) -> Group:
    """The group of the caller's unit in that programme. Raises Invalid on `group`."""
    group = groups_of(work, (group_id,)).get(group_id)
    if group is None or group.void or (group.unit, group.programme) != (actor.organisation, programme):
        raise Invalid({"group": ["Is no group of the unit, in the programme of the journey."]})
    return group


def take_in(work: Work, entry: PlannedActivity) -> None:
    """Take the participant into the group that the planned activity names, where there is room."""
    assert entry.group is not None
    subject = subject_of("group", entry.group)
    where = {"journey_id": entry.journey_id, "group": entry.group}
    parts = work.rows(PLANNED, where, order="number", after=None, limit=PARTS)
    others = work.rows(
        PLANNED, {"group": entry.group}, order="until", after=from_day(entry.first_on), limit=MEMBERS + 1
    )
    own = plan_key(entry.journey_id, entry.plan)
    change = admit(
        work.get(subject),
        entry,
        theirs=[entry_of(PlannedActivity, row) for row in parts if row["_id"] != own],
        members=sum(row["_id"] != own for row in others),
    )
    work.save(subject, change)


def _own(work: Work, actor: Actor, group_id: GroupId) -> Group:
    entry: Group | None = work.find(subject_of("group", group_id))
    if entry is None:
        raise Unknown("group")
    if entry.unit != actor.organisation:
        raise Forbidden("not-allowed", "Only the unit whose group it is may see or correct it.")
    return entry
