"""Reads leave rows that the service itself cannot take back, sealed in a chain; who reads unusually much is told of."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from deploy.database import DATABASES
from shared.runtime.reads import OPERATORS, READS, SEALS, entry_id
from shared.runtime.sealer import Sealer
from shared.runtime.seals import Seals
from shared.telemetry.metrics import metric
from tests.support.awaiting import until
from tests.support.callers import AGENCY, NAME, PROVIDER, Callers, calling
from tests.support.scrapes import measured
from tests.support.stack import fresh_stack

Client = MongoClient[dict[str, Any]]
Kept = Database[dict[str, Any]]


@pytest.fixture(scope="module")
def callers() -> Iterator[Callers]:
    """Intake on a stack of its own."""
    with fresh_stack() as stack, calling(stack) as found:
        yield found


@pytest.fixture(scope="module")
def admin(callers: Callers) -> Iterator[Client]:
    with Client(callers.stack.admin_mongo_uri, tz_aware=True) as client:
        yield client


@pytest.fixture
def kept(admin: Client) -> Kept:
    return admin["intake_audit"]


class Reader:
    """One caseworker, who is the same person in each request."""

    def __init__(self, callers: Callers, person: str) -> None:
        token = callers.stack.token(AGENCY, "caseworker", person=person)
        self._headers = {"Authorization": f"Bearer {token}", "Purpose": "to call about a place"}
        self._web = callers.web

    def read(self, person: str) -> httpx.Response:
        return self._web.get(f"/participants/{person}", headers=self._headers)


# --- who, what, why -------------------------------------------------------------------------------------------


def test_reading_one_person_from_many_threads_changes_nothing_and_is_never_busy(
    callers: Callers, admin: Client, kept: Kept
) -> None:
    person, reader = callers.register(), Reader(callers, "h-crowd")
    document = admin["intake"]["referrals"].find_one({"_id": f"participant/{person}"})
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: reader.read(person), range(200)))
    assert {one.status_code for one in answers} == {200}
    assert admin["intake"]["referrals"].find_one({"_id": f"participant/{person}"}) == document
    assert kept[READS].count_documents({"subject": f"handle/{person}", "came_to": "given"}) == 200


def test_journeys_lists_and_refused_commands_leave_rows(callers: Callers, kept: Kept) -> None:
    began = entry_id(datetime.now(UTC))
    journey = callers.refer(reference="AF-7001").json()["journey_id"]
    assert callers.ask("GET", f"/referrals/{journey}", AGENCY).status_code == 200
    refused = callers.ask("GET", f"/referrals/{journey}", "kafe-solrosen")
    assert refused.status_code in (403, 404)
    listed = len(callers.ask("GET", "/referrals", AGENCY).json()["referrals"])
    assert callers.ask(
        "POST", f"/referrals/{journey}/withdrawal", PROVIDER, {"reason": "other_effort"}
    ).is_error
    rows = kept[READS].find({"_id": {"$gt": began}}, sort=[("_id", 1)])
    told = [
        (one["organisation"], one["action"], one["subject"], one["count"], one["came_to"]) for one in rows
    ]
    assert told[:3] == [
        (AGENCY, "read_journey", f"journey/{journey}", None, "given"),
        ("kafe-solrosen", "read_journey", f"journey/{journey}", None, refused.json()["code"]),
        (AGENCY, "read_journey", None, listed, "given"),
    ]
    assert told[3][:3] == (PROVIDER, "withdraw_referral", f"journey/{journey}")


def test_an_identity_is_not_given_when_the_reading_cannot_be_noted(callers: Callers, admin: Client) -> None:
    person, reader = callers.register(), Reader(callers, "h-unnoted")
    admin.admin.command("revokeRolesFromUser", "intake", roles=[{"role": "intake_appends", "db": "admin"}])
    try:
        refused = until(lambda: one if (one := reader.read(person)).status_code != 200 else None, "the loss")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert NAME not in refused.text
    finally:
        admin.admin.command("grantRolesToUser", "intake", roles=[{"role": "intake_appends", "db": "admin"}])
    until(lambda: reader.read(person).status_code == 200, "the right again")


# --- whose rows they are --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", DATABASES)
def test_a_service_adds_to_its_rows_and_can_change_and_remove_none(callers: Callers, service: str) -> None:
    with Client(callers.stack.settings.mongodb_uri(service)) as client:
        kept = client[f"{service}_audit"]
        key = entry_id(datetime.now(UTC) - timedelta(days=1000))
        attempts: list[Callable[[], Any]] = []
        for name in (READS, SEALS, OPERATORS):
            rows = kept[name]
            attempts += [
                partial(rows.update_one, {}, {"$set": {"person": "nobody"}}),
                partial(rows.replace_one, {}, {}),
                partial(rows.delete_many, {}),
                partial(rows.find_one_and_delete, {}),
                rows.drop,
                partial(rows.rename, "elsewhere"),
                partial(rows.create_index, "person", expireAfterSeconds=1),
                partial(rows.aggregate, [{"$match": {}}, {"$out": rows.name}]),
            ]
        attempts += [partial(client.drop_database, kept.name), partial(kept["more"].insert_one, {})]
        others = [one for one in DATABASES if one != service]
        attempts += [client[f"{other}_audit"][READS].find_one for other in others]
        for attempt in attempts:
            with pytest.raises(OperationFailure, match="not authorized"):
                attempt()
        if service != "intake":
            kept[READS].insert_one({"_id": key})
            assert kept[READS].find_one({"_id": key}) == {"_id": key}


# --- the chain ------------------------------------------------------------------------------------------------


def verified(callers: Callers) -> dict[str, Any]:
    """What the operators' route says of the whole chain."""
    token = callers.stack.token("plattform", "operator")
    callers.keys += 1
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"verify-{callers.keys}"}
    answer = callers.web.post("/operations/audit/verification", json={"reason": "a test"}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_administrator_who_changes_removes_or_adds_a_row_is_found_out(
    callers: Callers, admin: Client, kept: Kept
) -> None:
    reader, person = Reader(callers, "h-sealed"), callers.register()
    newest = ""
    for _ in range(2):
        reader.read(person)
        newest = max(one["_id"] for one in kept[READS].find({}, {"_id": 1}))
        sealed = {"upto": {"$gte": newest}}
        until(lambda sealed=sealed: kept[SEALS].count_documents(sealed), "a seal over it all")  # type: ignore[misc]
    whole = verified(callers)
    assert (whole["fault"], whole["more"]) == (None, False)
    assert whole["rows"] == kept[READS].count_documents({"_id": {"$lte": newest}})
    log = (callers.stack.settings.folder / "logs" / "intake-consume.log").read_text(encoding="utf-8")
    assert whole["hash"] in log

    row = kept[READS].find_one(sort=[("_id", 1)])
    seal = kept[SEALS].find_one({"_id": 1})
    assert row is not None
    assert seal is not None

    kept[READS].update_one({"_id": row["_id"]}, {"$set": {"person": "somebody-else"}})
    assert (verified(callers)["fault"], verified(callers)["through"]) == ("rows were altered", 0)
    kept[READS].delete_one({"_id": row["_id"]})
    assert verified(callers)["fault"] == "rows are missing"
    kept[READS].insert_one(row)
    assert verified(callers)["fault"] is None
    kept[READS].insert_one(
        {**row, "_id": entry_id(row["at"] + timedelta(microseconds=1) - timedelta(days=1))}
    )
    assert verified(callers)["fault"] == "rows were added"
    kept[READS].delete_one({"_id": {"$lt": row["_id"]}})
    assert verified(callers)["fault"] is None

    kept[SEALS].update_one({"_id": 1}, {"$set": {"rows": seal["rows"] - 1}})
    assert verified(callers)["fault"] == "a seal was altered"
    kept[SEALS].delete_one({"_id": 1})
    assert verified(callers)["fault"] == "a seal is missing"
    kept[SEALS].insert_one(seal)
    assert verified(callers)["fault"] is None
    audit = kept[OPERATORS].find_one({"did": "verify"}, sort=[("at", -1)])
    assert audit is not None
    assert audit["came_to"]["fault"] is None


def test_two_sealers_make_one_chain_of_bounded_batches(admin: Client) -> None:
    now = datetime.now(UTC)
    kept = admin["sealed_audit"]
    kept[READS].insert_many(
        [{"_id": entry_id(now - timedelta(seconds=60 + n)), "person": f"h-{n}"} for n in range(2500)]
    )
    kept[READS].insert_one({"_id": entry_id(now), "person": "h-young"})
    sealers = [Seals(admin, "sealed") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        until(lambda: not any(pool.map(lambda one: one.seal(now), sealers)), "everything sealed")
    seals = list(kept[SEALS].find(sort=[("_id", 1)]))
    assert [(one["_id"], one["rows"]) for one in seals] == [(1, 1000), (2, 1000), (3, 500)]
    assert [one["previous"] for one in seals] == ["", *(one["hash"] for one in seals[:-1])]
    found = sealers[0].verify(0, limit=2)
    assert (found.rows, found.through, found.fault, found.more) == (2000, 2, None, True)
    found = sealers[0].verify(found.through, limit=2)
    assert (found.rows, found.through, found.fault, found.more) == (500, 3, None, False)
    assert sealers[0].verify(7).fault == "a seal is missing"
    assert sealers[0].unsealed_seconds(now) < 5


def test_who_removes_the_newest_seal_with_its_rows_is_told_of_once(admin: Client) -> None:
    def gone() -> float:
        return float(metric("journey_seals_gone_total")._value.get())

    kept, now = admin["witnessed_audit"], datetime.now(UTC)
    sealer, before = Sealer(client=admin, database="witnessed", stop=Event()), gone()
    for number in range(2):
        kept[READS].insert_one({"_id": entry_id(now - timedelta(seconds=90 - number)), "person": "h-1"})
        sealer.look()
    assert (kept[SEALS].count_documents({}), gone()) == (2, before)
    seal = kept[SEALS].find_one_and_delete({"_id": 2})
    assert seal is not None
    kept[READS].delete_one({"_id": seal["upto"]})
    assert Seals(admin, "witnessed").verify(0).fault is None, "what is left holds"
    for _ in range(2):
        sealer.look()
    assert gone() == before + 1


# --- who reads unusually much ---------------------------------------------------------------------------------


def test_sixty_people_read_in_a_row_by_one_person_are_told_of(callers: Callers) -> None:
    own = callers.stack

    def unusual() -> float:
        return measured(own, "intake-consume", "journey_unusual_readers")

    assert unusual() == 0
    people, reader = [callers.register() for _ in range(60)], Reader(callers, "h-curious")
    for person in people:
        assert reader.read(person).status_code == 200
    until(lambda: unusual() == 1, "the count of unusual readers")
    log = (own.settings.folder / "logs" / "intake-consume.log").read_text(encoding="utf-8")
    (line,) = [line for line in log.splitlines() if "unusual-reading" in line]
    assert "h-curious" in line
    assert AGENCY in line
    assert not [person for person in people if person in log]
