"""How the states of handover become documents, and the indexes that its reading needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel

from services.handover.domain.journey import Journey
from shared.language.decision import Subject
from shared.runtime.corrections import CORRECTION_INDEXES


class Handovers:
    """One state per journey. Satisfies `change.Repository`."""

    collection = "handovers"

    def write(self, state: Journey) -> dict[str, Any]:
        """The state as a document: days as ISO strings, moments as they are."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=(datetime,))
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Journey:
        """The state that `write` made the document of."""
        return msgspec.convert(document, Journey)


INDEXES: Mapping[str, list[IndexModel]] = {
    **CORRECTION_INDEXES,
    "offers": [
        # pages of a journey's offers, in the order in which they were made
        IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)]),
        # what awaits an organisation's answer
        IndexModel(
            [
                ("to_organisation", ASCENDING),
                ("status", ASCENDING),
                ("programme_key", ASCENDING),
                ("_id", ASCENDING),
            ]
        ),
    ],
}
