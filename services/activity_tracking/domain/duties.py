"""What noting or correcting a session means for all that the provider owes the referrer."""

from datetime import datetime

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.reports import Report, reported
from services.activity_tracking.domain.sessions import Session
from services.activity_tracking.domain.spells import follow_spell
from services.activity_tracking.domain.weeks import follow_week
from shared.language.decision import Change
from shared.language.programmes import Programme


def owed(
    change: Change[Journey],
    entry: Session,
    *,
    head: Session | None,
    made: Report | None,
    programme: Programme,
    at: datetime,
) -> tuple[Change[Journey], Session]:
    """The change with the reports that follow from the entry that stands, and the entry that knows its report.

    head: the entry that it corrects. made: the report that the head led to, None while it is to be made.
    """
    change, entry = reported(change, entry, head=head, made=made, programme=programme, at=at)
    change = follow_spell(change, entry, programme)
    return follow_week(change, entry, head, programme, at), entry
