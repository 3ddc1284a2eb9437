"""Kafka as somebody outside meets it: records as odd as the protocol allows, and the replies that come of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from confluent_kafka import KafkaException, Message, Producer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from shared.runtime.kafka import API_VERSION, native_options
from tests.support.wild import Raw
from tools.stack import Stack

Headers = tuple[tuple[str, bytes | None], ...]
"""Names and values; a name with lone surrogates stands for the bytes that are no UTF-8 (PEP 383)."""
SEND_SECONDS = 20.0


class Published(NamedTuple):
    """Where a record came to lie."""

    topic: str
    partition: int
    offset: int


class Writer:
    """Publishes as one principal, with its own password.

    Two clients, since neither writes all that the protocol allows: librdkafka null values of headers, kafka-python
    names of headers that are no UTF-8.
    """

    def __init__(self, stack: Stack, principal: str) -> None:
        self._config = {**stack.kafka_config(principal), "api_version": API_VERSION}
        self._native = Producer({**native_options(self._config), "acks": "all", "message.timeout.ms": 15_000})
        self._python: KafkaProducer | None = None

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> Published | None:
        """Publish one record and wait until the broker has it; None where the broker or the client refuses it."""
        if any(_is_raw(name) for name, _ in headers):
            return self._by_python(topic, value, key, headers, timestamp, partition)
        done: list[Published | None] = []

        def told(error: Any, message: Message) -> None:
            lies = None if error else Published(topic, message.partition() or 0, message.offset() or 0)
            done.append(lies)

        options: dict[str, Any] = {} if timestamp is None else {"timestamp": timestamp}
        options |= {} if partition is None else {"partition": partition}
        try:
            self._native.produce(topic, value, key, headers=list(headers), on_delivery=told, **options)
        except (KafkaException, BufferError, ValueError, OverflowError):
            return None
        self._native.flush(SEND_SECONDS)
        return done[0] if done else None

    def _by_python(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: Headers,
        timestamp: int | None,
        partition: int | None,
    ) -> Published | None:
        if self._python is None:
            self._python = KafkaProducer(**self._config, acks="all")
        named = [(Raw(name.encode("utf-8", "surrogateescape")), said or b"") for name, said in headers]
        try:
            lies = self._python.send(
                topic, value or b"", key, named, timestamp_ms=timestamp, partition=partition
            ).get(timeout=SEND_SECONDS)
        except (KafkaError, ValueError, OverflowError):
            return None
        return Published(topic, lies.partition, lies.offset)


def _is_raw(name: str) -> bool:
    return any("\udc80" <= one <= "\udcff" for one in name)


class Replies:
    """What each agency is answered on its own topic, read with its own password."""

    def __init__(self, stack: Stack, agencies: Sequence[str]) -> None:
        self.read_until_now: dict[str, Mapping[str, Any]] = {}
        self._consumers = []
        for agency in agencies:
            config = {**stack.kafka_config(agency), "api_version": API_VERSION}
            consumer = KafkaConsumer(**config, enable_auto_commit=False)
            partition = TopicPartition(f"inbound.{agency}.replies.v1", 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            self._consumers.append(consumer)

    def read(self, wait_milliseconds: int = 100) -> Mapping[str, Mapping[str, Any]]:
        """{`topic:partition:offset` of the record: its answer}, of all that was answered until now."""
        for consumer in self._consumers:
            with suppress(KafkaError):
                for records in consumer.poll(timeout_ms=wait_milliseconds).values():
                    for record in records:
                        self._take(json.loads(record.value))
        return self.read_until_now

    def _take(self, body: Mapping[str, Any]) -> None:
        if "offset" in body:
            self.read_until_now[f"{body['topic']}:{body['partition']}:{body['offset']}"] = body
