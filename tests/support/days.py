"""What activity tracking's folds are given beside an event, in a service that is kept in memory."""

from datetime import date

from services.activity_tracking.domain.bounds import Beside
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity
from services.activity_tracking.domain.session_days import DAYS, counts_of
from shared.language.decision import Subject, key_of
from shared.language.rows import entry_of
from tests.support.fakes import FakeWork


def days_of(memory: FakeWork, subject: Subject) -> Beside:
    """The counts of the journey's days, and its plans with hours or groups; as `repository.read_beside` finds them."""
    rows = [
        (collection, row)
        for (collection, _), row in memory.table.items()
        if row.get("journey_id") == key_of(subject)
    ]
    return Beside(
        days={date.fromisoformat(row["day"]): counts_of(row) for name, row in rows if name == DAYS},
        plans=[
            one
            for one in (entry_of(PlannedActivity, row) for name, row in rows if name == PLANNED)
            if one.has_hours
        ],
    )
