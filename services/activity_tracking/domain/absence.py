"""Absence: what may be said of it, and when somebody who came was away all the same.

An absence is a booked activity that was missed, or come to late, or left early. A reason is a code of the programme,
with words of its own where somebody has any. The words stay here, and are shown as the reason is. Source:
docs/field.md, Absence.
"""

from datetime import timedelta

from services.activity_tracking.domain.held import Held
from shared.language.checks import Findings, one_of
from shared.language.events import Attendance
from shared.language.programmes import Programme

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
