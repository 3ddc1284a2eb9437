"""A register of two hundred people on a real MongoDB: read by a few questions, marked in one transaction."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from threading import Event
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from pymongo import MongoClient

from services.activity_tracking.domain.counted import Site, count_timer
from services.activity_tracking.domain.groups import MEMBERS
from services.activity_tracking.domain.plan import PLANNED
from services.intake.domain.register import named_by
from shared.edge.callers import Admission
from shared.host.connections import RUNTIME_INDEXES
from shared.language.decision import subject_of
from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of
from shared.runtime.clock import Clock
from shared.runtime.commands import ROWS_IN_ROUND, Commands
from shared.runtime.fingerprint import fingerprints_from
from shared.runtime.published import Published
from shared.runtime.staged import SubjectDocument, written
from shared.runtime.timers import Timers
from tests.support.asked import Asked
from tests.support.attending import attend
from tests.support.fakes import UNLIMITED, NamedTokens, noon
from tests.support.page_server import read_programme
from tools.contracts.services import NOWHERE, application_of, services

PEOPLE, GONE = 200, 300
UNIT = "second-hand-skelleftea"
MONDAY = date(2016, 6, 6)
ACTIVITY = services()["activity_tracking"]


@pytest.fixture(name="asked")
def _asked() -> Asked:
    return Asked()


@pytest.fixture(name="database")
def _database(stack: Any, asked: Asked, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Activity tracking's database, with the people, on a Monday."""
    with MongoClient[dict[str, Any]](
        stack.admin_mongo_uri, tz_aware=True, w="majority", event_listeners=[asked]
    ) as client:
        database = client[f"attendance_{request.node.name[:20]}"]
        for collection, models in (*RUNTIME_INDEXES.items(), *ACTIVITY.indexes.items()):
            database[collection].create_indexes(models)
        programme = read_programme()
        database["programmes"].insert_one(
            {
                "_id": programme.key,
                "programme": programme.id,
                "version": programme.version,
                "body": msgspec.to_builtins(programme),
            }
        )
        count: dict[str, Any] | None = None
        for entry in (one for pair in named_by([(programme, programme.starts_on)]) for one in pair):
            row, after = rows_of(entry, count, 1)
            count = dict(after.body)
            database[REGISTER].replace_one({"_id": row.key}, dict(row.body), upsert=True)
        database[COUNTS].insert_one({"_id": COUNT, **(count or {})})
        attend(database, UNIT, PEOPLE, GONE)
        yield database


@pytest.fixture(name="web")
def _web(database: Any) -> FlaskClient:
    clock = Clock(database, driven=True)
    clock.move(noon(MONDAY))
    commands = Commands(
        client=database.client,
        database=database.name,
        repository=ACTIVITY.repository,
        published=Published(database, lambda: 0.0),
        source=ACTIVITY.source,
        clock=clock,
        fingerprints=fingerprints_from(NOWHERE.fingerprint_key),
        waiters=1,
    )
    return application_of(ACTIVITY, commands, Admission(NamedTokens(), UNLIMITED), clock).test_client()


HEADERS = {"Authorization": f"Bearer {UNIT}:supervisor"}


