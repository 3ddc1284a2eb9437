"""How long one agency waits for its answer while another has sent twenty thousand records at once."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from pymongo import MongoClient

from shared.runtime.kafka import native_options
from tests.bench.surroundings import Bench
from tests.bench.web import await_lag, up
from tools.stack import Stack

FLOOD, ONES = 20_000, 20
NOISY, OTHER = "forsakringskassan", "arbetsformedlingen-skelleftea"
PATIENCE_SECONDS = 60.0
SETTLED = 200
"""So many of the flood are answered before the other agency begins."""


def measure(bench: Bench) -> dict[str, Any]:
    """Seconds from sending one record to its answer: alone, and beside the flood, one after the other.

    Both agencies' records are good referrals. The flood is sent as the administrator, whom no quota slows down.
    """
    stack = bench.stack
    up(stack)
    await_lag(stack)
    producer = Producer({**native_options(bench.options), "linger.ms": 5})
    noisy = people(stack, registered(stack, NOISY), FLOOD)
    other = people(stack, registered(stack, OTHER), 2 * ONES)
    with replies(bench, OTHER) as awaited, replies(bench, NOISY) as flood:
        alone = [waited(producer, awaited, other[n], f"ALONE-{n}") for n in range(ONES)]
        for number in range(FLOOD):
            producer.produce(f"inbound.{NOISY}.referrals.v1", referral(noisy[number], f"FLOOD-{number}"))
            producer.poll(0)
        producer.flush()
        began, first = time.perf_counter(), flood.count()
        while flood.count() - first < SETTLED:
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError("The flood is not answered.")
        beside = [waited(producer, awaited, other[ONES + n], f"BESIDE-{n}") for n in range(ONES)]
        answered, seconds = flood.count() - first, time.perf_counter() - began
    return {
        "fair_share": {
            "alone": _told(alone),
            "beside": _told(beside),
            "flood": FLOOD,
            "still_unanswered": FLOOD - answered,
            "answered_a_second": round(answered / seconds),
        }
    }


def registered(stack: Stack, agency: str) -> str:
    """The handle of a person whom the agency has registered."""
    answer = httpx.post(
        f"{stack.url('intake-web')}/participants",
        json={"name": "Kim Exempel", "personnummer": None},
        headers={
            "Authorization": f"Bearer {stack.token(agency, 'caseworker')}",
            "Idempotency-Key": f"share-{agency}-{time.time_ns()}",
        },
        timeout=30,
    )
    answer.raise_for_status()
    return str(answer.json()["participant_id"])


def people(stack: Stack, handle: str, number: int) -> list[str]:
    """So many handles, as if as many persons had been registered: each is referred once."""
    names = [f"{uuid4().int:026d}"[:26] for _ in range(number)]
    with MongoClient[dict[str, Any]](stack.admin_mongo_uri) as client:
        states, rows = client["intake"]["referrals"], client["intake"]["handles"]
        row, brought = rows.find_one({"_id": handle}), states.find_one({"_id": f"handle/{handle}"})
        assert row is not None
        assert brought is not None
        person = states.find_one({"_id": f"participant/{row['home']}"})
        assert person is not None
        for one in names:
            person["state"]["participant_id"] = f"p-{one}"
            brought["state"].update(handle=f"h-{one}", participant_id=f"p-{one}")
            states.insert_many(
                [{**person, "_id": f"participant/p-{one}"}, {**brought, "_id": f"handle/h-{one}"}]
            )
            rows.insert_one({**row, "_id": f"h-{one}", "home": f"p-{one}", "person": f"p-{one}"})
    return [f"h-{one}" for one in names]


def referral(participant: str, reference: str) -> bytes:
    """A record in order."""
    body = {
        "reference": reference,
        "participant_id": participant,
        "programme": "coactive",
        "municipality": "2482",
        "occurred_on": "2017-02-27",
    }
    return json.dumps(body).encode()


class Replies:
    """The answers on one agency's reply topic, from now on."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._places: dict[str, float] = {}
        self._lock = threading.Lock()
        self.stop = threading.Event()

    def run(self) -> None:
        """Read until told to stop."""
        while not self.stop.is_set():
            for records in self._consumer.poll(timeout_ms=50).values():
                now = time.perf_counter()
                with self._lock:
                    self._places |= {dict(one.headers)["ce_id"].decode(): now for one in records}

    def count(self) -> int:
        """How many there are."""
        with self._lock:
            return len(self._places)

    def moment_of(self, identity: str) -> float:
        """When that one came. Blocks. Raises RuntimeError when it does not."""
        deadline, pause = time.perf_counter() + PATIENCE_SECONDS, threading.Event()
        while time.perf_counter() < deadline:
            with self._lock:
                if identity in self._places:
                    return self._places[identity]
            pause.wait(0.005)
        raise RuntimeError(f"No answer to {identity} in {PATIENCE_SECONDS:g} s.")


@contextmanager
def replies(bench: Bench, agency: str) -> Iterator[Replies]:
    """What the agency is answered while the block lasts."""
    consumer = KafkaConsumer(**bench.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=5)
    partition = TopicPartition(f"inbound.{agency}.replies.v1", 0)
    consumer.assign([partition])
    consumer.seek_to_end(partition)
    consumer.position(partition)
    found = Replies(consumer)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.stop.set()
        thread.join()
        consumer.close()


def waited(producer: Producer, awaited: Replies, participant: str, reference: str) -> float:
    """Seconds from sending one record as the other agency to its answer."""
    places: list[str] = []
    topic = f"inbound.{OTHER}.referrals.v1"
    began = time.perf_counter()
    producer.produce(
        topic,
        referral(participant, reference),
        on_delivery=lambda error, message: places.append(f"intake:{topic}:0:{message.offset()}"),
    )
    producer.flush()
    return awaited.moment_of(places[0]) - began


def _told(seconds: list[float]) -> dict[str, float]:
    found = sorted(seconds)
    return {"median": round(found[len(found) // 2], 3), "most": round(found[-1], 3)}
