"""A flood on one topic, on the real broker: the others are in the next batch, and nothing is lost or doubled."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from shared.runtime.arrived import Arrived, Tally
from shared.runtime.consumer import Consumer
from shared.runtime.fair import FairMember
from shared.runtime.kafka import Partition, native_options
from shared.runtime.turns import Share
from tests.support.awaiting import until
from tests.support.toybench import Bench, bench

__all__ = ["bench"]

FLOOD = 20_000
FEW = 40


@pytest.fixture
def topics(bench: Bench) -> Iterator[tuple[str, str, str]]:
    """One that is flooded, with two partitions, and two with one."""
    names = (f"{bench.group}.flood", f"{bench.group}.b", f"{bench.group}.c")
    admin = KafkaAdminClient(**bench.kafka)
    admin.create_topics({name: {"num_partitions": 2 if name == names[0] else 1} for name in names})
    yield names
    admin.delete_topics(list(names))
    admin.close()


class Reader:
    """What a group's members have read, batch by batch, in the order in which it became durable."""

    def __init__(self, bench: Bench, topics: tuple[str, ...]) -> None:
        self.bench = bench
        self.topics = topics
        self.batches: list[list[Arrived]] = []
        self.lost: list[tuple[Partition, int]] = []

    def start(self) -> threading.Event:
        """Another member. Returns what stops it."""
        stop = threading.Event()

        def process_batch(_: Any, records: list[Arrived]) -> Tally:
            return Tally(when_durable=lambda: self.batches.append(records))

        consumer = Consumer(
            group=self.bench.group,
            client=self.bench.client,
            database=self.bench.database,
            kafka_options=self.bench.kafka,
            process_batch=process_batch,
            stop=stop,
            topics=self.topics,
            join=FairMember,
            on_lost=lambda at, count: self.lost.append((at, count)),
        )
        self.bench.start(consumer.run)
        return stop

    def read(self) -> dict[str, list[tuple[int, int]]]:
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for batch in list(self.batches):
            for one in batch:
                found[one.topic].append((one.partition, one.offset))
        return found


def publish(bench: Bench, topic: str, count: int) -> None:
    producer = Producer({**native_options(bench.kafka), "linger.ms": 5})
    for number in range(count):
        producer.produce(topic, b"{}" + b" " * 200, str(number).encode())
        producer.poll(0)
    assert producer.flush(30) == 0


def test_who_sends_little_is_in_the_next_batch_whatever_another_sends(
    bench: Bench, topics: tuple[str, str, str]
) -> None:
    flood, few, late = topics
    publish(bench, flood, FLOOD)
    reader = Reader(bench, topics)
    stop = reader.start()
    until(lambda: len(reader.batches) > 5, "the flood is read")
    publish(bench, few, FEW)
    publish(bench, late, 1)
    until(lambda: reader.read()[late] and len(reader.read()[few]) == FEW, "the others", pause_seconds=0.01)
    behind = FLOOD - len(reader.read()[flood])
    assert behind > FLOOD / 2, "they overtook the flood"
    shared = [batch for batch in reader.batches if len({one.topic for one in batch}) > 1]
    assert shared, "batches hold more than one topic"
    assert max(map(len, reader.batches)) <= Share().batch
    until(lambda: len(reader.read()[flood]) == FLOOD, "all of the flood")
    for places in reader.read().values():
        assert len(places) == len(set(places)), "each once"
        for partition in {one for one, _ in places}:
            offsets = [offset for at, offset in places if at == partition]
            assert offsets == sorted(offsets)
    stop.set()


def test_members_that_come_and_go_lose_nothing_and_double_nothing(
    bench: Bench, topics: tuple[str, str, str]
) -> None:
    reader = Reader(bench, topics)
    first = reader.start()
    publish(bench, topics[0], FLOOD // 2)
    until(lambda: len(reader.batches) > 5, "the first reads")
    second = reader.start()
    until(lambda: len(reader.batches) > 40, "both read")
    publish(bench, topics[1], FEW)
    first.set()
    until(lambda: len(reader.read()[topics[0]]) >= FLOOD // 2, "all of the flood")
    until(lambda: len(reader.read()[topics[1]]) == FEW, "the others")
    assert len(set(reader.read()[topics[0]])) == len(reader.read()[topics[0]]) == FLOOD // 2
    second.set()


def test_what_was_removed_unread_is_its_sender_s_loss_and_nobody_waits(
    bench: Bench, topics: tuple[str, str, str]
) -> None:
    few, late = topics[1:]
    reader = Reader(bench, (few, late))
    publish(bench, few, 1)
    stop = reader.start()
    until(lambda: reader.read()[few], "the first")
    stop.set()
    bench.threads[-1].join(20)
    publish(bench, few, FEW)
    admin = KafkaAdminClient(**bench.kafka)
    admin.delete_records({TopicPartition(few, 0): 31})
    admin.close()
    publish(bench, late, 1)
    stop = reader.start()
    until(
        lambda: reader.read()[late] and len(reader.read()[few]) == 1 + FEW - 30, "what is left, and the other"
    )
    assert reader.lost == [(Partition(few, 0), 30)]
    stop.set()
