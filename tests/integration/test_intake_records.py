"""Referrals that agencies publish on their topics: once each, whatever is sent between them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from pymongo import MongoClient

from shared.runtime.kafka import Logs, Partition, native_options
from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROVIDER, Agency, Callers, referral
from tests.support.scrapes import measured, scraped
from tools.stack import Stack


@pytest.fixture(name="agency")
def _agency(stack: Stack) -> Agency:
    return Agency(stack, [])


def test_a_record_is_referred_once_and_a_bad_one_does_not_hold_up_the_next(
    callers: Callers, agency: Agency, stack: Stack
) -> None:
    body = referral(callers.register(), reference="topic-1")
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        journeys = client["intake"]["referrals"]
        hers = {"_id": {"$regex": "^journey/"}, f"state.handles.{AGENCY}": body["participant_id"]}
        bad = agency.send(json.dumps({**body, "reference": "900101-9802"}).encode())
        broken = agency.send(b"{")
        good = agency.send(json.dumps(body).encode())
        again = agency.send(json.dumps(body).encode())
        rejected, unreadable = agency.reply_to(bad), agency.reply_to(broken)
        assert (rejected["code"], list(rejected["errors"])) == ("invalid-fields", ["reference"])
        assert "900101" not in json.dumps(rejected)
        assert unreadable["code"] == "unreadable-body"
        accepted, repeated = agency.reply_to(good), agency.reply_to(again)
        assert accepted["journey_id"] == repeated["journey_id"]
        assert journeys.count_documents(hers) == 1
        # Replies are forgotten a day after they were published, and kept in the sequence; an event never is.
        events = client["intake"]["events"]
        day = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
        ids = [f"intake:{place}" for place in (bad, broken, good, again)]
        answers = {"headers.ce_id": {"$in": ids}, "forget_at": {"$lte": day}}
        until(lambda: events.count_documents(answers) == 4, "all four marked as published")
        said = {"key": f"journey/{accepted['journey_id']}", "type": "journey.intake.referral-received.v1"}
        row = events.find_one(said)
        assert row is not None
        assert not {"forget_at", "kept_until"} & row.keys()
        index = events.index_information()["forget_at_1"]
        assert index["expireAfterSeconds"] == 0


def test_what_was_read_stays_read_when_the_process_is_killed(
    callers: Callers, agency: Agency, stack: Stack
) -> None:
    places = []
    for number in range(4):
        body = referral(callers.register(), reference=f"kill-{number}")
        places.append(agency.send(json.dumps(body).encode()))
        if number == 1:
            agency.reply_to(places[0])
            stack.kill("intake-consume")
    stack.start("intake-consume")
    journeys = {agency.reply_to(place)["journey_id"] for place in places}
    assert len(journeys) == 4
    identities = [headers["ce_id"] for headers, _ in agency.replies()]
    assert set(identities) >= {f"intake:{place}" for place in places}


def sent_in_transactions(stack: Stack, agency: str, *turns: tuple[bool, list[bytes]]) -> list[str]:
    """Publish in transactions, each committed or aborted. Returns the places of what was committed."""
    options = native_options(stack.kafka_admin_config())
    producer = Producer({**options, "transactional.id": f"test-{agency}", "transaction.timeout.ms": 20_000})
    producer.init_transactions(20)
    places: list[str] = []
    for committed, values in turns:
        told: list[str] = []

        def note(_: Any, one: Any, told: list[str] = told) -> None:
            told.append(f"{one.topic()}:{one.partition()}:{one.offset()}")

        producer.begin_transaction()
        for value in values:
            producer.produce(f"inbound.{agency}.referrals.v1", value, on_delivery=note)
        producer.flush(20)
        if committed:
            producer.commit_transaction(20)
            places += told
        else:
            producer.abort_transaction(20)
    return places


def test_what_a_producer_takes_back_is_never_read_and_leaves_no_gap(
    callers: Callers, agency: Agency, stack: Stack
) -> None:
    """The marks that end transactions are places that hold no record: the group ends behind them, not before."""
    bodies = [referral(callers.register(), reference=f"taken-back-{n}") for n in range(5)]
    values = [json.dumps(one).encode() for one in bodies]
    (good,) = sent_in_transactions(
        stack, AGENCY, (False, values[:2]), (True, values[2:3]), (False, values[3:4])
    )
    assert agency.reply_to(good)["reference"] == "taken-back-2"
    topic = f"inbound.{AGENCY}.referrals.v1"
    end = Logs(stack.kafka_admin_config()).ends([Partition(topic, 0)])[Partition(topic, 0)]
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        offsets = client["intake"]["offsets"]
        stored = {"_id": f"intake-inbound:{topic}:0", "next": end}
        until(lambda: offsets.find_one(stored), "the group at the log's end", 20)
        found = client["intake"]["referrals"].distinct("state.reference")
        assert [one for one in found if one.startswith("taken-back")] == ["taken-back-2"]
    after = agency.reply_to(agency.send(values[4]))
    assert after["reference"] == "taken-back-4"
    assert 'journey_inbound_records_total{result="lost"}' in scraped(stack, "intake-consume")
    assert measured(stack, "intake-consume", "journey_inbound_records_total", result="lost") == 0


def test_the_answer_to_a_record_comes_before_what_came_of_it(callers: Callers, agency: Agency) -> None:
    bodies = [referral(callers.register(), reference=f"ordered-{n}") for n in range(25)]
    places = [agency.send(json.dumps(one).encode()) for one in bodies]
    until(
        lambda: (
            len([1 for _, body in agency.replies() if str(body.get("reference")).startswith("ordered-")])
            >= 50
        ),
        "two replies each",
    )
    order: dict[str, list[str]] = {}
    for headers, body in agency.replies():
        if str(body.get("reference")).startswith("ordered-"):
            order.setdefault(body["reference"], []).append(headers["ce_type"])
    assert len(order) == len(places)
    kinds = ["journey.intake.record-accepted.v1", "journey.intake.referral-status-changed.v1"]
    assert {tuple(one) for one in order.values()} == {tuple(kinds)}


def test_a_structured_event_is_referred_and_answered_by_what_its_sender_knows(
    callers: Callers, agency: Agency
) -> None:
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "urn:agency:referrals",
        "type": "se.agency.referral.v1",
        "data": referral(callers.register(), reference="structured-1"),
    }
    reply = agency.reply_to(agency.send(json.dumps(event).encode()))
    assert (reply["status"], reply["reference"]) == ("accepted", "structured-1")
    assert reply["headers"] == {"ce_id": "e-1", "ce_source": "urn:agency:referrals"}
    event["data"] = {**event["data"], "municipality": "0180", "reference": "structured-2"}  # type: ignore[dict-item]
    wrong = agency.reply_to(agency.send(json.dumps(event).encode()))
    assert (wrong["status"], wrong["reference"], list(wrong["errors"])) == (
        "rejected",
        "structured-2",
        ["municipality"],
    )
    assert wrong["headers"] == reply["headers"]


def test_an_organisation_reads_over_http_what_its_topic_holds_in_the_same_order(
    callers: Callers, agency: Agency
) -> None:
    good = agency.send(json.dumps(referral(callers.register(), reference="both-ways")).encode())
    journey = agency.reply_to(good)["journey_id"]
    feed: list[Any] = []

    def whole() -> bool:
        answer = callers.ask("GET", f"/changes?after={len(feed)}&limit=200", AGENCY).json()
        feed.extend(answer["changes"])
        return answer["next"] == len(feed) and not answer["changes"]

    def held() -> list[Any]:
        return [(int(headers["ce_sequence"]), headers["ce_id"], body) for headers, body in agency.replies()]

    until(lambda: whole() and len(held()) == len(feed), "the topic has come as far as the sequence")
    assert [(one["n"], one["id"], one["body"]) for one in feed] == held()
    assert [one["n"] for one in feed] == list(range(1, len(feed) + 1))
    kinds = [one["kind"] for one in feed if one["subject"] == f"journey/{journey}"]
    assert kinds == ["journey.intake.record-accepted.v1", "journey.intake.referral-status-changed.v1"]
    provider = callers.ask("GET", "/changes?limit=200", PROVIDER).json()["changes"]
    moved = [one["body"] for one in provider if one["subject"] == f"journey/{journey}"]
    assert [(one["journey_id"], one["stage"]) for one in moved] == [(journey, "received")]
    ahead = callers.ask("GET", f"/changes?after={len(feed) + 1}", AGENCY)
    assert (ahead.status_code, ahead.json()["errors"]["next"]) == (410, [len(feed)])
