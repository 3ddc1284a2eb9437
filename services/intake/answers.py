"""Takes other services' answers to records into the sequences of the organisations that sent the records.

A service that numbers nothing says its answers on ANSWERS_TOPIC; the key is the organisation. Here each waits for its
number beside what intake says itself. Offset and row become durable in one transaction, and the order within an
organisation stays. Where Kafka has removed answers that were not read, the group goes on and tells it: the sender has
the answer by sending its record again.
"""

import time

from shared.edge.inbound import lost
from shared.language.events import ANSWERS_TOPIC
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.consumer import Consumer, ProcessBatch
from shared.runtime.messages import REPLIES
from shared.runtime.parts import Parts, Runnable
from shared.runtime.write_conflicts import Attempt

GROUP = "intake-answers"


def process_batch(parts: Parts) -> ProcessBatch:
    """What the consumer does inside its transaction: keep each answer until it has a number."""

    def run(attempt: Attempt, records: list[Arrived]) -> Tally:
        unit = parts.unit(attempt.session, on_read=attempt.on_read)
        told = [(record.key or b"").decode() for record in records]
        # Whoever sends on a topic of its own is answered on one, however new both are.
        for organisation in set(told):
            parts.channels.note(organisation)
        now = time.time_ns() // 1000
        for order, (organisation, record) in enumerate(zip(told, records, strict=True), start=now):
            headers = {name: (value or b"").decode() for name, value in record.headers}
            row = {
                "organisation": organisation,
                "ts": order,
                "headers": headers,
                "body": record.value,
            }
            unit.put(REPLIES, f"answer/{headers['ce_id']}", row)
        unit.flush()
        return Tally()

    return run


def readers(parts: Parts) -> list[tuple[str, Runnable]]:
    """The thread that reads other services' answers."""
    consumer = Consumer(
        group=GROUP,
        client=parts.client,
        database=parts.service.database,
        kafka_options=parts.kafka_options,
        process_batch=process_batch(parts),
        stop=parts.stop,
        topics=[ANSWERS_TOPIC],
        on_lost=lost,
    )
    return [("answers", consumer)]
