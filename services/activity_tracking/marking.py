"""The use case of one mark by itself, as a file or a record says it: of any day, without its whole register.

All that a mark is refused for stands in `attendance`: `named_line` and `take_mark`.
"""

from services.activity_tracking.attendance import Marked, lines_of, named_line, take_mark
from services.activity_tracking.domain.held import MARKS, mark_key, stretch_of
from services.activity_tracking.domain.marks import DayMark
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity, plan_key
from services.activity_tracking.domain.reports import REPORTS
from services.activity_tracking.domain.sessions import Session
from shared.language.access import Actor
from shared.language.decision import Work
from shared.language.rows import entry_of


def mark_one(work: Work, actor: Actor, mark: DayMark) -> Marked:
    """Mark one stretch of the caller's unit; the later mark wins, and the same again changes nothing.

    Costs the journey, its plan, its mark of that stretch, its group and its pauses. Raises Refused.
    """
    planned = mark.plan and work.row(PLANNED, plan_key(mark.journey_id, mark.plan))
    plan = entry_of(PlannedActivity, planned) if planned else None
    key = mark_key(mark.journey_id, stretch_of(mark.plan, mark.activity, mark.group), mark.day, mark.hour)
    named = work.row(MARKS, key)
    ours = named is not None and named["unit"] == actor.organisation
    head = work.row("sessions", named["session_id"]) if named is not None and ours else None
    if head is not None and head.get("report_id"):
        work.fetch(REPORTS, [head["report_id"]])
    lines = lines_of(
        work,
        actor,
        mark.day,
        {} if plan is None else {mark.journey_id: [plan]},
        {} if head is None else {key: entry_of(Session, head)},
    )
    line = next((one for one in lines if one.expected.hour == mark.hour), None)
    return take_mark(work, actor, mark.day, mark, named_line(work, actor, mark.day, mark, line))
