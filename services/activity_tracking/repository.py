"""How the states of activity tracking become documents, and the indexes that its reading needs."""

from collections.abc import Mapping, Sequence
from datetime import date

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from services.activity_tracking.domain.journey import Journey, SessionCounts
from services.activity_tracking.domain.outputs import Output
from services.activity_tracking.domain.sessions import DAYS, counts_of
from shared.language.decision import Received, Subject, key_of, subject_of
from shared.language.passage import with_hands
from shared.language.stored_states import Kind, StoredStates, valid_as_it_is
from shared.runtime.collections import Collections
from shared.runtime.corrections import CORRECTION_INDEXES


class Activities(StoredStates):
    """States of journeys and of outputs, in one collection."""

    collection = "activities"
    kinds: Mapping[str, Kind] = {
        "journey": Kind(Journey, (with_hands, valid_as_it_is)),
        "output": Kind(Output),
    }


def read_days(
    database: Collections, session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Mapping[date, SessionCounts]]:
    """The counts of each day on which the journeys had sessions: few, and asked for where their bounds move alone."""
    found: dict[Subject, dict[date, SessionCounts]] = {one.subject: {} for one in received}
    if not found:
        return {}
    rows = database[DAYS].find({"journey_id": {"$in": [key_of(one) for one in found]}}, session=session)
    for row in rows:
        counts = found[subject_of("journey", row["journey_id"])]
        counts[date.fromisoformat(row["day"])] = counts_of(row)
    return found


INDEXES: Mapping[str, list[IndexModel]] = {
    # pages of a journey's sessions, in the order of recording
    "sessions": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    # the days of a journey whose bounds have moved
    DAYS: [IndexModel([("journey_id", ASCENDING)])],
    # a journey's overview
    "activities_planned": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    "goals": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    "progress": [IndexModel([("journey_id", ASCENDING), ("round", ASCENDING)])],
    "competences": [IndexModel([("journey_id", ASCENDING)])],
    **CORRECTION_INDEXES,
    # pages of a programme's outputs
    "outputs": [IndexModel([("programme", ASCENDING), ("_id", ASCENDING)])],
}
