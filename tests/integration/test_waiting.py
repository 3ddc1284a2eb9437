"""What waits, and a person's hours, on a real MongoDB: read by an index, however much there is beside."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pymongo import MongoClient

from services.activity_tracking.app import SERVICE
from services.activity_tracking.domain.session_days import DAYS, day_key
from shared.language.events import JourneyId
from tests.support.attending import attend

UNIT, OTHER = "second-hand-skelleftea", "kafe-solrosen"
PEOPLE, GONE, MOST = 60, 200, 20


@pytest.fixture(name="database")
def _database(stack: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Activity tracking's database: those who take part at the unit, those who left, and those of another."""
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri, tz_aware=True, w="majority") as client:
        database = client[f"waiting_{request.node.name[:20]}"]
        for collection, models in SERVICE.indexes.items():
            database[collection].create_indexes(models)
        attend(database, UNIT, PEOPLE, GONE)
        attend(database, OTHER, PEOPLE, first=GONE + PEOPLE)
        yield database


def spent(database: Any, collection: str, where: Any, order: str) -> tuple[str, int, int]:
    """The winning plan, how many documents it returned, and how many it looked at."""
    query = {"find": collection, "filter": where, "sort": {order: 1}, "limit": MOST}
    told = database.command("explain", query, verbosity="executionStats")
    stats = told["executionStats"]
    return (
        str(told["queryPlanner"]["winningPlan"]),
        int(stats["nReturned"]),
        int(stats["totalDocsExamined"]),
    )


def test_measures_that_are_due_are_found_without_looking_at_others(database: Any) -> None:
    where = {
        "state.passage.responsible": UNIT,
        "state.programme_key": {"$in": ["coactive@1"]},
        "state.measured": {"$gt": ""},
    }
    plan, returned, examined = spent(database, "activities", where, "state.measured")
    assert "COLLSCAN" not in plan and "'SORT'" not in plan, plan
    assert (returned, examined) == (MOST, MOST)
    found = database["activities"].find(where, {"state.passage.exited_on": 1})
    assert {one["state"]["passage"]["exited_on"] for one in found} == {None}


def test_the_days_of_a_person_are_found_from_one_on(database: Any) -> None:
    journeys = [JourneyId(f"j-{number:026d}") for number in (GONE, GONE + 1)]
    days = [date(2016, 3, day) for day in range(1, 31)]
    database[DAYS].insert_many(
        [
            {"_id": day_key(journey, day), "journey_id": journey, "day": day.isoformat()}
            for journey in journeys
            for day in days
        ]
    )
    where = {"journey_id": journeys[0], "_id": {"$gt": day_key(journeys[0], date(2016, 3, 20))}}
    plan, returned, examined = spent(database, DAYS, where, "_id")
    assert "COLLSCAN" not in plan and "'SORT'" not in plan, plan
    assert (returned, examined) == (10, 10)
