"""What a consumer process says of itself: alive, ready, metrics, and how far it has come."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaException
from prometheus_client import generate_latest
from pymongo.errors import PyMongoError

from shared.errors import Halt
from shared.runtime.consumer import Consumer
from shared.telemetry import REGISTRY

STUCK_SECONDS = 60.0

log = structlog.get_logger()


class Runnable(Protocol):
    """Something that runs in a thread of its own until told to stop."""

    progressed_at: float

    def run(self) -> None:
        """Run until the stop event is set."""


class Measuring(Protocol):
    """Tells how far a group has come."""

    def measure(self) -> dict[str, Any]:
        """The counts, which it sets as metrics too. Blocks; raises KafkaException, PyMongoError."""


class Health:
    """What a consumer process says of itself: alive, ready, metrics, and how far it has come."""

    def __init__(self, measuring: Measuring, runnables: Mapping[str, Runnable]) -> None:
        self._measuring = measuring
        self._runnables = runnables

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
            # One packet an answer: a body sent after its headers waits for the client's delayed acknowledgement, 40 ms.
            wbufsize = -1

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
        """What is known, though Kafka or MongoDB should not answer now: that is when it is looked at."""
        try:
            self._measuring.measure()
        except (KafkaException, PyMongoError) as error:
            log.warning("unmeasured", error=type(error).__name__)
        return 200, "text/plain; version=0.0.4", generate_latest(REGISTRY)

    def _progress(self) -> tuple[int, str, bytes]:
        try:
            return _json(200, self.progress())
        except Exception as error:  # noqa: BLE001 - said to whoever asks, and asked again
            return _json(503, {"error": type(error).__name__})

    def progress(self) -> dict[str, Any]:
        """How far the group has come, and whether this process goes on. Blocks; raises KafkaException, PyMongoError."""
        return {**self._measuring.measure(), **self.standing()}

    def standing(self) -> dict[str, Any]:
        """Whether this process goes on: why it halted, and which of its threads are stuck. Never blocks."""
        halted = self._halted()
        return {
            "halted": _told(halted) if halted else None,
            "stuck": self._stuck(),
        }


def _told(halt: Halt) -> dict[str, Any]:
    """A halt in a document; `log` only where an operator may accept one."""
    log = {"log": asdict(halt.log)} if halt.log else {}
    return {"cause": halt.cause, "cure": halt.cure, **log}


def _json(status: int, body: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(body).encode()
