"""How the states of handover become documents, and the indexes that its reading needs."""

from collections.abc import Mapping

from pymongo import ASCENDING, IndexModel

from services.handover.domain.journey import Journey
from shared.language.passage import with_hands
from shared.language.stored_states import Kind, StoredStates, valid_as_it_is
from shared.runtime.corrections import CORRECTION_INDEXES


class Handovers(StoredStates):
    """One state per journey."""

    collection = "handovers"
    kinds: Mapping[str, Kind] = {"journey": Kind(Journey, (with_hands, valid_as_it_is))}


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
