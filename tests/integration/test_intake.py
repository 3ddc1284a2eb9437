"""Intake on real Kafka and MongoDB: the way in by HTTP and by topic, and what is stored and said of it."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from tests.support.awaiting import until
from tests.support.callers import (
    AGENCY,
    IDENTITY,
    NAME,
    PERSONNUMMER,
    PROGRAMME,
    PROVIDER,
    Agency,
    Callers,
    publish,
    referral,
)
from tools.stack import Stack


@pytest.fixture(name="agency")
def _agency(stack: Stack) -> Agency:
    return Agency(stack, [])


def test_publishing_again_does_nothing_and_other_content_is_refused(
    callers: Callers, stack: Stack, tmp_path: Path
) -> None:
    again = publish(stack, PROGRAMME)
    assert (again.returncode, again.stdout) == (
        0,
        "coactive@1 was already published; its rules did not change.\n",
    )
    other = tmp_path / "other.yaml"
    text = PROGRAMME.read_text(encoding="utf-8")
    other.write_text(text.replace("handover_max_days: 60", "handover_max_days: 61"), encoding="utf-8")
    refused = publish(stack, other)
    assert refused.returncode == 1
    assert "already published with other content" in refused.stderr
    shown = callers.ask("GET", "/programmes/coactive", AGENCY).json()
    assert (shown["version"], shown["handover_max_days"]) == (1, 60)


def test_the_way_in_by_http_and_what_the_referrer_is_told(callers: Callers, agency: Agency) -> None:
    held = callers.refer(reference="http-1")
    assert held.status_code == 201, held.text
    journey = held.json()["journey_id"]
    assert held.headers["Journey-Vector"] == "intake=1"
    accepted = callers.ask(
        "POST", f"/referrals/{journey}/acceptance", PROVIDER, {"occurred_on": "2018-03-02"}
    )
    assert accepted.status_code == 200, accepted.text
    early = callers.ask("POST", f"/journeys/{journey}/start", PROVIDER, {"occurred_on": "2018-03-03"})
    assert (early.status_code, early.json()["code"]) == (409, "consent-not-asked")
    consent = {
        "purpose": "sharing",
        "given": True,
        "organisations": ["skellefte-tra"],
        "last_day": "2018-12-31",
        "occurred_on": "2018-03-03",
    }
    assert callers.ask("POST", f"/journeys/{journey}/consents", PROVIDER, consent).status_code == 201
    start = {"occurred_on": "2018-03-03"}
    first = callers.ask("POST", f"/journeys/{journey}/start", PROVIDER, start, key="start")
    again = callers.ask("POST", f"/journeys/{journey}/start", PROVIDER, start, key="start")
    other = callers.ask("POST", f"/journeys/{journey}/start", PROVIDER, {}, key="start")
    assert first.json() == again.json()
    assert first.headers["Journey-Vector"] == again.headers["Journey-Vector"] == "intake=4"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    seen = callers.ask("GET", f"/referrals/{journey}", AGENCY).json()
    assert (seen["stage"], seen["responsible"], seen["reference"]) == ("started", PROVIDER, "http-1")

    def told() -> list[str]:
        mine = [body for _, body in agency.replies() if body.get("journey_id") == journey]
        return [body["stage"] for body in mine]

    until(lambda: len(told()) == 3, "three replies")
    assert told() == ["received", "accepted", "started"]


def test_lists_go_on_where_the_cursor_says(callers: Callers) -> None:
    made = [callers.refer(reference=f"list-{n}").json()["journey_id"] for n in range(3)]
    found: list[str] = []
    cursor = ""
    while True:
        page = callers.ask("GET", f"/referrals?limit=2{cursor}", AGENCY).json()
        found += [one["journey_id"] for one in page["referrals"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(found) == len(set(found))
    assert set(made) <= set(found)
    awaiting = callers.ask("GET", "/referrals?part=provider&stage=received&limit=200", PROVIDER).json()
    assert set(made) <= {one["journey_id"] for one in awaiting["referrals"]}
    elsewhere = callers.ask("GET", "/referrals?part=provider&limit=200", "kafe-solrosen").json()
    assert elsewhere == {"referrals": [], "next_cursor": None}


def test_nothing_stored_or_said_identifies_the_person(callers: Callers, stack: Stack) -> None:
    handle = callers.register(IDENTITY)
    read = callers.ask("GET", f"/participants/{handle}", AGENCY, Purpose="to call about a place")
    assert (read.status_code, read.json()["name"], read.json()["personnummer"]) == (200, NAME, PERSONNUMMER)
    assert callers.ask("GET", f"/participants/{handle}", AGENCY).json()["code"] == "invalid-header"
    assert callers.ask("GET", f"/participants/{handle}", PROVIDER, Purpose="curious").status_code == 404
    assert callers.ask("POST", f"/participants/{handle}/erasure", AGENCY, {}).status_code == 200
    gone = callers.ask("GET", f"/participants/{handle}", AGENCY, Purpose="to call again")
    assert (gone.status_code, gone.json()["code"]) == (409, "participant-erased")
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        database = client["intake"]
        reads = client["intake_audit"]["reads"].find({"subject": f"handle/{handle}"}, sort=[("_id", 1)])
        assert [(one["organisation"], one["purpose"], one["came_to"]) for one in reads] == [
            (AGENCY, "to call about a place", "given"),
            (PROVIDER, "curious", "not-found"),
            (AGENCY, "to call again", "participant-erased"),
        ]
        stored = "".join(
            repr(document) for name in database.list_collection_names() for document in database[name].find()
        )
    # A plain hash of what was sent is as good as the number to whoever can guess it.
    sent = httpx.Request("POST", "http://any", json=IDENTITY).content
    hashes = [hashlib.new(name, sent).hexdigest() for name in ("sha256", "sha1", "md5")]
    for secret in (NAME, PERSONNUMMER, PERSONNUMMER[2:8] + "-" + PERSONNUMMER[8:], *hashes):
        assert secret not in stored


def test_a_registration_sent_again_after_the_erasure_gives_no_handle(callers: Callers) -> None:
    first = callers.ask("POST", "/participants", AGENCY, IDENTITY, key="sent-again")
    handle = first.json()["participant_id"]
    again = callers.ask("POST", "/participants", AGENCY, IDENTITY, key="sent-again")
    assert (again.status_code, again.json()) == (201, first.json())
    assert callers.ask("POST", f"/participants/{handle}/erasure", AGENCY, {}).status_code == 200
    gone = callers.ask("POST", "/participants", AGENCY, IDENTITY, key="sent-again")
    assert (gone.status_code, gone.json()["code"]) == (409, "participant-erased")
    assert handle not in gone.text


def test_a_body_in_chunks_is_refused_over_the_limit_and_taken_whole_under_it(callers: Callers) -> None:
    def sent(blanks: int) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {callers.stack.token(AGENCY, 'caseworker')}",
            "Idempotency-Key": f"in-chunks-{blanks}",
            "Content-Type": "application/json",
        }
        chunks = iter([json.dumps(IDENTITY).encode(), *[b" " * 1000] * blanks])
        return callers.web.post("/participants", content=chunks, headers=headers)

    assert sent(60).status_code == 201
    refused = sent(100)
    assert (refused.status_code, refused.json()["code"]) == (413, "body-too-large")


def test_of_many_referrals_of_one_person_at_one_moment_one_stands(
    callers: Callers, agency: Agency, stack: Stack
) -> None:
    """By HTTP and by topic at once: two processes, and commands that share a transaction."""
    for turn in range(5):
        person = callers.register()

        def ask(number: int, person: str = person, turn: int = turn) -> httpx.Response:
            body = referral(person, reference=f"race-{turn}-{number}")
            return callers.ask("POST", "/referrals", AGENCY, body, key=f"race-{turn}-{number}")

        with ThreadPoolExecutor(9) as pool:
            record = json.dumps(referral(person, reference=f"race-topic-{turn}")).encode()
            place = pool.submit(agency.send, record)
            answers = list(pool.map(ask, range(8)))
        reply = agency.reply_to(place.result())
        codes = [one.json().get("code", "received") for one in answers] + [reply.get("code", "received")]
        assert sorted(codes) == ["already-referred"] * 8 + ["received"], codes
        with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
            hers = {f"state.handles.{AGENCY}": person}
            found = client["intake"]["referrals"].count_documents(hers)
        assert found == 1


def test_an_own_open_referral_is_told_of_and_after_its_end_the_person_is_referred_again(
    callers: Callers,
) -> None:
    person = callers.register()
    first = callers.ask("POST", "/referrals", AGENCY, referral(person, reference="again-1"))
    assert first.json()["also_referred"] == []
    journey = first.json()["journey_id"]
    second = callers.ask("POST", "/referrals", AGENCY, referral(person, reference="again-2"))
    assert (second.status_code, second.json()["code"]) == (409, "already-referred")
    assert second.json()["errors"] == {
        "journey_id": [journey],
        "stage": ["received"],
        "responsible": [AGENCY],
    }
    assert callers.ask(
        "POST", f"/referrals/{journey}/withdrawal", AGENCY, {"reason": "other_effort"}
    ).is_success
    again = referral(person, reference="again-2", previous_journey=journey)
    assert callers.ask("POST", "/referrals", AGENCY, again).status_code == 201
