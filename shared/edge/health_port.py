"""The health port: the answers of every process to Kubernetes, compose and Prometheus, apart from its callers.

It has threads and limits of its own, so no caller can make a living process look dead. It is never published: only
this port serves metrics.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from prometheus_client import generate_latest

from shared.edge.http_server import HttpServer, Limits
from shared.edge.problems import MEDIA_TYPE, problem
from shared.language.errors import CODES
from shared.telemetry.metrics import REGISTRY
from shared.telemetry.traces import start_trace

Said = tuple[int, str, bytes]
Route = Callable[[], Said]

LIMITS = Limits(head_seconds=5, body_seconds=5, connections=128, per_address=64, held_bytes=1024 * 1024)
AT_ONCE = 2
"""Requests for one path at once; a slow answer takes no thread from the other paths."""


def serve_health(host: str, port: int, routes: Mapping[str, Route]) -> HttpServer:
    """Answer GET on these paths, from a thread that ends with the process. A route may block."""
    places = {path: threading.BoundedSemaphore(AT_ONCE) for path in routes}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        headers: list[tuple[str, str]] = []
        if path not in routes:
            status, kind, body = _refused("unknown-route")
        elif environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            status, kind, body = _refused("method-not-allowed")
            headers = [("Allow", "GET, HEAD")]
        elif environ.get("QUERY_STRING"):
            status, kind, body = _refused("invalid-fields")
        elif places[path].acquire(blocking=False):
            try:
                status, kind, body = routes[path]()
            finally:
                places[path].release()
        else:
            status, kind, body = said(503, {"status": "asked by too many at once"})
            headers = [("Retry-After", "1")]
        headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    server = HttpServer(answer, host, port, threads=AT_ONCE * len(routes), limits=LIMITS)
    server.serve_in_thread("health")
    return server


def _refused(code: str) -> Said:
    """A request that no probe makes, as a problem document; how a process is stays an answer of its own form."""
    start_trace("")
    status, _, body = problem(code, CODES[code].title)
    return status, MEDIA_TYPE, body


def said(status: int, body: Mapping[str, Any]) -> Said:
    """An answer in JSON."""
    return status, "application/json", json.dumps(body).encode()


def metrics() -> Said:
    """The metrics, for Prometheus."""
    return 200, "text/plain; version=0.0.4", generate_latest(REGISTRY)
