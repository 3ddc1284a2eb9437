"""What a report says to its reader: as much as the duty asks for, and nothing of health that the reader may not see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.activity_tracking.domain.absence import Span, stretches_missed
from services.activity_tracking.domain.dose import Dose
from services.activity_tracking.domain.journey import Minutes
from services.activity_tracking.domain.reports import Report
from services.activity_tracking.domain.sessions import Session
from shared.language.access import Reader
from shared.language.events import Attendance, Code
from shared.language.programmes import Programme
from shared.language.register import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a report says beside its kind and its day; None, or empty: nothing, or nothing for this reader.

    contract: the code of the agreement. expected: from when to when at that activity, UTC; None where nothing was
    planned by the hour. away: the stretches missed, UTC. address: of the provider's function that can add to it. month:
    of a monthly report. weeks: of that, the one week of a report of hours below plan, or those of a written report.
    """

    contract: Code | None = None
    attendance: Attendance | None = None
    activity: Code | None = None
    expected: Span | None = None
    away: tuple[Span, ...] = ()
    reason: Code | None = None
    text: str | None = None
    unit: str | None = None
    address: str | None = None
    month: Dose | None = None
    weeks: tuple[Dose, ...] = ()


def content_of(
    report: Report, *, entry: Session | None, programme: Programme, reader: Reader, unit: Unit | None
) -> Content:
    """What the report says to this reader. entry: the session that it is about. unit: the provider, by the register.

    The provider that owes it sees all of it. The referrer sees a reason of health, and any activity, only while the
    participant's consent lets it see the whole journey. Where some are named, one without a name tells of health.
    """
    duty = programme.duty_of(report.duty)
    shows = () if duty is None else duty.shows
    own = reader.organisation == report.provider
    contact = unit is not None and (own or "contact" in shows)
    content = Content(
        contract=None if duty is None else duty.contract,
        unit=unit.name if unit is not None and contact else None,
        address=unit.function_address if unit is not None and contact else None,
        text=report.text,
    )
    if entry is None or report.void:
        return content
    whole = own or reader.view == "whole"
    reason = programme.absence_reason(entry.reason)
    open_reason = reason is not None and (whole or not reason.hidden_as_health)
    says_why = open_reason and (own or "reason" in shows)
    return Content(
        contract=content.contract,
        unit=content.unit,
        address=content.address,
        attendance=entry.attendance,
        activity=entry.activity if own or (whole and "activity" in shows) else None,
        expected=_expected(entry) if own or "expected" in shows else None,
        away=stretches_missed(entry.attendance, entry.held) if own or "away" in shows else (),
        reason=entry.reason if says_why else None,
        text=entry.text if says_why else None,
    )


def _expected(entry: Session) -> Span | None:
    return None if entry.held is None else (entry.held.starts_at, entry.held.ends_at)


def attendance_of(
    report: Report,
    content: Content,
    *,
    month: Dose | None,
    weeks: Sequence[Dose],
    programme: Programme,
    reader: Reader,
) -> Content:
    """A report of hours: in all, and by activity and extent as far as the duty asks for them.

    month: of a monthly report. A workplace is told no sums, as elsewhere.
    """
    if reader.works_there:
        return content
    duty = programme.duty_of(report.duty)
    own = reader.organisation == report.provider
    shows = () if duty is None else duty.shows

    def seen(dose: Dose) -> Dose:
        if not own and ("activity" not in shows or reader.view != "whole"):
            dose = replace(dose, activities={None: dose.whole})
        if not own and "extent" not in shows:
            dose = replace(dose, agreed_percent=None, reached_percent=None)
        if not own and "hours" not in shows:
            dose = replace(dose, activities={}, whole=Minutes())
        return dose

    return replace(
        content, month=None if month is None else seen(month), weeks=tuple(seen(one) for one in weeks)
    )
