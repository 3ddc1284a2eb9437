"""What activity tracking's fold is given beside an event, in a service that is kept in memory."""

from collections.abc import Mapping
from datetime import date

from services.activity_tracking.domain.journey import SessionCounts
from services.activity_tracking.domain.sessions import DAYS, counts_of
from shared.language.decision import Subject, key_of
from tests.support.fakes import FakeWork


def days_of(memory: FakeWork, subject: Subject) -> Mapping[date, SessionCounts]:
    """The counts of each day of the journey's sessions; as `repository.read_days` finds them."""
    rows = [row for (collection, _), row in memory.table.items() if collection == DAYS]
    return {
        date.fromisoformat(row["day"]): counts_of(row) for row in rows if row["journey_id"] == key_of(subject)
    }