def marked(web: FlaskClient, key: str, **said: Any) -> list[dict[str, Any]]:
    answer = web.post("/attendance", json=said, headers={**HEADERS, "Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def test_a_register_costs_a_few_questions_and_one_transaction(
    web: FlaskClient, database: Any, asked: Asked
) -> None:
    web.get("/attendance", headers=HEADERS)  # the first asks for what was published
    asked.names.clear()
    shown = web.get("/attendance", headers=HEADERS).json
    read = asked.names.copy()
    assert shown is not None
    assert (len(shown["expected"]), shown["not_marked"]) == (PEOPLE, PEOPLE)
    # Closures, plans, journeys, pauses, marks here and elsewhere; sessions where there are marks; the clock.
    assert read["find"] <= 8, read
    ill = {"journey_id": shown["expected"][7]["journey_id"], "plan": "a1", "hour": "09:00"}
    asked.names.clear()
    results = marked(web, "all", rest="present", marks=[{**ill, "presence": "absent", "reason": "ill"}])
    wrote = asked.names.copy()
    assert [one["changed"] for one in results] == [True] * PEOPLE
    assert wrote["commitTransaction"] == 1, wrote
    assert wrote.total() <= 25, wrote
    assert database["sessions"].count_documents({}) == PEOPLE
    assert database["sessions"].count_documents({"attendance": "no"}) == 1
    assert marked(web, "again", rest="present") == []
    assert database["events"].count_documents({}) == PEOPLE + 1, "and the report of who was ill"


def test_a_timer_counts_a_day_by_a_few_questions(web: FlaskClient, database: Any, asked: Asked) -> None:
    site = SubjectDocument(subject_of("site", UNIT), state=Site(unit=UNIT, next_on=MONDAY), dirty=True)
    database[ACTIVITY.repository.collection].bulk_write([written(site, ACTIVITY.repository)])
    timer = count_timer(site.state)
    row = {"due": timer.due, "subject": site.subject, "command": timer.command, "body": dict(timer.body)}
    database["timers"].insert_one({"_id": timer.key, **row, "trace": ""})
    clock = Clock(database, driven=True)
    timers = Timers(
        client=database.client,
        database=database.name,
        repository=ACTIVITY.repository,
        published=Published(database, lambda: 0.0),
        source=ACTIVITY.source,
        folds=ACTIVITY.timers,
        use_cases=ACTIVITY.timer_use_cases,
        clock=clock,
        stop=Event(),
    )
    assert timers.fire_due() == 0, "the day is not over"
    marked(web, "one", marks=[], rest="present")
    clock.move(noon(date(2016, 6, 7)))
    asked.names.clear()
    assert timers.fire_due() == 1
    assert asked.names["find"] <= 16, asked.names
    (counted,) = database["registers"].find({})
    assert (counted["expected"], counted["not_marked"], "open" in counted) == (PEOPLE, 0, False)
    assert database["timers"].find_one({})["due"] == noon(date(2016, 6, 7)) + timedelta(hours=12, minutes=1)


def test_what_has_ended_is_not_looked_through(database: Any) -> None:
    condition = {"unit": UNIT, "until": {"$gt": f"{date(2016, 6, 5)}:~"}}
    assert _spent(database, PLANNED, condition) == (PEOPLE, PEOPLE)


def test_a_file_costs_a_few_questions_for_many_rows_and_the_same_again_writes_nothing(
    web: FlaskClient, database: Any, asked: Asked
) -> None:
    shown = web.get("/attendance", headers=HEADERS).json
    assert shown is not None
    database["activities"].update_many({}, {"$set": {"state.pauses": 1}})
    place = {"day": MONDAY.isoformat(), "plan": "a1", "hour": "09:00", "presence": "present"}
    rows = [{**place, "journey_id": one["journey_id"]} for one in shown["expected"]]

    def send(key: str) -> list[dict[str, Any]]:
        asked.names.clear()
        answer = web.post("/attendance/marks", json=rows, headers={**HEADERS, "Idempotency-Key": key})
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        found: list[dict[str, Any]] = answer.json["results"]
        return found

    rounds = -(-PEOPLE // ROWS_IN_ROUND)
    assert [one["changed"] for one in send("first")] == [True] * PEOPLE
    # For each round journeys, plans, marks, days, the clock; for each person its pauses; and the request itself.
    assert asked.names["find"] <= rounds * 6 + PEOPLE + 4, asked.names
    assert asked.names["commitTransaction"] <= rounds + 2, asked.names
    assert database["sessions"].count_documents({}) == PEOPLE
    assert [one["changed"] for one in send("second")] == [False] * PEOPLE
    assert database["sessions"].count_documents({}) == database["events"].count_documents({}) == PEOPLE


def test_who_takes_part_in_a_group_is_found_by_an_index(
    web: FlaskClient, database: Any, asked: Asked
) -> None:
    # A single day holds on a holiday too, as this Monday is.
    dates = [{"day": MONDAY.isoformat(), "starts_at": "09:00", "ends_at": "12:00"}]
    said = {"programme": "coactive", "activity": "work_training", "first_on": "2016-03-01", "dates": dates}
    groups = [
        _posted(web, f"group-{number}", "/groups", {**said, "room": f"Room {number}"})["group_id"]
        for number in range(2)
    ]
    ids = [one["_id"] for one in database[PLANNED].find({}, sort=[("_id", 1)])]
    database[PLANNED].update_many({"_id": {"$in": ids[: GONE + MEMBERS]}}, {"$set": {"group": groups[0]}})
    path = f"/journeys/j-{GONE + PEOPLE - 1:026d}/groups"
    full, free = ({"group": one, "first_on": MONDAY.isoformat()} for one in groups)
    refused = web.post(path, json=full, headers=_keyed("full"))
    assert (refused.status_code, refused.json and refused.json["code"]) == (409, "group-full")
    assert _posted(web, "joins", path, free)["plan"] == "a2"

    members = _spent(database, PLANNED, {"group": groups[0], "until": {"$gt": f"{date(2016, 6, 5)}:~"}})
    assert members == (MEMBERS, MEMBERS), "those who have left are not looked through"
    assert _spent(database, PLANNED, {"group": groups[0], "until": {"$gt": ""}}, limit=1) == (1, 1)
    assert _spent(database, "groups", {"unit": UNIT, "void": False, "until": {"$gt": ""}}) == (2, 2)

    asked.names.clear()
    shown = web.get("/attendance", headers=HEADERS).json
    assert shown is not None
    # What a register without groups costs, and all its groups.
    assert asked.names["find"] <= 9, asked.names
    rooms = Counter(one["room"] for one in shown["expected"])
    assert rooms == {"Room 0": MEMBERS, "Room 1": 1, None: PEOPLE - MEMBERS}


def _keyed(key: str) -> dict[str, str]:
    return {**HEADERS, "Idempotency-Key": key}


def _posted(web: FlaskClient, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = web.post(path, json=body, headers=_keyed(key))
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return dict(answer.json)


def _spent(database: Any, collection: str, where: Any, limit: int = 0) -> tuple[int, int]:
    """How many documents the question by `until` returned, and how many it looked at; by an index, in its order."""
    query = {"find": collection, "filter": where, "sort": {"until": 1}, "limit": limit}
    told = database.command("explain", query, verbosity="executionStats")
    plan = str(told["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in plan and "'SORT'" not in plan, plan
    return int(told["executionStats"]["nReturned"]), int(told["executionStats"]["totalDocsExamined"])
