"""A provider joins, sends marks on its own topic and is answered in its one sequence, whatever is killed meanwhile."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pymongo import MongoClient

from tests.integration.test_joining import command
from tests.support.awaiting import until
from tests.support.callers import PROVIDER, Callers, calling
from tests.support.stack import fresh_stack
from tools.stack import Stack

TOPIC, REPLIES = f"inbound.{PROVIDER}.attendance.v1", f"inbound.{PROVIDER}.replies.v1"
ACCEPTED, REJECTED = (f"journey.activity-tracking.mark-{one}.v1" for one in ("accepted", "rejected"))
WEEK = [{"weekday": day, "starts_at": "09:00", "ends_at": "12:00"} for day in range(1, 8)]
TODAY = date(2018, 5, 10)
"""A day on which the programme runs."""


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


class Shop:
    """The provider's system, with the password that joining printed."""

    def __init__(self, stack: Stack, password: str) -> None:
        self._options = {
            **stack.kafka_admin_config(),
            "sasl_plain_username": PROVIDER,
            "sasl_plain_password": password,
        }

    def send(self, *values: bytes) -> list[str]:
        """Publish records. Returns the `ce_id` of each one's answer."""
        producer = KafkaProducer(**self._options, acks="all")
        try:
            sent = [producer.send(TOPIC, value) for value in values]
            places = [one.get(timeout=20) for one in sent]
            return [f"activity-tracking:{one.topic}:{one.partition}:{one.offset}" for one in places]
        finally:
            producer.close(timeout=5)

    def told(self) -> list[tuple[int, str, str, dict[str, Any]]]:
        """(number, kind, ce_id, body) of all that is on its topic of replies."""
        consumer = KafkaConsumer(**self._options, enable_auto_commit=False)
        try:
            at = TopicPartition(REPLIES, 0)
            consumer.assign([at])
            consumer.seek_to_beginning(at)
            end, found = consumer.end_offsets([at])[at], []
            while consumer.position(at) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    for one in records:
                        said = {name: value.decode() for name, value in one.headers}
                        body = json.loads(one.value)
                        found.append((int(said["ce_sequence"]), said["ce_type"], said["ce_id"], body))
            return found
        finally:
            consumer.close()

    def answers(self, ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
        """(kind, body) of the answers to these records, in their order on the topic, once all are there."""

        def find() -> Any:
            found = [(kind, body) for _, kind, one, body in self.told() if one in ids]
            return found if len(found) >= len(ids) else None

        answered: list[tuple[str, dict[str, Any]]] = until(find, f"{len(ids)} answers", 60)
        return answered


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Callers]:
    with fresh_stack() as stack, calling(stack) as callers:
        stack.start("activity-tracking-web", "activity-tracking-consume")
        yield callers


@pytest.fixture(scope="module", name="shop")
def _shop(running: Callers) -> Shop:
    found = re.search(r"^password of \S+: (\S+)$", command(running.stack, "join", PROVIDER), re.MULTILINE)
    assert found
    return Shop(running.stack, found[1])


@pytest.fixture(scope="module", name="journey")
def _journey(running: Callers) -> str:
    """Somebody who is expected every morning at the provider."""
    referred = running.refer(reference="marks-1", occurred_on=ago(40))
    assert referred.status_code == 201, referred.text
    journey = str(referred.json()["journey_id"])
    consent = {"purpose": "sharing", "given": False, "occurred_on": ago(38)}
    for path, body in (
        (f"/referrals/{journey}/acceptance", {"occurred_on": ago(39)}),
        (f"/journeys/{journey}/consents", consent),
        (f"/journeys/{journey}/start", {"occurred_on": ago(37)}),
    ):
        done = running.ask("POST", path, PROVIDER, body)
        assert done.status_code < 300, done.text
    plan = {"activity": "work_training", "first_on": ago(36), "hours": WEEK}
    planned = running.ask(
        "POST",
        f"{running.stack.url('activity-tracking-web')}/journeys/{journey}/activities",
        PROVIDER,
        plan,
        **{"Journey-Vector": done.headers["Journey-Vector"]},
    )
    assert planned.status_code == 201, planned.text
    return journey


def mark(journey: str, days: int, presence: str = "present", **said: Any) -> bytes:
    place = {"journey_id": journey, "plan": "a1", "hour": "09:00", "day": ago(days)}
    return json.dumps({**place, "presence": presence, **said}).encode()


def test_marks_are_answered_in_order_and_no_bad_record_holds_up_the_next(
    running: Callers, shop: Shop, journey: str
) -> None:
    values = [
        mark(journey, 30),
        mark(journey, 30),
        b"{",
        mark(journey, 29, "absent"),
        mark(journey, 29, "absent", reason="ill"),
        mark(journey, 30, "unmarked"),
    ]
    answers = shop.answers(shop.send(*values))
    assert [(kind, body.get("changed", body.get("code"))) for kind, body in answers] == [
        (ACCEPTED, True),
        (ACCEPTED, False),
        (REJECTED, "unreadable-body"),
        (REJECTED, "invalid-fields"),
        (ACCEPTED, True),
        (ACCEPTED, True),
    ]
    assert [body["offset"] for _, body in answers] == sorted(body["offset"] for _, body in answers)
    assert list(answers[3][1]["errors"]) == ["reason"]
    assert (answers[4][1]["attendance"], answers[5][1]["session_id"]) == ("no", None)
    # One place: what is on the topic is what the provider reads over HTTP, number by number.
    # Its numbers began before it had a topic.
    told = shop.told()
    began = told[0][0]
    assert [number for number, *_ in told] == list(range(began, began + len(told)))
    path = f"/changes?after={began - 1}&limit={len(told)}"
    read = running.ask("GET", path, PROVIDER).json()["changes"]
    assert [(one["n"], one["kind"], one["id"], one["body"]) for one in read] == told
    row = json.loads(mark(journey, 29, "absent", reason="ill"))
    by_http = running.ask(
        "POST",
        f"{running.stack.url('activity-tracking-web')}/attendance/marks",
        PROVIDER,
        [row],
    ).json()["results"][0]
    assert (by_http["changed"], by_http["session_id"]) == (False, answers[4][1]["session_id"])


@pytest.mark.parametrize("killed", ["activity-tracking-consume", "intake-consume"])
def test_what_is_killed_in_the_middle_loses_and_doubles_nothing(
    running: Callers, shop: Shop, journey: str, killed: str
) -> None:
    stack = running.stack
    first = 1 if killed == "intake-consume" else 10
    values = [mark(journey, days) for days in range(first, first + 8)]
    ids = shop.send(*values[:3])
    shop.answers(ids[:1])
    stack.kill(killed)
    ids += shop.send(*values[3:])
    stack.start(killed)
    answers = shop.answers(ids)
    assert [(kind, body["changed"]) for kind, body in answers] == [(ACCEPTED, True)] * len(values)
    told = [one for _, _, one, _ in shop.told()]
    assert [told.count(one) for one in ids] == [1] * len(ids)
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        days = [ago(one) for one in range(first, first + 8)]
        marked = client["activity_tracking"]["sessions"].find({"occurred_on": {"$in": days}})
        assert sorted(one["occurred_on"] for one in marked) == sorted(days)
