"""Publishes records that producers refuse to write: names that are no UTF-8, headers and records of nothing."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Message, Producer
from kafka import KafkaProducer

from shared.language.codec import Headers
from shared.runtime.kafka import native_options


class Raw(str):
    """A header's name of these very bytes, which need not be UTF-8."""

    raw: bytes

    def __new__(cls, raw: bytes) -> "Raw":
        made = super().__new__(cls, raw.decode("latin-1"))
        made.raw = raw
        return made

    def encode(self, *_: Any, **__: Any) -> bytes:
        """The bytes, whatever encoding is asked for."""
        return self.raw


class Wild:
    """One at a time: librdkafka writes what is null, kafka-python what is no text."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._python = KafkaProducer(**options, acks="all")
        self._native = Producer(native_options(options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._python.close()
        self._native.flush()

    def send(self, topic: str, headers: Headers, key: bytes | None, value: bytes | None) -> str:
        """Publish one record. Returns `topic:partition:offset`."""
        if value is None or any(text is None for _, text in headers):
            return self._null(topic, headers, key, value)
        sent = self._python.send(topic, headers=list(headers), key=key, value=value, timestamp_ms=1).get(20)
        return f"{sent.topic}:{sent.partition}:{sent.offset}"

    def _null(self, topic: str, headers: Headers, key: bytes | None, value: bytes | None) -> str:
        written: list[Message] = []

        def keep(error: Any, message: Message) -> None:
            assert error is None, error
            written.append(message)

        self._native.produce(topic, value, key, headers=list(headers), on_delivery=keep)
        assert self._native.flush(20) == 0
        (one,) = written
        return f"{one.topic()}:{one.partition()}:{one.offset()}"
