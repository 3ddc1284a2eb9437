"""The web process of a service: its application, the server that answers with it, and its health port."""

import signal
import sys
import threading
import time

import structlog
from flask import Flask
from pymongo.errors import PyMongoError

from shared.edge.callers import Proxies, admission_of
from shared.edge.health_port import Said, metrics, said, serve_health
from shared.edge.http_server import HttpServer, Limits
from shared.edge.web import create_app
from shared.host.connections import connect, prepare
from shared.host.threads import guarded_run
from shared.operations.examples import examples_of, interface_of
from shared.operations.rebuild_routes import blueprints_of
from shared.operations.routes import EXTENSION, operations_of
from shared.runtime.commands import Commands
from shared.runtime.fingerprint import fingerprints_from
from shared.runtime.gc_tuning import freeze_startup_objects
from shared.runtime.parts import Parts, Service, groups_of
from shared.runtime.settings import Settings

WEB_THREADS = 32
STUCK_SECONDS = 60.0

log = structlog.get_logger()


def build_web(parts: Parts) -> Flask:
    """The web application. Blocks until the database answers."""
    service, settings = parts.service, parts.settings
    prepare(parts)
    commands = Commands(
        client=parts.client,
        database=service.database,
        repository=service.repository,
        published=parts.published,
        source=parts.service.source,
        clock=parts.clock,
        fingerprints=fingerprints_from(settings.fingerprint_key),
        waiters=max(1, WEB_THREADS // 4),
    )

    app = create_app(
        interface=interface_of(service, settings.api_contact_email),
        blueprints=(*service.blueprints(), *blueprints_of(service)),
        commands=commands,
        admission=admission_of(settings),
        operators=settings.operator_organisations,
        clock=parts.clock,
        examples=examples_of(service),
        provided=service.provides(settings),
    )
    app.extensions[EXTENSION] = operations_of(parts, groups_of(service))
    freeze_startup_objects()
    return app


class _Web:
    """The health of the web process; before its server runs it is alive and not ready."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.server: HttpServer | None = None

    def healthz(self) -> Said:
        """Whether the server's loop runs. It does not check for a free thread: callers see that themselves."""
        stuck = self.server is not None and time.monotonic() - self.server.ticked_at > STUCK_SECONDS
        return said(503 if stuck else 200, {"status": "stuck" if stuck else "alive"})

    def readyz(self) -> Said:
        """Whether the server runs and the database answers. Blocks for as long as the driver looks for the database."""
        if self.server is None:
            return said(503, {"status": "starting"})
        try:
            self._parts.client.admin.command("ping")
        except PyMongoError:
            return said(503, {"status": "database out of reach"})
        return said(200, {"status": "ready"})


def serve_web(service: Service, settings: Settings) -> None:
    """Serve HTTP until told to stop: one process, so that metrics need no sharing; more by replicas."""
    parts = connect(service, settings)
    web = _Web(parts)
    routes = {"/healthz": web.healthz, "/readyz": web.readyz, "/metrics": metrics}
    health = serve_health(settings.http_host, settings.health_port, routes)

    def stop(*_: object) -> None:
        parts.stop.set()
        if web.server is not None:
            web.server.stop()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    app = build_web(parts)
    limits = Limits(trusted_proxies=Proxies(settings.trusted_proxies))
    threads = [
        threading.Thread(target=guarded_run, args=(name, one, parts.stop), name=name, daemon=True)
        for name, one in service.web_threads(parts)
    ]
    for thread in threads:
        thread.start()
    web.server = HttpServer(app, settings.http_host, settings.http_port, threads=WEB_THREADS, limits=limits)
    if parts.stop.is_set():
        web.server.stop()
    log.info("ready", port=settings.http_port)
    web.server.serve()
    parts.stop.set()
    for thread in threads:
        thread.join(timeout=5)
    health.shutdown()
    sys.stdout.flush()
