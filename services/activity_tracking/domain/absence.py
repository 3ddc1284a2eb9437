"""Absence: what may be said of it, and when somebody who came was away all the same.

An absence is a booked activity that was missed, or come to late, or left early. A reason is a code of the programme,
with words of its own where somebody has any. The words stay here, and are shown as the reason is. Source:
docs/field.md, Absence.
"""

from datetime import datetime, timedelta

from services.activity_tracking.domain.held import Held
from services.activity_tracking.domain.hours import minutes_between
from shared.language.checks import Findings, one_of
from shared.language.events import Attendance
from shared.language.programmes import Programme

Span = tuple[datetime, datetime]
TEXT_LENGTH = 500
"""Characters of the words beside a reason at most."""


def left_early(held: Held | None, programme: Programme) -> bool:
    """Whether the person left earlier than planned, by more than the programme says."""
    if held is None or held.left_at is None:
        return False
    return held.ends_at - held.left_at > timedelta(minutes=programme.absence_after_minutes)


def was_away(attendance: Attendance, held: Held | None, programme: Programme) -> bool:
    """Whether it was an absence: missed, or come to late or left early by more than the programme says."""
    return attendance != "yes" or left_early(held, programme)


def stretches_missed(attendance: Attendance, held: Held | None) -> tuple[Span, ...]:
    """The stretches of what was planned on which the person was away; none where nothing was planned by the hour."""
    if held is None:
        return ()
    if attendance == "no":
        return ((held.starts_at, held.ends_at),)
    found = []
    if held.came_at is not None and held.came_at > held.starts_at:
        found.append((held.starts_at, min(held.came_at, held.ends_at)))
    if held.left_at is not None and held.left_at < held.ends_at:
        found.append((max(held.left_at, held.starts_at), held.ends_at))
    return tuple(found)


def judged(
    attendance: Attendance, reason: str | None, held: Held | None, programme: Programme
) -> tuple[int, int]:
    """Minutes missed that count as attended, and minutes missed that are excused, as the programme judges the reason.

    What counts as attended needs no excuse. The session stays one that was missed, or come to late.
    """
    flags = programme.absence_reason(reason)
    if flags is None:
        return 0, 0
    missed = sum(minutes_between(*span) for span in stretches_missed(attendance, held))
    return (missed, 0) if flags.counts_as_attended else (0, missed if flags.excused else 0)


def check_reason(
    found: Findings,
    attendance: Attendance,
    reason: str | None,
    text: str | None,
    held: Held | None,
    *,
    programme: Programme,
) -> None:
    """Who missed it has a reason, who was late or left early may have one, and who was there has none.

    The words belong to a reason; one that asks for them has some.
    """
    reasons = sorted(one.code for one in programme.reasons.absence)
    if not was_away(attendance, held, programme):
        if reason is not None:
            found.add("reason", "Only an absence has a reason.")
    elif attendance == "no" and reason is None:
        found.add("reason", f"An absence has a reason. {one_of(reasons)}")
    found.known("reason", reason, reasons)
    if reason is None:
        if text is not None:
            found.add("text", "Only a reason has words of its own.")
        return
    asked = programme.absence_reason(reason)
    if text is None and asked is not None and asked.asks_for_text:
        found.add("text", "Missing: this reason asks for words of its own.")
