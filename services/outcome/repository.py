"""How outcome's states become documents, and the indexes that its reading needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from services.outcome.domain.journey import Outcome
from services.outcome.figures.repository import INDEXES as FIGURE_INDEXES
from services.outcome.figures.state import JourneyFigures, OutputFigures
from shared.language.decision import Received, Subject, key_of
from shared.language.passage import with_hands
from shared.language.stored_states import Kind, StoredStates
from shared.runtime.collections import Collections
from shared.runtime.corrections import CORRECTION_INDEXES


class Outcomes(StoredStates):
    """One state per journey."""

    collection = "outcomes"
    kinds: Mapping[str, Kind] = {"journey": Kind(Outcome, (with_hands,))}


class FigureJourneys(StoredStates):
    """The projector's states, of journeys and of outputs."""

    collection = "figure_journeys"
    kinds: Mapping[str, Kind] = {
        "journey": Kind(JourneyFigures, (with_hands,)),
        "output": Kind(OutputFigures),
    }


INDEXES: dict[str, list[IndexModel]] = {
    # pages of an organisation's follow-ups of one status, the earliest day first
    "follow_ups": [
        IndexModel(
            [
                ("organisations", ASCENDING),
                ("status", ASCENDING),
                ("programme_key", ASCENDING),
                ("order", ASCENDING),
            ]
        )
    ],
    **CORRECTION_INDEXES,
    **FIGURE_INDEXES,
}


def read_entries(
    database: Collections, session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Any]:
    """What may not travel in an event: gender and completeness, for the journeys whose entry was recorded."""
    subjects = {key_of(one.subject): one.subject for one in received}
    rows = database["entries"].find({"_id": {"$in": list(subjects)}}, session=session)
    return {subjects[row["_id"]]: {"gender": row["gender"], "complete": row["complete"]} for row in rows}
