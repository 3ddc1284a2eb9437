"""How outcome's states become documents, and the indexes that its reading needs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from services.outcome.domain.journey import Outcome
from services.outcome.figures.repository import INDEXES as FIGURE_INDEXES
from services.outcome.figures.state import Figures, JourneyFigures, OutputFigures
from shared.language.decision import Received, Subject, key_of, kind_of
from shared.runtime.corrections import CORRECTION_INDEXES


class Outcomes:
    """One document per journey. Satisfies `change.Repository`."""

    collection = "outcomes"

    def write(self, state: Outcome) -> dict[str, Any]:
        """The state as a document: days as ISO strings, moments as they are."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime,))
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Outcome:
        """The state that `write` made the document of."""
        return msgspec.convert(document, Outcome)


class FigureJourneys:
    """The projector's states, of journeys and of outputs. Satisfies `change.Repository`."""

    collection = "figure_journeys"
    states: Mapping[str, type[Figures]] = {"journey": JourneyFigures, "output": OutputFigures}

    def write(self, state: Figures) -> dict[str, Any]:
        """The state as a document."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime,))
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Figures:
        """The state that `write` made the document of."""
        return msgspec.convert(document, self.states[kind_of(subject)])


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
    database: Database[Any], session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Any]:
    """What may not travel in an event: gender and completeness, for the journeys whose entry was recorded."""
    subjects = {key_of(one.subject): one.subject for one in received}
    rows = database["entries"].find({"_id": {"$in": list(subjects)}}, session=session)
    return {subjects[row["_id"]]: {"gender": row["gender"], "complete": row["complete"]} for row in rows}
