"""How the same fold is usually written: a commit per message, a transaction per message, FastStream in batches.

Each reads the same topic from its beginning. Those that go message by message are measured on few messages.
"""

import time
from typing import Any

import orjson
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from tests.bench import runtime
from tests.bench.surroundings import Bench
from tests.bench.turns import in_turn

MESSAGES = 300


def measure(bench: Bench) -> dict[str, Any]:
    """The platform's fold against each of them."""
    turns = in_turn(
        {
            "ours": lambda: runtime.ours(bench),
            "hand-written": lambda: hand_written(bench, MESSAGES),
            "transaction": lambda: transaction_each(bench, MESSAGES),
            "faststream": lambda: faststream(bench, "plain"),
            "faststream, added up": lambda: faststream(bench, "added-up"),
        }
    )
    return {
        "hand_written": turns.against("ours", "hand-written"),
        "transaction_each": turns.against("ours", "transaction"),
        "faststream": turns.against("ours", "faststream"),
        "faststream_added_up": turns.against("ours", "faststream, added up"),
    }


def hand_written(bench: Bench, messages: int) -> float:
    """Load, change, write at w=majority, commit the offset; then the next one. Events/s.

    At least once: killed between write and commit, it counts a message twice.
    """
    states = bench.client["bench_hand_written"]["states"]
    states.drop()
    began = 0.0
    consumer = _consumer(bench)
    for seen, record in enumerate(consumer, start=1):
        began = began or time.perf_counter()
        state = _next(states.find_one({"_id": record.key.decode()}), record)
        states.replace_one({"_id": state["_id"]}, state, upsert=True)
        consumer.commit({TopicPartition(record.topic, record.partition): _after(record)})
        if seen == messages:
            break
    seconds = time.perf_counter() - began
    consumer.close()
    states.database.client.drop_database(states.database.name)
    return messages / seconds


def transaction_each(bench: Bench, messages: int) -> float:
    """The state and the offset in a transaction of each message's own; nothing is lost or doubled. Events/s."""
    database = bench.client["bench_transaction_each"]
    bench.client.drop_database(database.name)
    states, offsets = database["states"], database["offsets"]
    began = 0.0
    consumer = _consumer(bench)
    with bench.client.start_session() as session:
        for seen, record in enumerate(consumer, start=1):
            began = began or time.perf_counter()

            def work(session: ClientSession, record: Any = record) -> None:
                state = _next(states.find_one({"_id": record.key.decode()}, session=session), record)
                states.replace_one({"_id": state["_id"]}, state, upsert=True, session=session)
                move = {"$set": {"next": record.offset + 1}}
                offsets.update_one({"_id": record.partition}, move, upsert=True, session=session)

            session.with_transaction(
                work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )
            if seen == messages:
                break
    seconds = time.perf_counter() - began
    consumer.close()
    bench.client.drop_database(database.name)
    return messages / seconds


def faststream(bench: Bench, way: str) -> float:
    """FastStream in a process of its own, one of its two ways. Events/s."""
    with bench.process("faststream_app", bench.topic, str(bench.events), way) as process:
        told, _ = process.communicate(timeout=300)
    if process.returncode:
        raise RuntimeError("FastStream's side failed; see above.")
    return float(told)


def _consumer(bench: Bench) -> KafkaConsumer:
    return KafkaConsumer(
        bench.topic,
        **bench.options,
        group_id=f"{bench.topic}-{time.time_ns()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


def _next(state: dict[str, Any] | None, record: Any) -> dict[str, Any]:
    """The state after the message."""
    now = state or {"_id": record.key.decode(), "n": 0, "minutes": 0}
    return {**now, "n": now["n"] + 1, "minutes": now["minutes"] + orjson.loads(record.value)["minutes"]}


def _after(record: Any) -> OffsetAndMetadata:
    return OffsetAndMetadata(record.offset + 1, "", -1)
