"""The register on real processes: what a programme's file makes of it, and how every service comes to know it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from pymongo import MongoClient

from services.intake.programme_file import read_programme
from tests.support.awaiting import until
from tests.support.callers import AGENCY, PROGRAMME, PROVIDER, Callers, calling, publish
from tests.support.stack import fresh_stack

TOPIC = "journey.register.v1"
GONE = {"id": "borta", "name": "Borta", "roles": ["provider"]}
COACTIVE = read_programme(PROGRAMME.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def callers() -> Iterator[Callers]:
    """Intake alone on a stack of its own: the other services come when the register is old."""
    with fresh_stack() as stack, calling(stack) as found:
        yield found


@pytest.fixture(scope="module")
def client(callers: Callers) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](callers.stack.admin_mongo_uri, tz_aware=True) as found:
        yield found


def said(callers: Callers) -> list[tuple[str, str]]:
    """Subject and type of every event of the register, in the order of the log."""
    consumer = KafkaConsumer(**callers.stack.kafka_admin_config(), enable_auto_commit=False)
    try:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end, found = consumer.end_offsets([partition])[partition], []
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found += [(one.key.decode(), dict(one.headers)["ce_type"].decode()) for one in records]
        return found
    finally:
        consumer.close()


def test_a_programme_s_file_makes_units_and_memberships_once(
    callers: Callers, client: MongoClient[dict[str, Any]]
) -> None:
    expected = {
        *((f"unit/{one.id}", "journey.intake.unit-registered.v1") for one in COACTIVE.organisations),
        *(
            (f"membership/{one.id}@coactive", "journey.intake.membership-begun.v1")
            for one in COACTIVE.organisations
        ),
    }
    until(lambda: set(said(callers)) == expected, "the register in the log")
    assert publish(callers.stack, PROGRAMME).returncode == 0
    held = client["intake"]["register"].find_one({"_id": f"membership/{PROVIDER}@coactive"})
    assert held is not None
    assert held["body"]["first_day"] == COACTIVE.starts_on.isoformat()
    shown = callers.ask("GET", "/programmes/coactive", AGENCY).json()
    assert "organisations" not in shown, "a version carries rules only"
    assert len(said(callers)) == len(expected), "published again, nothing is said again"


def test_a_new_service_builds_the_register_from_the_log(
    callers: Callers, client: MongoClient[dict[str, Any]]
) -> None:
    assert client["activity_tracking"]["register"].count_documents({}) == 0
    callers.stack.start("activity-tracking-consume", "activity-tracking-web")
    kept, mine = client["activity_tracking"]["register"], client["intake"]["register"]
    until(lambda: kept.count_documents({}) == 2 * len(COACTIVE.organisations), "the whole register")

    def bodies(rows: Any) -> dict[str, str]:
        return {one["_id"]: json.dumps(one["body"], sort_keys=True) for one in rows.find({})}

    assert bodies(kept) == bodies(mine)


def test_an_older_version_s_organisations_come_into_the_register_at_start(
    callers: Callers, client: MongoClient[dict[str, Any]]
) -> None:
    """As a release before the register left it: the version names them, and nothing else knows them."""
    intake = client["intake"]
    version = intake["programmes"].find_one({"_id": "coactive@1"})
    assert version is not None
    named = [{"id": "aldre-butik", "name": "Äldre butik", "roles": ["provider"]}]
    older = {**version["body"], "id": "older", "organisations": [*named, GONE]}
    for number, body in ((1, older), (2, {**older, "version": 2, "organisations": named})):
        intake["programmes"].insert_one(
            {"_id": f"older@{number}", "programme": "older", "version": number, "body": body}
        )
    callers.stack.stop("intake-consume")
    callers.stack.start("intake-consume")
    until(lambda: ("unit/aldre-butik", "journey.intake.unit-registered.v1") in said(callers), "said")
    kept = client["activity_tracking"]["register"]
    until(lambda: kept.find_one({"_id": "membership/aldre-butik@older"}), "known to the others")
    gone = kept.find_one({"_id": "membership/borta@older"})
    assert gone is not None
    assert gone["body"]["last_day"] is not None, "a later version named it no more"
