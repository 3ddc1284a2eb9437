"""How every client of this platform reaches Kafka: one set of options, pinned against its known traps."""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer

from shared.config import Settings

API_VERSION = (4, 0)
END_SECONDS = 5.0


def client_options(settings: Settings) -> dict[str, Any]:
    """Options that consumers, producers and admin clients share.

    A wrong SCRAM password shows as a bootstrap timeout, not as an authentication error (design.md, §4).
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


def discard(producer: KafkaProducer) -> None:
    """Throw a producer away: what it holds is not sent after this, and nothing of it goes on running.

    kafka-python 3.0.12's `close` begins with a flush, and raises before it has ended the sender's thread when anything
    is unacknowledged; that thread then repeats what it holds, and looks for brokers, for as long as the process lives.
    Blocks until the thread has ended, at most 5 s. Raises KafkaError when it has not by then.
    """
    sender = producer._sender  # noqa: SLF001 - it has no public word for this
    sender.force_close()
    sender.join(END_SECONDS)
    producer.close(timeout=0)


def remember_join(consumer: KafkaConsumer) -> None:
    """To be called before each poll: a join that is under way is awaited to its end.

    Where only the topics' partitions have changed, kafka-python 3.0.12 forgets a join whose poll ends between the two
    answers that it takes. It is then no member of its group, sends no heartbeat and reads nothing, for ever.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - it has no public word for this
    if coordinator.rejoining:
        coordinator.request_rejoin()
