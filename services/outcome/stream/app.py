"""Builds and runs the stream role: one reader, one publisher of indicators, one loop over the clients."""

import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from services.outcome.stream.dashboards import Dashboards, StoredFilled, dashboards_in
from services.outcome.stream.hub import Hub
from services.outcome.stream.logins import StoredLogins
from services.outcome.stream.pages import read_pages
from services.outcome.stream.publisher import AGAIN, KafkaOutlet, Publisher, StoredLedger
from services.outcome.stream.reader import Reader
from services.outcome.stream.routes import Edge
from services.outcome.stream.server import Connections, make_server
from services.outcome.stream.snapshot import Snapshot
from services.outcome.stream.source import CellsSource
from shared.edge.callers import Proxies, Seats, admission_of
from shared.edge.health_port import Said, metrics, said, serve_health
from shared.edge.http_server import Limits
from shared.host.connections import prepare
from shared.runtime.gc_tuning import freeze_startup_objects
from shared.runtime.kafka import Logs
from shared.runtime.parts import Parts
from shared.telemetry.metrics import metric

FRESH_SECONDS = 30.0
STUCK_SECONDS = 60.0

log = structlog.get_logger()


def run(parts: Parts) -> None:
    """Run the process until told to stop; a thread that dies ends it, so that a whole one is started."""
    settings = parts.settings
    assert settings.stream_url, "the settings require it of this role"
    prepare(parts)
    metric("journey_stream_clients").set(0)
    database = parts.service.database
    hub = Hub()
    connections = Connections(Limits(trusted_proxies=Proxies(settings.trusted_proxies)))
    loops: list[asyncio.AbstractEventLoop] = []

    def show(snapshot: Snapshot) -> None:
        loops[0].call_soon_threadsafe(hub.publish, snapshot)

    publishing = Publisher(
        StoredLedger(parts.client, database, secrets.token_hex(8)),
        lambda: KafkaOutlet(parts.kafka_options),
        lambda: datetime.now(UTC),
        parts.stop,
        Dashboards(
            StoredFilled(parts.client, database, AGAIN), partial(dashboards_in, Logs(parts.kafka_options))
        ),
    )
    source = CellsSource(parts.client, database, parts.published.programmes, parts.clock)
    reader = Reader(source, [show, publishing.offer], parts.stop)
    edge = Edge(
        hub=hub,
        logins=StoredLogins(parts.client[database], lambda: datetime.now(UTC), secrets.token_urlsafe),
        admission=admission_of(settings),
        seats=Seats(settings.allowance),
        published=parts.published,
        clock=parts.clock,
        pages=read_pages(),
        cut=connections.cut,
        now=lambda: datetime.now(UTC),
        public_url=settings.stream_url,
        contact=settings.api_contact_email,
    )
    failed: list[str] = []
    threads = [
        _thread(name, work, failed) for name, work in (("reader", reader.run), ("publisher", publishing.run))
    ]

    pulse = Pulse()
    routes = {
        "/healthz": lambda: _alive(pulse),
        "/readyz": lambda: _ready(bool(loops) and reader.fresh(FRESH_SECONDS)),
        "/metrics": metrics,
    }
    health = serve_health(settings.http_host, settings.health_port, routes)

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        loops.append(loop)
        pulse.beat(loop)
        freeze_startup_objects()
        for thread in threads:
            thread.start()

    make_server(edge.app(), hub, connections, settings.http_host, settings.http_port, begin).run()
    parts.stop.set()
    for thread in threads:
        thread.join(timeout=10)
    health.shutdown()
    if failed:
        sys.exit(f"stopped, because a thread died: {', '.join(failed)}")


class Pulse:
    """Notes each second that the event loop goes round."""

    def __init__(self) -> None:
        self._beaten_at = time.monotonic()

    def beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat now and from now on."""
        self._beaten_at = time.monotonic()
        loop.call_later(1, self.beat, loop)

    def stuck(self) -> bool:
        """Whether the loop has stood still."""
        return time.monotonic() - self._beaten_at > STUCK_SECONDS


def _alive(pulse: Pulse) -> Said:
    stuck = pulse.stuck()
    return said(503 if stuck else 200, {"status": "stuck" if stuck else "alive"})


def _ready(ready: bool) -> Said:
    return said(200, {"status": "ready"}) if ready else said(503, {"status": "the figures cannot be read"})


def _thread(name: str, work: Callable[[], None], failed: list[str]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(name)
            log.error("thread-died", thread=name, error=type(error).__name__, exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)

    return threading.Thread(target=guarded, name=name, daemon=True)
