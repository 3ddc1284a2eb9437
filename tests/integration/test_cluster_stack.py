"""A stack of three brokers and three databases keeps what it was told, and goes on, when one of each is gone."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from deploy.declaration import declared
from shared.runtime.kafka import Logs, Partition
from tests.support.awaiting import until
from tests.support.stack import own_port_base
from tools.stack import Settings, Stack


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="journey-cluster-"))
    settings = Settings(own_port_base(), folder, brokers=3, databases=3)
    try:
        with Stack(settings) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_topic_has_three_copies_of_which_two_must_have_a_record(cluster: Stack) -> None:
    names = {topic.name for topic in declared().topics}
    admin = KafkaAdminClient(**cluster.kafka_admin_config())
    try:
        topics = [topic for topic in admin.describe_topics() if topic["name"] in names]
    finally:
        admin.close()
    copies = {len(partition["replica_nodes"]) for topic in topics for partition in topic["partitions"]}
    assert (len(topics), copies) == (len(names), {3})


def test_one_broker_and_the_primary_may_go_and_come_back(cluster: Stack) -> None:
    uri = cluster.env_for("intake")["MONGODB_URI"]
    with MongoClient[dict[str, Any]](uri, w="majority") as client:
        kept = client["intake"].get_collection("cluster_test", write_concern=WriteConcern("majority"))
        kept.insert_one({"_id": 1})
        cluster.kill("database")
        kept.insert_one({"_id": 2})
        assert client.address != ("127.0.0.1", cluster.settings.port("database"))
        cluster.stop("database")
        cluster.start("database")
        assert [row["_id"] for row in kept.find(sort=[("_id", 1)])] == [1, 2]
    logs = Logs(cluster.kafka_config("intake"))
    partitions = logs.partitions(["journey.intake.v1"])
    assert set(logs.ends(partitions).values()) == {0}
    cluster.stop("broker-3")
    producer = KafkaProducer(**cluster.kafka_config("intake"), acks="all", max_block_ms=10_000)
    try:
        for partition in range(12):
            producer.send("journey.intake.v1", b"{}", partition=partition).get(timeout=20)
    finally:
        producer.close(timeout=5)
    assert _once_answered(logs, partitions) == {1}, "asked of the leaders that there are now"
    cluster.start("broker-3")
    assert {cluster.entries()[name].state for name in cluster.settings.infrastructure} == {"ready"}


def _once_answered(logs: Logs, partitions: Sequence[Partition]) -> set[int]:
    """Where the log ends, as soon as Kafka says so; that it does not is no answer."""

    def answered() -> set[int]:
        with contextlib.suppress(KafkaException):
            return set(logs.ends(partitions).values())
        return set()

    found: set[int] = until(answered, "Kafka's answer", seconds=10)
    return found
