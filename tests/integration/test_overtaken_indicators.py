"""A publisher of indicators that was stopped with a record on its way, and woke after others had gone on."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError
from pymongo import MongoClient

from services.outcome.stream.indicators import PUBLISHED, Cell, Indicator, Record, record
from services.outcome.stream.publisher import (
    INDEXES,
    KafkaOutlet,
    Publisher,
    StaleLedger,
    StoredLedger,
)
from tests.support.awaiting import until
from tools.stack import Stack

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Indicator(
    programme="overtaken",
    name="figures.started",
    cell=Cell(5),
    seq=1,
    holds_on=AT.date(),
    published_at=AT,
)
SECOND = replace(FIRST, cell=Cell(6), seq=2)


@dataclass
class Publishing:
    """Two publishers' ledgers, a publisher that works with the second, and the topic."""

    one: StoredLedger
    other: StoredLedger
    options: dict[str, Any]
    numbers: Callable[[], list[int]]

    def publisher(self, ledger: StoredLedger, outlet: Callable[[], KafkaOutlet] | None = None) -> Publisher:
        """It begins with what the ledger holds."""
        made = outlet or (lambda: KafkaOutlet(self.options))
        return Publisher(ledger, made, lambda: datetime.now(UTC), threading.Event())


@pytest.fixture
def publishing(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Publishing]:
    """On a database of the test's own."""
    name = f"overtaken_{abs(hash(request.node.name)) % 10**8}"
    options = {**stack.kafka_config("outcome"), "api_version": (4, 0)}
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri, tz_aware=True, w="majority") as client:
        client[name]["indicators"].create_indexes(INDEXES["indicators"])
        consumer = KafkaConsumer(**stack.kafka_admin_config(), api_version=(4, 0))
        consumer.assign(
            [TopicPartition(PUBLISHED.topic, n) for n in consumer.partitions_for_topic(PUBLISHED.topic)]
        )
        consumer.seek_to_end()
        for at in consumer.assignment():
            consumer.position(at)
        seen: list[int] = []

        def numbers() -> list[int]:
            for records in consumer.poll(200).values():
                seen.extend(
                    json.loads(one.value)["value"] for one in records if one.key == FIRST.key.encode()
                )
            return seen

        yield Publishing(
            StoredLedger(client, name, "one"), StoredLedger(client, name, "other"), options, numbers
        )
        consumer.close()
        client.drop_database(name)


def gone_on(publishing: Publishing) -> Publisher:
    """The other publisher, once it has sent what the first had begun to send, and a newer number."""
    publishing.one.intend([FIRST])
    publishing.other.hold()
    assert publishing.publisher(publishing.other).publish_once() == 1
    publishing.other.intend([SECOND])
    other = publishing.publisher(publishing.other)
    assert other.publish_once() == 1
    until(lambda: publishing.numbers() == [5, 6], "both numbers")
    return other


def test_an_old_number_sent_after_a_newer_is_followed_by_the_newer(publishing: Publishing) -> None:
    other = gone_on(publishing)
    outlet = KafkaOutlet(publishing.options)
    outlet.send([record(FIRST)])
    with pytest.raises(StaleLedger):
        publishing.one.sent([FIRST])
    until(other.publish_once, "the newer number sent again")
    until(lambda: publishing.numbers() == [5, 6, 5, 6], "the newer number last")
    assert other.publish_once() == 0
    outlet.close()


class Unacknowledged(KafkaOutlet):
    """Kafka takes what it sends, and the answer is lost."""

    def send(self, records: Sequence[Record]) -> None:
        super().send(records)
        raise KafkaTimeoutError


def test_so_is_one_whose_acknowledgement_never_came(publishing: Publishing) -> None:
    publishing.one.intend([FIRST])
    late = publishing.publisher(publishing.one, lambda: Unacknowledged(publishing.options))
    with pytest.raises(KafkaTimeoutError):
        late.publish_once()
    publishing.one.release()
    until(lambda: publishing.numbers() == [5], "the first number")
    publishing.other.hold()
    assert publishing.publisher(publishing.other).publish_once() == 1
    publishing.other.intend([SECOND])
    other = publishing.publisher(publishing.other)
    assert other.publish_once() == 1
    # Its lease is gone, and what it holds in its hands is old by now.
    with pytest.raises(KafkaTimeoutError):
        late._send([FIRST])
    until(other.publish_once, "the newer number sent again")
    until(lambda: publishing.numbers() == [5, 5, 6, 5, 6], "the newer number last")


def test_what_is_owed_while_the_newer_is_on_its_way_is_sent_once_more(publishing: Publishing) -> None:
    publishing.one.intend([FIRST])
    publishing.one.sent([FIRST])
    publishing.other.intend([SECOND])
    assert publishing.one.send_again([FIRST])
    publishing.other.sent([SECOND])
    assert publishing.other.owed() == [SECOND]
    assert publishing.other.owed() == []
    assert publishing.other.load()[1] == [SECOND]
    publishing.other.sent([SECOND])
    assert publishing.other.load()[1] == []


def test_who_takes_over_takes_up_what_is_owed(publishing: Publishing) -> None:
    publishing.one.intend([FIRST])
    publishing.other.sent([FIRST])
    publishing.other.intend([SECOND])
    publishing.other.sent([SECOND])
    assert publishing.one.send_again([FIRST])
    assert publishing.other.load()[1] == [SECOND]
    publishing.other.sent([SECOND])
    assert publishing.other.load()[1] == []
