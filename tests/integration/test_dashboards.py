"""A dashboard is opened while figures are published: it gets all of its programme, and nobody else's user reads it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError
from pymongo import MongoClient

import deploy.topics
from deploy.dashboards import close, open_for
from deploy.declaration import declared
from services.outcome.stream.dashboards import Dashboards, StoredFilled, dashboards_in
from services.outcome.stream.indicators import Cell, Indicator
from services.outcome.stream.publisher import AGAIN, INDEXES, KafkaOutlet, Publisher, StoredLedger
from shared.runtime.kafka import Logs
from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME = "opened_late"
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Indicator(
    programme=PROGRAMME, name="figures.started", cell=Cell(5), seq=1, holds_on=AT.date(), published_at=AT
)
SERVICES = {"intake", "activity-tracking", "handover", "outcome"}


@pytest.fixture(name="admin")
def _admin(stack: Stack) -> Iterator[KafkaAdminClient]:
    client = deploy.topics.connect(stack.kafka_admin_config(), within_seconds=30)
    yield client
    client.close()


def read(stack: Stack, user: str, password: str, topic: str) -> dict[str, int]:
    """{key: value} of what the user reads on the topic."""
    options = {
        **stack.kafka_admin_config(),
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "api_version": (4, 0),
    }
    consumer = KafkaConsumer(**options, enable_auto_commit=False)
    try:
        at = TopicPartition(topic, 0)
        consumer.assign([at])
        consumer.seek_to_beginning(at)
        end = consumer.end_offsets([at])[at]
        found: dict[str, int] = {}
        while consumer.position(at) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found |= {one.key.decode(): json.loads(one.value)["value"] for one in records}
        return found
    finally:
        consumer.close()


def test_it_gets_what_was_published_before_and_after_and_each_user_reads_its_own(
    stack: Stack, admin: KafkaAdminClient
) -> None:
    options = {**stack.kafka_config("outcome"), "api_version": (4, 0)}
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri, tz_aware=True, w="majority") as client:
        client["opened_late"]["indicators"].create_indexes(INDEXES["indicators"])
        ledger = StoredLedger(client, "opened_late", "one")
        filled = StoredFilled(client, "opened_late", AGAIN)
        other = replace(FIRST, programme="opened", name="figures.left")
        ledger.intend([FIRST, other])
        ledger.sent([FIRST, other])
        passwords = open_for(admin, PROGRAMME)
        owner, funder, public = (f"dashboard_{PROGRAMME}_{one}" for one in ("owner", "funder", "public"))
        assert set(passwords) == {owner, funder, public}

        def publisher() -> Publisher:
            dashboards = Dashboards(filled, partial(dashboards_in, Logs(options)))
            stop = threading.Event()
            return Publisher(
                ledger, lambda: KafkaOutlet(options), lambda: datetime.now(UTC), stop, dashboards
            )

        publishing = publisher()
        assert publishing.publish_once() == 1, "the programme's alone, although it had been sent"
        topic = {one: f"dashboard.{PROGRAMME}_{one.rpartition('_')[2]}.v1" for one in passwords}
        for user, password in passwords.items():
            assert password
            assert read(stack, user, password, topic[user]) == {FIRST.key: 5}
            for foreign in ("journey.indicators.v1", "journey.intake.v1", topic[owner], topic[public]):
                if foreign != topic[user]:
                    with pytest.raises(KafkaError):
                        read(stack, user, password, foreign)

        # Published later, by another publisher: it goes there too, and what is closed is left out.
        assert close(admin, PROGRAMME, "public")
        assert close(admin, PROGRAMME, "public") == []
        until(lambda: topic[public] not in Logs(options).topics(), "outcome to see it no more")
        ledger.intend([replace(FIRST, cell=Cell(6), seq=2)])
        assert publisher().publish_once() == 1
        assert read(stack, owner, str(passwords[owner]), topic[owner]) == {FIRST.key: 6}
        assert set(filled.filled()) == {topic[owner], topic[funder]}
        assert set(open_for(admin, PROGRAMME).values()) > {None}
        close(admin, PROGRAMME, "public")
        assert deploy.topics.apply(admin, declared(), {}) == []
        client.drop_database("opened_late")


def test_nobody_outside_reads_what_is_said_of_one_journey(admin: KafkaAdminClient) -> None:
    anything = ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    assert found
    for rule in found:
        assert rule.resource_pattern.pattern_type == ACLResourcePatternType.LITERAL
        name, user = rule.resource_pattern.resource_name, rule.principal.removeprefix("User:")
        if name.startswith("journey.") and name != "journey.indicators.v1":
            assert user in SERVICES, f"{user} may {rule.operation.name} {name}"
