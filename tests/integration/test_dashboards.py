"""A programme's dashboards are opened when it is published; each user reads its own, whenever it was opened."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError
from pymongo import MongoClient

import deploy.topics
from deploy.dashboards import close, names, open_for
from deploy.declaration import DASHBOARD, VIEWER, declared
from deploy.topics import opened
from services.outcome.stream.dashboards import Dashboards, StoredFilled, dashboards_in
from services.outcome.stream.indicators import Cell, Indicator
from services.outcome.stream.publisher import AGAIN, INDEXES, KafkaOutlet, Publisher, StoredLedger
from shared.runtime.kafka import Logs
from tests.support.awaiting import until
from tools.stack import Stack
from tools.stack.stack import PROGRAMMES

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


def test_publishing_a_programme_opens_its_dashboards_for_their_users_alone(
    stack: Stack, admin: KafkaAdminClient
) -> None:
    stack.publish_programmes()
    mine = {VIEWER.format(dashboard=name): DASHBOARD.format(dashboard=name) for name in names("coactive")}
    for user, topic in mine.items():
        password = stack.settings.credentials.kafka(user)
        assert read(stack, user, password, topic) == {}
        shown = KafkaAdminClient(
            **stack.kafka_admin_config() | {"sasl_plain_username": user, "sasl_plain_password": password}
        )
        try:
            may = {one["name"]: set(one["authorized_operations"]) for one in shown.describe_topics()}
        finally:
            shown.close()
        assert may == {topic: {"READ", "DESCRIBE"}}
    writers = {user for user, topic in granted(admin, ACLOperation.WRITE) if topic in mine.values()}
    assert writers == {"outcome"}

    # Said again it changes nothing, and prints no password; an audience that was closed stays closed.
    again = stack.publish(PROGRAMMES / "coactive.yaml")
    assert (again.returncode, len(again.stdout.splitlines())) == (0, 1), again.stdout + again.stderr
    assert close(admin, "coactive", "public")
    assert stack.publish(PROGRAMMES / "coactive.yaml").stdout == again.stdout
    assert {*names("coactive")} & {*opened(admin)} == {"coactive_funder", "coactive_owner"}
    user = VIEWER.format(dashboard="coactive_public")
    assert list(open_for(admin, "coactive", ["public"])) == [user]
    assert "coactive_public" in opened(admin)


def test_a_programme_that_is_refused_gets_no_dashboard(
    stack: Stack, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    file = tmp_path / "faulty.yaml"
    file.write_text("id: faulty\n", encoding="utf-8")
    done = stack.publish(file)
    assert done.returncode == 1
    assert "faulty.yaml" in done.stderr
    assert not {*names("faulty")} & {*opened(admin)}


def test_the_user_who_read_every_programme_is_taken_away(stack: Stack, admin: KafkaAdminClient) -> None:
    (former,) = declared().former
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion(former, "SCRAM-SHA-512", "known")])
    pattern = ResourcePattern(ResourceType.TOPIC, "journey.indicators.v1", ACLResourcePatternType.LITERAL)
    admin.create_acls([ACL(f"User:{former}", "*", ACLOperation.READ, ACLPermissionType.ALLOW, pattern)])
    until(lambda: (former, "journey.indicators.v1") in granted(admin, ACLOperation.READ), "its right")
    assert deploy.topics.apply(admin, declared(), {}) == [
        "1 access rules withdrawn",
        f"user {former} removed",
    ]
    assert deploy.topics.apply(admin, declared(), {}) == []
    assert former not in {user for user, _ in granted(admin, ACLOperation.READ)}
    assert former not in admin.describe_user_scram_credentials()


def granted(admin: KafkaAdminClient, operation: ACLOperation) -> set[tuple[str, str]]:
    """(user, topic) of each right to do that."""
    anything = ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(ACLFilter(None, None, operation, ACLPermissionType.ANY, anything))
    return {(one.principal.removeprefix("User:"), one.resource_pattern.resource_name) for one in found}


def test_nobody_outside_reads_what_is_said_of_one_journey(admin: KafkaAdminClient) -> None:
    anything = ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    assert found
    for rule in found:
        assert rule.resource_pattern.pattern_type == ACLResourcePatternType.LITERAL
        name, user = rule.resource_pattern.resource_name, rule.principal.removeprefix("User:")
        if name.startswith("journey."):
            assert user in SERVICES, f"{user} may {rule.operation.name} {name}"
