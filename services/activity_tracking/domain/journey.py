"""One journey as activity tracking keeps it, and the days on which something can be logged.

Entries (sessions, measures, goals …) are rows of their own; the state holds what the next decision needs and
nothing that grows with time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from shared.language.checks import Findings
from shared.language.days import day_of
from shared.language.decision import Change, Received
from shared.language.errors import Conflict
from shared.language.events import (
    Code,
    Organisation,
)
from shared.language.journeys import Followed, known, moved, opened
from shared.language.passage import Stage
from shared.language.programmes import Programme, Programmes

BEGUN: tuple[Stage, ...] = ("started", "ready", "exited", "closed")
"""The stages in which days of participation can be logged, late ones after the exit too."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes of one activity: attended in all, planned where it was marked on a register, attended of these.

    Those that count as attended are among them. excused: missed, for a reason that the programme excuses.
    """

    minutes: int = 0
    planned: int = 0
    marked: int = 0
    excused: int = 0

    def plus(self, more: "Minutes", times: int) -> "Minutes":
        """Both, or, with times -1, what is left: never below 0, since rows of before lack what was counted later."""
        return Minutes(
            max(0, self.minutes + times * more.minutes),
            max(0, self.planned + times * more.planned),
            max(0, self.marked + times * more.marked),
            max(0, self.excused + times * more.excused),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCounts:
    """Sessions as they count: voided ones out, a correction in place of what it corrects, none outside participation.

    attended: present, in time or late. minutes: that count as attended. planned_minutes: of sessions that were marked
    on a register, attended or not; marked_minutes: what counts as attended of these. excused_minutes: missed, for a
    reason that the programme excuses. activities: the minutes of each whose name reveals nothing of health. corrected:
    corrections made, voids included.
    """

    logged: int = 0
    attended: int = 0
    late: int = 0
    missed: int = 0
    minutes: int = 0
    planned_minutes: int = 0
    marked_minutes: int = 0
    excused_minutes: int = 0
    activities: Mapping[Code, Minutes] = field(default_factory=dict)
    corrected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Days missed for reasons that a duty names, from the first noted to the last. reported: codes of duties."""

    first_on: date
    last_on: date
    reported: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey(Followed):
    """What activity tracking must know of a journey to decide the next command.

    open_goals: codes of goals not yet reached, at most `plan.OPEN_GOALS`. goals_set, planned, pauses, extents, entries
    (of sessions), corrections (of all else): the number so far, which numbers the next. last_round: the highest round
    of the progress measure so far. ready_said_by: who judged the person ready. reports: to the referrer, made or to be
    made. reported_to: the last day of the newest month whose attendance was reported.
    spell: the long absence that goes on.
    """

    open_goals: tuple[Code, ...] = ()
    goals_set: int = 0
    planned: int = 0
    pauses: int = 0
    extents: int = 0
    competences: int = 0
    entries: int = 0
    corrections: int = 0
    sessions: SessionCounts = field(default_factory=SessionCounts)
    last_round: int = 0
    last_measured_on: date | None = None
    ready_said_by: Organisation | None = None
    reports: int = 0
    reported_to: date | None = None
    spell: Spell | None = None


def receive(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in a referral: the journey begins here too.

    Raises Unready until the programme's version has arrived.
    """
    new = opened(received, programmes)
    return Change(Journey(journey_id=new.journey_id, passage=new.passage))


def apply_fact(state: Journey | None, received: Received, programmes: Programmes) -> Change[Journey]:
    """Take in what another service says of the journey; never refused, causes nothing here.

    Raises ValueError without a journey, which the causality vector rules out (docs/architecture/exactly-once.md).
    """
    return Change(moved(known(state, received), received.body))


def added(counts: SessionCounts, more: SessionCounts, times: int = 1) -> SessionCounts:
    """The counts with the others put in (1) or taken out (-1); what was corrected stays."""
    activities = {
        **counts.activities,
        **{
            code: counts.activities.get(code, Minutes()).plus(one, times)
            for code, one in more.activities.items()
        },
    }
    return replace(
        counts,
        logged=counts.logged + times * more.logged,
        attended=counts.attended + times * more.attended,
        late=counts.late + times * more.late,
        missed=counts.missed + times * more.missed,
        minutes=counts.minutes + times * more.minutes,
        planned_minutes=max(0, counts.planned_minutes + times * more.planned_minutes),
        marked_minutes=max(0, counts.marked_minutes + times * more.marked_minutes),
        excused_minutes=max(0, counts.excused_minutes + times * more.excused_minutes),
        activities={code: one for code, one in activities.items() if one != Minutes()},
    )


def require_stage(journey: Journey, stages: tuple[Stage, ...]) -> None:
    """Raise Conflict unless the journey stands at one of these stages."""
    if journey.passage.stage not in stages:
        raise Conflict("wrong-stage", f"The journey is {journey.passage.stage}, not {' or '.join(stages)}.")


def check_day(found: Findings, field_name: str, on: date, journey: Journey, at: datetime) -> None:
    """The day must be one on which the person took part: start to exit, both counted, and not in the future.

    Source: docs/field.md, Activities and sessions.
    """
    found.not_future(field_name, on, day_of(at))
    found.not_before(field_name, on, journey.passage.started_on, "the start")
    found.not_after(field_name, on, journey.passage.exited_on, "the exit")


def public_activity(programme: Programme, code: str) -> Code | None:
    """The code as an event may say it: None where its name would reveal health. Source: docs/field.md, Privacy."""
    return code if code in public_activities(programme) else None


def public_activities(programme: Programme) -> list[Code]:
    """The activities whose names reveal nothing of health."""
    return [kind.code for kind in programme.activities if not kind.special_category]
