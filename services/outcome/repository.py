"""How outcome's states become documents, and the indexes that its reading needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from services.outcome.domain.journey import Outcome
from services.outcome.domain.participation import RESTING, Others
from services.outcome.figures.repository import INDEXES as FIGURE_INDEXES
from services.outcome.figures.state import JourneyFigures, OutputFigures, RegisterFigures
from shared.language.decision import Received, Subject, key_of, subject_of
from shared.language.errors import StateUnreadable
from shared.language.events import JourneyId, ParticipationSettled
from shared.language.passage import with_hands
from shared.language.stored_states import Kind, StoredStates, valid_as_it_is
from shared.runtime.collections import Collections
from shared.runtime.corrections import CORRECTION_INDEXES


def _alone(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 to 3: nothing is known yet of the person's other journeys."""
    return {**document, "participation": None, "first_entry": None, "others_left": {}}


class Outcomes(StoredStates):
    """One state per journey."""

    collection = "outcomes"
    kinds: Mapping[str, Kind] = {"journey": Kind(Outcome, (with_hands, _alone, valid_as_it_is))}


def _every_journey_alone(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 to 3: each journey counts a person, until a rebuild of the figures."""
    kept = {name: one for name, one in document.items() if name != "beside"}
    return {**kept, "together": None, "first_gender": "not_known", "others_left": {}}


class FigureJourneys(StoredStates):
    """The projector's states, of journeys, outputs and registers."""

    collection = "figure_journeys"
    kinds: Mapping[str, Kind] = {
        "journey": Kind(JourneyFigures, (with_hands, _every_journey_alone, valid_as_it_is, valid_as_it_is)),
        "output": Kind(OutputFigures),
        "register": Kind(RegisterFigures),
    }


INDEXES: dict[str, list[IndexModel]] = {
    # the person's journeys that rest on one whose entry or exit is recorded
    RESTING: [IndexModel([("of", ASCENDING), ("_id", ASCENDING)])],
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
    """What may not travel in an event: gender and completeness, for the journeys whose entry was recorded.

    first_gender: of a journey that is not its person's first, the gender that the first one's entry says.
    """
    subjects = {key_of(one.subject): one.subject for one in received}
    rows = database["entries"].find({"_id": {"$in": list(subjects)}}, session=session)
    return {subjects[row["_id"]]: row for row in rows}


def read_others(
    database: Collections, session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Others]:
    """The other journeys that intake's word names, as outcome keeps them, for each journey that it is said of."""
    named: dict[Subject, set[JourneyId]] = {one.subject: set() for one in received}
    for one in received:
        whole = one.body.participation if isinstance(one.body, ParticipationSettled) else None
        if whole is not None:
            named[one.subject] |= {whole.first, *whole.started}
    wanted = [subject_of("journey", one) for one in set[JourneyId]().union(*named.values())]
    documents = database[Outcomes.collection].find({"_id": {"$in": wanted}}, {"state": 1}, session=session)
    held = {JourneyId(key_of(row["_id"])): _read(row) for row in documents}
    return {subject: {one: held[one] for one in names & held.keys()} for subject, names in named.items()}


def _read(row: Mapping[str, Any]) -> Outcome | StateUnreadable:
    try:
        found: Outcome = Outcomes().read(row["_id"], row["state"])
    except StateUnreadable as error:
        return error
    return found
