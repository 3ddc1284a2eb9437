"""The Kafka options that all clients of the platform share, set against known traps of the two libraries.

Consumers and queries of log ends run on librdkafka (confluent-kafka); producers run on kafka-python. Decision:
docs/decisions/0033-consume-with-librdkafka-produce-with-kafka-python.md.
"""

import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from kafka import KafkaProducer

from shared.runtime.settings import Settings

API_VERSION = (4, 0)
END_SECONDS = 5.0
NATIVE = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_plain_username": "sasl.username",
    "sasl_plain_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "reconnect_backoff_max_ms": "reconnect.backoff.max.ms",
    "metadata_max_age_ms": "topic.metadata.refresh.interval.ms",
}
"""{option of `client_options`: its name in librdkafka}."""

ELSEWHERE = frozenset(
    {"FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE"}
)
"""Kafka's error codes for a request to a broker that no longer leads the partition, as after a broker's restart."""


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


def client_options(settings: Settings) -> dict[str, Any]:
    """Options that consumers, producers and admin clients share.

    A wrong SCRAM password shows as a bootstrap timeout, not as an authentication error.
    """
    return {
        "bootstrap_servers": list(settings.kafka_servers),
        "security_protocol": settings.kafka_security,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password,
        "api_version": API_VERSION,
        # The client's own 30 s would be waited out in full after an outage, with the broker long there again.
        "reconnect_backoff_max_ms": 1000,
        # Partitions that a topic was given are seen by all within this time, not five minutes later by some.
        "metadata_max_age_ms": 30_000,
    } | ({"ssl_cafile": settings.kafka_ca_file} if settings.kafka_ca_file else {})


def native_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Translate `client_options` into librdkafka's option names."""
    servers = options["bootstrap_servers"]
    return {
        "bootstrap.servers": servers if isinstance(servers, str) else ",".join(servers),
        "allow.auto.create.topics": False,
        # It would say each lost connection on standard error, beside the log of the process.
        "log_level": 2,
    } | {name: options[ours] for ours, name in NATIVE.items() if ours in options}


class TopicIdQuery:
    """A query under way: the ids of the topics that have these names now."""

    def __init__(self, asked: Mapping[str, Future[Any]]) -> None:
        self._asked = asked

    def answer(self) -> dict[str, str] | None:
        """Return {topic: its id, as a UUID}, without topics that do not exist; None until Kafka has answered.

        Raises KafkaException when Kafka did not answer in time.
        """
        return self.awaited() if all(one.done() for one in self._asked.values()) else None

    def awaited(self) -> dict[str, str]:
        """Wait for the answer and return it: {topic: its id}, without topics that do not exist."""
        return {
            topic: str(
                uuid.UUID(
                    int=(described.topic_id.get_most_significant_bits() % 2**64 << 64)
                    + described.topic_id.get_least_significant_bits() % 2**64
                )
            )
            for topic, described in _described(self._asked).items()
        }


def _described(asked: Mapping[str, Future[Any]]) -> dict[str, Any]:
    found = {}
    for topic, answer in asked.items():
        try:
            found[topic] = answer.result()
        except KafkaException as error:
            if error.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                raise
    return found


class Logs:
    """Asks Kafka for the beginnings and ends of its logs, and for topic ids. Threads may share it.

    Connects at the first query, so that it can be created before Kafka is up. Every query but `ask_identities` blocks
    for one round trip, at most `seconds`, and raises KafkaException.
    """

    def __init__(self, options: Mapping[str, Any], seconds: float = 10.0) -> None:
        self._options = native_options(options)
        self._seconds = seconds
        self._made = threading.Lock()
        self._admin: AdminClient | None = None

    def topics(self) -> frozenset[str]:
        """The names of all topics that the principal may see."""
        found = self._connected().list_topics(timeout=self._seconds).topics
        return frozenset(name for name, one in found.items() if one.error is None)

    def partitions(self, topics: Iterable[str], seconds: float | None = None) -> list[Partition]:
        """The partitions of those topics; topics that do not exist have none."""
        return [
            Partition(topic, one.id)
            for topic, described in _described(self._ask(topics, seconds)).items()
            for one in described.partitions
        ]

    def identities(self, topics: Iterable[str]) -> dict[str, str]:
        """{topic: its id, as a UUID}, without topics that do not exist."""
        return self.ask_identities(topics).awaited()

    def ask_identities(self, topics: Iterable[str]) -> TopicIdQuery:
        """Query the ids of the topics that have these names now. Does not block."""
        return TopicIdQuery(self._ask(topics))

    def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """{partition: the first offset that Kafka still holds}."""
        return self._offsets(partitions, OffsetSpec.earliest(), None)  # type: ignore[no-untyped-call]

    def ends(self, partitions: Iterable[Partition], seconds: float | None = None) -> dict[Partition, int]:
        """{partition: the offset that its next record will get}."""
        return self._offsets(partitions, OffsetSpec.latest(), seconds)  # type: ignore[no-untyped-call]

    def _ask(self, topics: Iterable[str], seconds: float | None = None) -> dict[str, Future[Any]]:
        names = sorted(topics)
        if not names:
            return {}
        return self._connected().describe_topics(
            TopicCollection(names), request_timeout=seconds or self._seconds
        )

    def _offsets(
        self, partitions: Iterable[Partition], spec: OffsetSpec, seconds: float | None
    ) -> dict[Partition, int]:
        wanted = {TopicPartition(*at): spec for at in partitions}
        if not wanted:
            return {}
        try:
            return self._asked_for(wanted, seconds)
        except KafkaException as error:
            if error.args[0].name() not in ELSEWHERE:
                raise
        # The client keeps for minutes what it knew of the leaders, and does not look again when it is told no.
        self._connected().list_topics(timeout=seconds or self._seconds)
        return self._asked_for(wanted, seconds)

    def _asked_for(
        self, wanted: dict[TopicPartition, OffsetSpec], seconds: float | None
    ) -> dict[Partition, int]:
        asked: dict[TopicPartition, Future[Any]] = self._connected().list_offsets(
            wanted, request_timeout=seconds or self._seconds
        )
        found = {Partition(at.topic, at.partition): answer.result().offset for at, answer in asked.items()}
        # What was not answered, because the leader had just gone, has come back as an offset below all that there are.
        if any(offset < 0 for offset in found.values()):
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return found

    def _connected(self) -> AdminClient:
        with self._made:
            if self._admin is None:
                self._admin = AdminClient(self._options)
            return self._admin


def discard(producer: KafkaProducer) -> None:
    """Close a producer at once: it sends nothing more, and its thread ends.

    The `close` of kafka-python 3.0.12 flushes first. With unacknowledged records it raises before it has ended the
    sender's thread. That thread then retries and looks for brokers for as long as the process lives. Blocks until the
    thread has ended, at most 5 s. Raises KafkaError when it has not ended by then.
    """
    sender = producer._sender  # noqa: SLF001 - it has no public word for this
    sender.force_close()
    sender.join(END_SECONDS)
    producer.close(timeout=0)
