"""What a consumer process says of itself: alive, ready, metrics, and how far it has come."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import structlog
from kafka import KafkaConsumer, TopicPartition
from prometheus_client import generate_latest
from pymongo.database import Database

from shared.errors import Halt
from shared.runtime.clock import Clock
from shared.runtime.consumer import Consumer
from shared.runtime.unit import SHARDS
from shared.telemetry import REGISTRY, metric

STUCK_SECONDS = 60.0

log = structlog.get_logger()


class Runnable(Protocol):
    """Something that runs in a thread of its own until told to stop."""

    progressed_at: float

    def run(self) -> None:
        """Run until the stop event is set."""


class Health:
    """What a consumer process says of itself: alive, ready, metrics, and how far it has come."""

    def __init__(
        self,
        *,
        database: Database[Any],
        clock: Clock,
        kafka_options: Mapping[str, Any],
        group: str,
        topics: list[str],
        runnables: Mapping[str, Runnable],
        own: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kafka_options = kafka_options
        self._group = group
        self._topics = topics
        self._runnables = runnables
        self._own = own
        self._lock = threading.Lock()
        self._log: KafkaConsumer | None = None

    def serve(self, host: str, port: int) -> ThreadingHTTPServer:
        """Answer on this port from a thread of its own."""
        routes: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/progress": self._progress,
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                route = routes.get(self.path)
                status, kind, body = route() if route else (404, "text/plain", b"")
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
                log.debug("health", path=self.path)

        server = ThreadingHTTPServer((host, port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True, name="health").start()
        return server

    def _stuck(self) -> list[str]:
        now = time.monotonic()
        return [name for name, one in self._runnables.items() if now - one.progressed_at > STUCK_SECONDS]

    def _halted(self) -> Halt | None:
        """Why this process, or a further consumer in it, refuses to go on."""
        consumers = [one for one in self._runnables.values() if isinstance(one, Consumer)]
        return next((one.halted for one in consumers if one.halted), None)

    def _healthz(self) -> tuple[int, str, bytes]:
        stuck = self._stuck()
        return _json(503 if stuck else 200, {"status": "stuck" if stuck else "alive", "threads": stuck})

    def _readyz(self) -> tuple[int, str, bytes]:
        halted = self._halted()
        if halted:
            return _json(503, {"status": "halted", "cause": halted.cause, "cure": halted.cure})
        return _json(200, {"status": "ready"})

    def _metrics(self) -> tuple[int, str, bytes]:
        self.progress()
        return 200, "text/plain; version=0.0.4", generate_latest(REGISTRY)

    def _progress(self) -> tuple[int, str, bytes]:
        try:
            return _json(200, self.progress())
        except Exception as error:  # noqa: BLE001 - said to whoever asks, and asked again
            return _json(503, {"error": type(error).__name__})

    def progress(self) -> dict[str, Any]:
        """Lag, outbox, timers, parked: counts by index only. Blocks for a round trip to Kafka and a few to MongoDB."""
        with self._lock:
            now = self._clock.now()
            ends = self._ends()
            pending = {"pend": {"$in": list(range(SHARDS))}}
            outbox = self._database["events"].count_documents(pending) if self._own else 0
            oldest = (
                self._database["events"].find_one(pending, {"ts": 1}, sort=[("ts", 1)]) if outbox else None
            )
            refused = self._database["events"].count_documents({"pend": {"$lt": 0}}) if self._own else 0
            due = self._database["timers"].count_documents({"due": {"$lte": now}}) if self._own else 0
            by_reason: list[dict[str, Any]] = [
                {"$match": {"group": self._group}},
                {"$sortByCount": "$reason"},
            ]
            aside = {row["_id"]: row["count"] for row in self._database["parked"].aggregate(by_reason)}
            waiting = aside.pop("waiting", 0)
            parked = sum(aside.values())
            prefix = {"_id": {"$gte": f"{self._group}:", "$lt": f"{self._group};"}}
            applied = {row["_id"]: row["next"] for row in self._database["offsets"].find(prefix)}
        lag = sum(
            end - applied.get(f"{self._group}:{at.topic}:{at.partition}", 0) for at, end in ends.items()
        )
        halted = self._halted()
        age = max(0.0, time.time() - oldest["ts"] / 1e6) if oldest else 0.0
        metric("journey_consumer_lag", group=self._group).set(lag)
        metric("journey_waiting", group=self._group).set(waiting)
        metric("journey_parked", group=self._group).set(parked)
        metric("journey_outbox_pending").set(outbox)
        metric("journey_outbox_refused").set(refused)
        metric("journey_outbox_oldest_seconds").set(age)
        metric("journey_timers_due").set(due)
        return {
            "group": self._group,
            "clock": now.isoformat(),
            "lag": lag,
            "outbox_pending": outbox,
            "outbox_refused": refused,
            "outbox_oldest_seconds": round(age, 1),
            "timers_due": due,
            "waiting": waiting,
            "parked": parked,
            "emitted": self._database["events"].estimated_document_count() if self._own else 0,
            "applied": sum(applied.values()),
            "halted": {"cause": halted.cause, "cure": halted.cure} if halted else None,
            "stuck": self._stuck(),
        }

    def _ends(self) -> dict[TopicPartition, int]:
        """Where the log ends now, by partition."""
        if self._log is None:
            self._log = KafkaConsumer(**self._kafka_options, group_id=None, enable_auto_commit=False)
        try:
            partitions = [
                TopicPartition(topic, partition)
                for topic in self._topics
                for partition in (self._log.partitions_for_topic(topic) or ())
            ]
            ends: dict[TopicPartition, int] = self._log.end_offsets(partitions)
        except Exception:
            broken, self._log = self._log, None
            broken.close(timeout_ms=500)
            raise
        return ends


def _json(status: int, body: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(body).encode()
