"""The long run's upstream source as a process: `python -m tests.chaos.feeder <job>`.

It publishes as a service's relay does: in chunks, with every acknowledgement checked. After any failure a new
producer sends everything under way again. It also stores how many chunks Kafka has acknowledged, beside its job.
Whatever kills it, the next one goes on there: at worst it says some chunks again, which consumers skip. It holds back
while a group is far behind.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.chaos.observe import CONSUMING
from tests.chaos.upstream import Begun, Upstream

MOST_BEHIND = 40_000
"""Events unread by the slowest group, beyond which nothing more is given: memory and patience are bounded."""
LOOK_SECONDS = 0.25
DELIVERY_SECONDS = 6
IN_FLIGHT = 4
"""Chunks handed to the producer before the first is acknowledged."""
KAFKA = (4, 0)


@dataclass(frozen=True, slots=True)
class Job:
    """What a feeder is told, passwords too. chunks: how many there are; moment: the business time, ISO 8601."""

    seed: str
    journeys: list[tuple[str, dict[str, int]]]
    provider: str
    moment: str
    chunks: int
    mongo: str
    kafka: dict[str, Any]

    def upstream(self) -> Upstream:
        """The history that is to be told."""
        begun = [Begun(journey, after) for journey, after in self.journeys]
        return Upstream(self.seed, begun, self.provider, datetime.fromisoformat(self.moment))

    def write(self, path: Path) -> None:
        """Where the feeder finds it; for this user's eyes alone."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def fed(job: Path) -> int:
    """How many chunks of the job Kafka has acknowledged."""
    path = job.with_suffix(".fed")
    return int(path.read_text(encoding="ascii")) if path.exists() else 0


def note_fed(job: Path, chunks: int) -> None:
    """Keep that number, whole, old or new."""
    draft = job.with_suffix(".draft")
    draft.write_text(str(chunks), encoding="ascii")
    draft.replace(job.with_suffix(".fed"))


class Feeder:
    """Publishes one job's chunks until all are out or it is told to stop."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        self._path = path
        self._job = Job(**json.loads(path.read_text(encoding="utf-8")))
        self._upstream = self._job.upstream()
        self._stop = stop
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(
            self._job.mongo, serverSelectionTimeoutMS=2000, socketTimeoutMS=5000
        )
        self._producer: KafkaProducer | None = None
        self._ends: dict[int, int] = {}

    def run(self) -> None:
        """Feed; and then stand still until told to stop, for whoever supervises starts again what ends."""
        done = following = fed(self._path)
        under_way: deque[list[Any]] = deque()
        looked = 0.0
        while done < self._job.chunks and not self._stop.is_set():
            if time.monotonic() - looked > LOOK_SECONDS:
                if self._behind() > MOST_BEHIND:
                    self._stop.wait(LOOK_SECONDS)
                    continue
                looked = time.monotonic()
            try:
                while len(under_way) < IN_FLIGHT and following < self._job.chunks:
                    under_way.append(self._sent(following))
                    following += 1
                self._acknowledged(under_way[0])
            except (KafkaError, OSError, AssertionError) as error:
                print(f"chunk {done}: {type(error).__name__}: {error}", file=sys.stderr)
                self._discard_producer()
                under_way.clear()
                following = done
                self._stop.wait(0.5)
                continue
            under_way.popleft()
            done += 1
            note_fed(self._path, done)
        self._stop.wait()

    def _sent(self, number: int) -> list[Any]:
        """Hand one chunk to the producer. Returns the future of each event."""
        producer, topic = self._connected(), self._upstream.topic
        return [
            producer.send(topic, key=one.subject.encode(), value=one.value, headers=list(one.headers))
            for one in self._upstream.chunk(number)
        ]

    def _acknowledged(self, futures: list[Any]) -> None:
        """Wait until Kafka has the whole chunk. Raises KafkaError."""
        until = time.monotonic() + 2 * DELIVERY_SECONDS
        for future in futures:
            told = future.get(timeout=max(0.0, until - time.monotonic()))
            self._ends[told.partition] = max(self._ends.get(told.partition, 0), told.offset + 1)

    def _discard_producer(self) -> None:
        """After any failure, so that a new one begins with what the old one had not been told of."""
        if self._producer is not None:
            dead, self._producer = self._producer, None
            dead.close(timeout=0)

    def _behind(self) -> int:
        """How many of this feeder's events the slowest group has not made durable; all, where nobody answers."""
        topic, most = self._upstream.topic, 0
        try:
            for one in CONSUMING:
                if topic not in one.topics:
                    continue
                names = {f"{one.group}:{topic}:{at}": end for at, end in self._ends.items()}
                rows = self._mongo[one.database]["offsets"].find({"_id": {"$in": list(names)}}, {"next": 1})
                stored = {row["_id"]: row["next"] for row in rows}
                most = max(most, sum(max(0, end - stored.get(name, 0)) for name, end in names.items()))
        except PyMongoError:
            return MOST_BEHIND + 1
        return most

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(
                **self._job.kafka,
                api_version=KAFKA,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                batch_size=1 << 17,
                delivery_timeout_ms=DELIVERY_SECONDS * 1000,
                request_timeout_ms=4000,
                max_block_ms=4000,
                allow_auto_create_topics=False,
            )
        return self._producer


def main() -> None:
    """Feed until told to stop."""
    stop = threading.Event()

    def told(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    Feeder(Path(sys.argv[1]), stop).run()


if __name__ == "__main__":
    main()
