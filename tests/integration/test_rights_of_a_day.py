"""Who could have done something on a day, and who did, on a real stack: who did is what the log says."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from kafka import KafkaConsumer, TopicPartition
from pymongo import MongoClient

from shared.language.events import TOPICS
from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROVIDER, Callers

OWNER, DAY = "urkraft", "2018-03-03"
ACTIONS = {
    "refer": ("referral-received",),
    "answer_referral": ("referral-accepted",),
    "record_consent": ("consent-refused", "consent-given", "consent-withdrawn"),
    "start_journey": ("journey-started",),
}


def ask(callers: Callers, path: str, duty: str = "registrar") -> httpx.Response:
    token = {"Authorization": f"Bearer {callers.stack.token(OWNER, duty)}"}
    return callers.ask("GET", path, OWNER, **token)


def told(callers: Callers, journey: str, action: str, on: str = DAY) -> dict[str, Any]:
    answer = ask(callers, f"/journeys/{journey}/rights/{action}?on={on}&limit=200")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def in_the_log(callers: Callers, journey: str) -> list[tuple[str, str, str | None]]:
    """The day, the kind and the organisation of each event that intake published of the journey, in order."""
    consumer = KafkaConsumer(**callers.stack.kafka_admin_config(), group_id=None, enable_auto_commit=False)
    try:
        topic = TOPICS["intake"]
        places = [TopicPartition(topic, one) for one in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends, found = consumer.end_offsets(places), []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                for one in records:
                    headers = {name: text.decode() for name, text in one.headers}
                    if headers["ce_subject"] == f"journey/{journey}":
                        day = json.loads(one.value)["occurred_on"]
                        found.append((day, headers["ce_type"], headers.get("ce_organisation")))
        return found
    finally:
        consumer.close()


@pytest.fixture(scope="module", name="journey")
def _journey(callers: Callers) -> str:
    """Both organisations record an answer on one day: by the events alone, either could have said each."""

    def say(by: str, path: str, **body: Any) -> None:
        answer = callers.ask("POST", path.format(journey=journey), by, {"occurred_on": DAY, **body})
        assert answer.status_code in (200, 201), answer.text

    answer = callers.refer(reference=f"rights-{uuid.uuid4().hex[:6].translate(LETTERS)}", occurred_on=DAY)
    assert answer.status_code == 201, answer.text
    journey = str(answer.json()["journey_id"])
    say(PROVIDER, "/referrals/{journey}/acceptance")
    say(AGENCY, "/journeys/{journey}/consents", purpose="sharing", given=False)
    given = {"given": True, "organisations": [AGENCY], "last_day": "2018-12-31"}
    say(PROVIDER, "/journeys/{journey}/consents", purpose="sharing", **given)
    say(AGENCY, "/journeys/{journey}/consents", purpose="sharing", given=False)
    say(PROVIDER, "/journeys/{journey}/start")
    return journey


LETTERS = str.maketrans("0123456789", "ghijklmnop")


def test_who_did_is_who_the_log_names(callers: Callers, journey: str) -> None:
    log = until(lambda: len(found := in_the_log(callers, journey)) >= 6 and found, "the events published")
    for action, kinds in ACTIONS.items():
        names = {f"journey.intake.{kind}.v1" for kind in kinds}
        expected = [(what, who) for day, what, who in log if day == DAY and what in names]
        did = told(callers, journey, action)["did"]
        assert [(one["what"], one["organisation"]) for one in did] == expected, action
        assert did, action
    did = told(callers, journey, "record_consent")["did"]
    assert [one["organisation"] for one in did] == [AGENCY, PROVIDER, AGENCY]
    assert told(callers, journey, "record_consent", "2018-03-02")["did"] == []


def test_who_could_is_who_held_a_role_with_the_right_and_the_journey(callers: Callers, journey: str) -> None:
    found = told(callers, journey, "log_activity")
    could = {one["unit"]: one for one in found["could"]}
    assert could[PROVIDER]["was_responsible"] is True
    assert AGENCY not in could
    assert len(could) > 1, "other units hold the role and not the journey"
    assert [name for name, one in could.items() if one["was_responsible"]] == [PROVIDER]
    assert (found["did"], found["told_by"][:17]) == ([], "activity-tracking")


def test_a_stranger_learns_nothing_and_each_reading_is_noted(callers: Callers, journey: str) -> None:
    path = f"/journeys/{journey}/rights/refer"
    for duty in ("caseworker", "supervisor", "owner", "analyst"):
        assert ask(callers, path, duty).json()["code"] == "wrong-duty"
    missing = ask(callers, f"/journeys/j-{'1' * 26}/rights/refer")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
    where = {"subject": f"journey/{journey}", "action": "keep_register", "came_to": "given"}
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri) as client:
        reads = client["intake_audit"]["reads"]
        before = reads.count_documents(where)
        assert ask(callers, path).status_code == 200
        assert reads.count_documents(where) == before + 1


@pytest.fixture(name="database")
def _database(callers: Callers) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri) as client:
        yield client["intake"]
        client["intake"].command("profile", 0)
        client["intake"].drop_collection("system.profile")


def test_it_reads_by_an_index_and_no_more_than_it_tells(
    callers: Callers, journey: str, database: Any
) -> None:
    database.command("profile", 2)
    found = told(callers, journey, "record_consent")
    database.command("profile", 0)
    by_prefix = {"ns": "intake.events", "command.filter._id.$gt": f"journey/{journey}:"}
    (archive,) = database["system.profile"].find(by_prefix)
    (history,) = database["system.profile"].find({"op": "query", "ns": "intake.register_history"})
    plans = [one["planSummary"] for one in (archive, history)]
    assert all(plan.startswith("IXSCAN") for plan in plans), plans
    assert archive["docsExamined"] <= archive["nreturned"] <= 100
    assert history["docsExamined"] <= history["nreturned"]
    assert not history.get("hasSortStage")
    assert len(found["could"]) <= history["nreturned"]
