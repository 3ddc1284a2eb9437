"""HTTP commands against bare Flask, and how long a command takes to show in the dashboard's stream."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from kafka import KafkaConsumer

from tools.stack import Stack

OUTPUT = {"output": "manager_trained", "quantity": 1, "municipality": "2482", "occurred_on": "2017-03-01"}
CLIENTS = 8


@dataclass(frozen=True)
class Target:
    """Where to post, and with which headers."""

    port: int
    path: str
    token: str = ""


def commands_a_second(target: Target, requests: int, clients: int = CLIENTS) -> float:
    """Requests per second over so many connections, each with one request under way. Raises on any refusal."""
    failures: list[str] = []
    share = requests // clients

    def run() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
        body = json.dumps(OUTPUT)
        for _ in range(share):
            connection.request("POST", target.path, body, _headers(target))
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 201:
                failures.append(said.decode()[:200])
                return
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failures:
        raise RuntimeError(failures[0])
    return share * clients / seconds


def _headers(target: Target) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {target.token}",
        "Idempotency-Key": uuid.uuid4().hex,
    }


@contextmanager
def bare_flask(stack: Stack, port: int) -> Iterator[Target]:
    """The bare application in a process of its own, until the block ends."""
    environment = {**os.environ, "MONGODB_URI": stack.admin_mongo_uri, "HTTP_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare_app"], env=environment)
    try:
        _await_port(port)
        yield Target(port, "/outputs")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _await_port(port: int) -> None:
    deadline, pause = time.monotonic() + 30, threading.Event()
    while time.monotonic() < deadline:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        except OSError:
            pause.wait(0.1)
        else:
            return
    raise RuntimeError("The bare application did not start.")


@dataclass
class Seen:
    """When the n-th command was sent, answered, in Kafka, and in the stream."""

    sent: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    in_kafka: list[float] = field(default_factory=list)
    in_stream: dict[int, float] = field(default_factory=dict)


def latencies(stack: Stack, target: Target, reader: str, *, rate: float, seconds: float) -> dict[str, Any]:
    """p50 and p99 in ms, from each POST on, with `rate` commands a second.

    Answered. One hop, in Kafka: through activity-tracking's transaction, outbox and relay. Two hops, in the dashboard's
    stream: through outcome's projector and its transaction too, to a reader of the published figures. The n-th command
    is taken to be the n-th event, and to be seen when the figure has grown by n.
    """
    seen, stop, ready = Seen(), threading.Event(), threading.Barrier(3)
    count = int(rate * seconds)
    topic = "journey.activity-tracking.v1"
    consumer = KafkaConsumer(
        topic, **stack.kafka_config("outcome"), group_id=None, auto_offset_reset="latest", fetch_max_wait_ms=5
    )
    while not consumer.assignment():
        consumer.poll(timeout_ms=100)
    for partition in consumer.assignment():
        consumer.position(partition)

    def read_kafka() -> None:
        ready.wait()
        while not stop.is_set() and len(seen.in_kafka) < count:
            for records in consumer.poll(timeout_ms=100).values():
                seen.in_kafka += [time.perf_counter()] * len(records)

    def read_stream() -> None:
        url = f"{stack.url('outcome-stream')}/programmes/coactive/figures"
        headers = {"Authorization": f"Bearer {reader}"}
        base = None
        with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
            for line in answer.iter_lines():
                if not line.startswith("data:"):
                    continue
                reached = _reached(json.loads(line[5:]))
                now = time.perf_counter()
                if base is None:
                    base = reached
                    ready.wait()
                for n in range(len(seen.in_stream), reached - base):
                    seen.in_stream[n] = now
                if len(seen.in_stream) >= count or stop.is_set():
                    return

    readers = [threading.Thread(target=one) for one in (read_kafka, read_stream)]
    for one in readers:
        one.start()
    ready.wait()
    _post_at_rate(target, seen, count, rate)
    for one in readers:
        one.join(timeout=20)
    stop.set()
    consumer.close()
    sent = sorted(seen.sent)
    return {
        "commands": count,
        "commands_a_second": rate,
        "answered_ms": _quantiles(sorted(seen.answered), sent),
        "in_kafka_ms": _quantiles(seen.in_kafka, sent),
        "in_stream_ms": _quantiles([seen.in_stream[n] for n in sorted(seen.in_stream)], sent),
    }


def _reached(snapshot: dict[str, Any]) -> int:
    figures = snapshot.get("figures_of_programme", snapshot)
    outputs = figures.get("outputs") or figures["report"]["outputs"]
    return int(next(one["reached"] for one in outputs if one["output"] == OUTPUT["output"]))


def _post_at_rate(target: Target, seen: Seen, count: int, rate: float) -> None:
    """Send on the beat, whether or not earlier ones were answered, from as many connections as it takes."""
    began = time.perf_counter()
    turn = iter(range(count))
    lock = threading.Lock()
    pause = threading.Event()

    def run() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
        body = json.dumps(OUTPUT)
        while True:
            with lock:
                n = next(turn, None)
            if n is None:
                return
            due = began + n / rate
            pause.wait(max(0.0, due - time.perf_counter()))
            moment = time.perf_counter()
            connection.request("POST", target.path, body, _headers(target))
            answer = connection.getresponse()
            answer.read()
            with lock:
                seen.sent.append(moment)
                seen.answered.append(time.perf_counter())

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _quantiles(moments: list[float], sent: list[float]) -> dict[str, float]:
    waited = sorted((at - began) * 1000 for at, began in zip(moments, sent, strict=False))
    if not waited:
        return {"seen": 0}
    return {
        "seen": len(waited),
        "p50": round(waited[len(waited) // 2], 1),
        "p99": round(waited[int(len(waited) * 0.99) - 1], 1),
    }
