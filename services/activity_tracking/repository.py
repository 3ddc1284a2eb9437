"""How the states of activity tracking become documents, and the indexes that its reading needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel

from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.outputs import Output
from shared.runtime.change import Subject, kind_of

STATES: Mapping[str, type] = {"journey": Journey, "output": Output}


class Activities:
    """States of journeys and of outputs, in one collection. Satisfies `change.Repository`."""

    collection = "activities"

    def write(self, state: Journey | Output) -> dict[str, Any]:
        """The state as a document: days as ISO strings, moments as they are."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime,))
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Journey | Output:
        """The state that `write` made the document of."""
        state: Journey | Output = msgspec.convert(document, STATES[kind_of(subject)])
        return state


INDEXES: Mapping[str, list[IndexModel]] = {
    # pages of a journey's sessions, in the order of recording
    "sessions": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    # a journey's overview
    "activities_planned": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    "goals": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    "progress": [IndexModel([("journey_id", ASCENDING), ("round", ASCENDING)])],
    "competences": [IndexModel([("journey_id", ASCENDING)])],
    # pages of a programme's outputs
    "outputs": [IndexModel([("programme", ASCENDING), ("_id", ASCENDING)])],
}
