"""What one row of a bulk request says: a session, and the journey that it belongs to."""

from dataclasses import dataclass

from services.activity_tracking.api.schemas import LogSessionBody
from services.activity_tracking.domain.sessions import LogSession
from shared.edge.fields import id_field
from shared.edge.texts import Reference
from shared.language.events import JourneyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow(LogSession):
    """A session and the journey it belongs to."""

    journey_id: JourneyId


class RowOfSession(LogSessionBody):
    """One row of a bulk request: a session, the journey it belongs to, and the reference that names it."""

    makes = SessionRow
    journey_id = id_field("j", required=True)
    reference = Reference(100, required=True)
