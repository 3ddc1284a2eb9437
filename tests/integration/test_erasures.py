"""An erasure outlives a backup: what is put back from before it is erased again, by itself and on request."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from services.intake.erasures import MOST_FAILURES
from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROVIDER, Callers, calling, referral
from tests.support.scrapes import measured
from tests.support.stack import fresh_stack
from tools.stack import Stack


@pytest.fixture(scope="module")
def callers() -> Iterator[Callers]:
    """Intake on a stack of its own, so that its log of erasures holds nobody else's."""
    with fresh_stack() as stack, calling(stack) as found:
        yield found


@pytest.fixture(scope="module")
def database(callers: Callers) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri, tz_aware=True) as client:
        yield client["intake"]


def document_of(database: Database[dict[str, Any]], handle: str) -> dict[str, Any]:
    """What the agency has brought, as it is stored."""
    found = database["referrals"].find_one({"_id": f"handle/{handle}"})
    assert found is not None
    return found


def backup_of(database: Database[dict[str, Any]], handle: str) -> list[dict[str, Any]]:
    """What the agency has brought, and the person: both as they are stored."""
    brought = document_of(database, handle)
    person = database["referrals"].find_one({"_id": subject_of(brought)})
    assert person is not None
    return [brought, person]


def subject_of(brought: dict[str, Any]) -> str:
    return f"participant/{brought['state']['participant_id']}"


def put_back(database: Database[dict[str, Any]], documents: list[dict[str, Any]]) -> None:
    for one in documents:
        database["referrals"].replace_one({"_id": one["_id"]}, one)


def said_of(database: Database[dict[str, Any]], before: list[dict[str, Any]]) -> int:
    """How often it was said that the person was erased."""
    return database["events"].count_documents({"_id": {"$regex": f"^{subject_of(before[0])}:"}})


def erase(callers: Callers, person: str) -> httpx.Response:
    return callers.ask("POST", f"/participants/{person}/erasure", AGENCY, {})


def read(callers: Callers, person: str) -> httpx.Response:
    return callers.ask("GET", f"/participants/{person}", AGENCY, Purpose="to see whether it is gone")


def restart(stack: Stack) -> None:
    stack.stop("intake-consume")
    stack.start("intake-consume")


def published(database: Database[dict[str, Any]]) -> bool:
    return not database["events"].count_documents({"pend": {"$exists": True}})


def test_what_a_backup_puts_back_is_erased_again_at_start(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    person, untouched = callers.register(), callers.register()
    before = backup_of(database, person)
    assert erase(callers, person).status_code == 200
    until(lambda: published(database), "the erasure in Kafka")
    erased_at = document_of(database, person)["state"]["erased_at"]
    put_back(database, before)
    assert read(callers, person).status_code == 200, "the backup really brings the person back"

    restart(callers.stack)
    until(lambda: document_of(database, person)["state"]["sealed"] is None, "the second erasure")
    assert document_of(database, person)["state"]["erased_at"] == erased_at
    assert read(callers, person).json()["code"] == "participant-erased"
    assert document_of(database, untouched)["state"]["sealed"] is not None
    until(
        lambda: measured(callers.stack, "intake-consume", "journey_erasures_undone") == 1, "the count of them"
    )
    assert measured(callers.stack, "intake-consume", "journey_erasures_looked_timestamp_seconds") > 0
    log = (callers.stack.settings.folder / "logs" / "intake-consume.log").read_text(encoding="utf-8")
    assert "erased-again" in log
    assert person not in log
    # Said once, when it was erased first.
    assert said_of(database, before) == 1
    assert erase(callers, person).status_code == 200


def test_what_a_backup_puts_back_can_be_erased_again_on_request(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    person = callers.register()
    before = backup_of(database, person)
    first = erase(callers, person)
    put_back(database, before)
    second = erase(callers, person)
    assert (first.status_code, second.status_code) == (200, 200), second.text
    assert document_of(database, person)["state"]["sealed"] is None
    assert said_of(database, before) == 1


def test_a_database_restored_whole_forgets_that_it_said_so_and_is_erased_all_the_same(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    person = callers.register()
    before = backup_of(database, person)
    assert erase(callers, person).status_code == 200
    until(lambda: published(database), "the erasure in Kafka")
    put_back(database, before)
    database["events"].delete_many({"_id": {"$regex": f"{subject_of(before[0])}|{person}"}})
    database["commands"].delete_many({"subject": f"handle/{person}"})
    restart(callers.stack)
    until(lambda: document_of(database, person)["state"]["sealed"] is None, "the second erasure")
    assert read(callers, person).status_code == 409
    assert erase(callers, person).status_code == 200


def test_what_referrals_say_is_destroyed_with_the_person_and_again_after_a_restore(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    person = callers.register()
    journey = callers.ask("POST", "/referrals", AGENCY, referral(person, reference=person)).json()[
        "journey_id"
    ]
    path, said = f"/referrals/{journey}/contents", {"person_knows": True, "needs": "A calm place."}
    assert callers.ask("PUT", path, AGENCY, said).status_code == 200
    for by in (AGENCY, PROVIDER):
        assert callers.ask("GET", path, by, Purpose="to decide on a place").json()["needs"] == said["needs"]
    before, key = backup_of(database, person), database["content_keys"].find_one({"_id": person})
    assert key is not None
    assert b"calm" not in database["contents"].find_one({"_id": journey})["ciphertext"]  # type: ignore[index]
    assert erase(callers, person).status_code == 200
    until(lambda: published(database), "the erasure in Kafka")
    assert callers.ask("GET", path, PROVIDER, Purpose="to decide").json()["code"] == "participant-erased"

    put_back(database, before)
    database["content_keys"].replace_one({"_id": person}, key)
    assert callers.ask("GET", path, PROVIDER, Purpose="to decide").status_code == 200
    restart(callers.stack)
    until(lambda: document_of(database, person)["state"]["sealed"] is None, "the second erasure")
    assert callers.ask("GET", path, PROVIDER, Purpose="to decide").json()["code"] == "participant-erased"


def test_people_whose_states_cannot_be_read_keep_nobody_else_readable(
    callers: Callers, database: Database[dict[str, Any]]
) -> None:
    ill, well = [callers.register() for _ in range(MOST_FAILURES + 1)], callers.register()
    before = {person: backup_of(database, person) for person in (*ill, well)}
    for person in before:
        assert erase(callers, person).status_code == 200
    until(lambda: published(database), "the erasures in Kafka")
    for person, (brought, state) in before.items():
        broken = {"schema_version": 99} if person in ill else {}
        put_back(database, [{**brought, "state": {**brought["state"], **broken}}, state])
    restart(callers.stack)
    until(lambda: document_of(database, well)["state"]["sealed"] is None, "the second erasure")
    for documents in before.values():
        put_back(database, documents)
    restart(callers.stack)
    until(
        lambda: all(document_of(database, person)["state"]["sealed"] is None for person in ill),
        "the erasures once the states can be read",
    )


def test_nobody_else_may_say_or_hear_who_was_erased(callers: Callers) -> None:
    declared = callers.stack.declaration()
    writers = [one.name for one in declared.principals if "journey.erasures.v1" in one.write]
    assert writers == ["intake"]
