"""How the states of activity tracking become documents, and the indexes that its reading needs."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from services.activity_tracking.domain.bounds import Beside
from services.activity_tracking.domain.closures import CLOSURES, Closure
from services.activity_tracking.domain.counted import REGISTERS, CountedRegister, Site
from services.activity_tracking.domain.extents import EXTENTS
from services.activity_tracking.domain.groups import GROUPS, Group
from services.activity_tracking.domain.held import MARKS
from services.activity_tracking.domain.journey import Journey, SessionCounts
from services.activity_tracking.domain.outputs import Output
from services.activity_tracking.domain.pauses import PAUSES
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity
from services.activity_tracking.domain.progress import measured_from
from services.activity_tracking.domain.reports import REPORTS
from services.activity_tracking.domain.session_days import DAYS, counts_of
from services.activity_tracking.domain.written import DUE
from shared.language.decision import Received, Subject, key_of, subject_of
from shared.language.passage import with_hands
from shared.language.rows import entry_of
from shared.language.stored_states import Kind, StoredStates, valid_as_it_is
from shared.runtime.collections import Collections
from shared.runtime.corrections import CORRECTION_INDEXES


class Activities(StoredStates):
    """States of journeys, outputs, closures, groups, units and counted registers, in one collection."""

    collection = "activities"
    kinds: Mapping[str, Kind] = {
        "journey": Kind(Journey, (with_hands, *(valid_as_it_is,) * 6)),
        "output": Kind(Output),
        "closure": Kind(Closure),
        "group": Kind(Group),
        "site": Kind(Site),
        "register": Kind(CountedRegister),
    }

    def write(self, state: Journey | Output) -> dict[str, Any]:
        """The document; of an open journey also its programme's version, and its place by the last measure."""
        document = super().write(state)
        if isinstance(state, Journey) and (measured := measured_from(state)) is not None:
            document |= {"programme_key": state.passage.programme_key, "measured": measured}
        return document


def read_beside(
    database: Collections, session: ClientSession, received: Sequence[Received]
) -> Mapping[Subject, Beside]:
    """What the journeys' days count and what is planned with hours: few, and asked for where bounds or hands move."""
    subjects = {one.subject for one in received}
    if not subjects:
        return {}
    within = {"journey_id": {"$in": [key_of(one) for one in subjects]}}
    days: dict[Subject, dict[date, SessionCounts]] = {one: {} for one in subjects}
    for row in database[DAYS].find(within, session=session):
        counts = days[subject_of("journey", row["journey_id"])]
        counts[date.fromisoformat(row["day"])] = counts_of(row)
    plans: dict[Subject, list[PlannedActivity]] = {one: [] for one in subjects}
    timed = {"$or": [{"hours": {"$nin": [None, []]}}, {"group": {"$gt": ""}}]}
    for row in database[PLANNED].find({**within, **timed}, session=session):
        plans[subject_of("journey", row["journey_id"])].append(entry_of(PlannedActivity, row))
    return {one: Beside(days=days[one], plans=plans[one]) for one in subjects}


INDEXES: Mapping[str, list[IndexModel]] = {
    # GET /waiting: the open journeys that a unit holds, the one that was measured longest ago first
    "activities": [
        IndexModel(
            [
                (name, ASCENDING)
                for name in ("state.passage.responsible", "state.programme_key", "state.measured")
            ],
            partialFilterExpression={"state.measured": {"$exists": True}},
        )
    ],
    # pages of a journey's sessions, in the order of recording
    "sessions": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    # the days of a journey whose bounds have moved, and its hours from one day to another
    DAYS: [IndexModel([("journey_id", ASCENDING), ("_id", ASCENDING)])],
    PLANNED: [
        # a journey's overview
        IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)]),
        # a unit's register of a day
        IndexModel(
            [("unit", ASCENDING), ("until", ASCENDING)],
            partialFilterExpression={"until": {"$exists": True}},
        ),
        # who takes part in a group, by the last day
        IndexModel(
            [("group", ASCENDING), ("until", ASCENDING)],
            partialFilterExpression={"group": {"$gt": ""}},
        ),
    ],
    # GET /groups: a unit's that stand, by their last day
    GROUPS: [
        IndexModel([("unit", ASCENDING), ("until", ASCENDING)], partialFilterExpression={"void": False})
    ],
    # a journey's overview
    "goals": [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    "progress": [IndexModel([("journey_id", ASCENDING), ("round", ASCENDING)])],
    "competences": [IndexModel([("journey_id", ASCENDING)])],
    **CORRECTION_INDEXES,
    PAUSES: [
        # a journey's overview
        IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)]),
    ],
    # a journey's overview, and the extents of its days
    EXTENTS: [IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)])],
    MARKS: [
        # a day's register: what of it was marked, whatever the plans say now
        IndexModel([("unit", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)]),
        # how its people were marked at other units that day
        IndexModel([("journey_id", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)]),
    ],
    REPORTS: [
        # reports that a provider owes and that await an acknowledgement, by their last day
        IndexModel(
            [("provider", ASCENDING), ("waits", ASCENDING)],
            partialFilterExpression={"waits": {"$exists": True}},
        ),
        # those that a referrer has not acknowledged yet, by their last day
        IndexModel(
            [("referrer", ASCENDING), ("waits", ASCENDING)],
            partialFilterExpression={"waits": {"$exists": True}},
        ),
        # all reports of a provider, by the moment at which they were made
        IndexModel([("provider", ASCENDING), ("listed", ASCENDING)]),
        # all reports to a referrer, by the moment at which they were made
        IndexModel([("referrer", ASCENDING), ("listed", ASCENDING)]),
    ],
    DUE: [
        # what one journey owes
        IndexModel([("journey_id", ASCENDING), ("number", ASCENDING)]),
        # GET /waiting: reports that a provider has not sent, by their last day
        IndexModel(
            [("provider", ASCENDING), ("unsent", ASCENDING)],
            partialFilterExpression={"unsent": {"$exists": True}},
        ),
    ],
    # a unit's closures that stand, by their last day
    CLOSURES: [
        IndexModel([("unit", ASCENDING), ("until", ASCENDING)], partialFilterExpression={"void": False})
    ],
    REGISTERS: [
        # GET /attendance/open, by day
        IndexModel(
            [("unit", ASCENDING), ("open", ASCENDING)],
            partialFilterExpression={"open": {"$exists": True}},
        ),
        # a day that is counted again
        IndexModel([("unit", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)]),
    ],
    # pages of a programme's outputs
    "outputs": [IndexModel([("programme", ASCENDING), ("_id", ASCENDING)])],
}
