"""A person once, on a real stack: two registrations at one moment, and what neither organisation learns by it."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.support.callers import AGENCY, PROVIDER, Callers, calling
from tools.stack import Stack

FK = "forsakringskassan"
NUMBERS = ("196408233234", "198507099805", "199001012385")
"""The first is in no other file that may have used the stack before: nobody has it here yet."""
VARYING = frozenset({"date", "trace-id", "traceparent", "location"})
"""Headers that are never twice the same. The address holds the handle."""


@pytest.fixture(scope="module")
def callers(stack: Stack) -> Iterator[Callers]:
    with calling(stack) as found:
        yield found


@pytest.fixture(scope="module")
def database(callers: Callers) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri, tz_aware=True) as client:
        yield client["intake"]


def identity(number: str | None) -> dict[str, Any]:
    return {"name": f"Kim {uuid.uuid4().hex[:8].translate(LETTERS)}", "personnummer": number}


LETTERS = str.maketrans("0123456789", "ghijklmnop")


def register(callers: Callers, by: str, number: str | None) -> httpx.Response:
    return callers.ask("POST", "/participants", by, identity(number), key=uuid.uuid4().hex)


def forget(database: Database[dict[str, Any]], number_rows: list[dict[str, Any]]) -> None:
    for row in number_rows:
        database["numbers"].delete_one({"_id": row["_id"]})


def shape(answer: httpx.Response) -> tuple[int, list[str], dict[str, str]]:
    headers = {name: text for name, text in answer.headers.items() if name.lower() not in VARYING}
    return answer.status_code, list(answer.json()), headers


def test_of_many_registrations_at_one_moment_one_person_comes_with_a_handle_for_each(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    for _ in range(4):
        before = set(database["numbers"].distinct("_id"))
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(register, callers, by, NUMBERS[0]) for by in (AGENCY, FK) * 4]
        answers = [one.result() for one in asked]
        assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
        handles = {one.json()["participant_id"] for one in answers}
        rows = list(database["handles"].find({"_id": {"$in": sorted(handles)}}))
        assert sorted(row["organisation"] for row in rows) == [AGENCY, FK]
        assert len({row["home"] for row in rows}) == 1
        person = database["referrals"].find_one({"_id": f"participant/{rows[0]['home']}"})
        assert person is not None
        assert person["state"]["identities"] == 2
        new = list(database["numbers"].find({"_id": {"$nin": sorted(before)}}))
        assert len(new) == 1
        forget(database, new)


def test_a_known_and_an_unknown_number_are_answered_alike(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    first, second = register(callers, FK, NUMBERS[1]), register(callers, AGENCY, NUMBERS[1])
    unknown = register(callers, AGENCY, NUMBERS[2])
    assert shape(first) == shape(second) == shape(unknown)
    handles = [one.json()["participant_id"] for one in (first, second)]
    assert handles[0] != handles[1]
    homes = {row["home"] for row in database["handles"].find({"_id": {"$in": handles}})}
    assert len(homes) == 1
    for by, handle in ((AGENCY, handles[0]), (FK, handles[1])):
        read = callers.ask("GET", f"/participants/{handle}", by, Purpose="to see who it is")
        nobody = callers.ask("GET", f"/participants/h-{'1' * 26}", by, Purpose="to see who it is")
        assert (read.status_code, read.json()["detail"]) == (404, nobody.json()["detail"])


def test_no_answer_holds_what_two_organisations_could_join_their_lists_by(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    seen: dict[str, set[str]] = {}
    for by in (AGENCY, FK):
        handle = register(callers, by, NUMBERS[1]).json()["participant_id"]
        body = {
            "reference": f"join-{by}",
            "participant_id": handle,
            "programme": "coactive",
            "municipality": "2482",
            "provider": PROVIDER,
            "occurred_on": "2018-03-01",
        }
        sent = callers.ask("POST", "/referrals", by, body)
        assert sent.status_code == 201, sent.text
        answers = [
            sent,
            callers.ask("GET", f"/referrals/{sent.json()['journey_id']}", by),
            callers.ask("GET", "/referrals?limit=200", by),
            callers.ask("GET", f"/participants/{handle}", by, Purpose="to see who it is"),
            callers.ask("GET", f"/participants/{handle}/corrections", by),
        ]
        assert not any("p-0" in one.text for one in answers)
        seen[by] = {text for one in answers for text in texts(one.json()) if text[:2] in ("h-", "j-", "p-")}
    assert seen[AGENCY]
    assert not seen[AGENCY] & seen[FK]
    inner = set(database["handles"].distinct("home"))
    assert not inner & (seen[AGENCY] | seen[FK])


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value
