"""The web process of a service: its application, and the gunicorn that serves it."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from pymongo.errors import PyMongoError

from shared.config import Settings
from shared.fingerprint import fingerprints_from
from shared.operations.rebuild_routes import blueprints_of
from shared.operations.routes import EXTENSION, operations_of
from shared.runtime.commands import Commands
from shared.runtime.garbage import set_apart
from shared.runtime.parts import Service, groups_of
from shared.runtime.process import connect, create_indexes
from shared.tokens import Tokens
from shared.web import create_app

WEB_THREADS = 32


def build_web(service: Service, settings: Settings) -> Flask:
    """The web application, connected."""
    parts = connect(service, settings)
    create_indexes(parts)
    commands = Commands(
        client=parts.client,
        database=service.database,
        repository=service.repository,
        programmes=parts.programmes,
        source=service.source,
        clock=parts.clock,
        fingerprints=fingerprints_from(settings.fingerprint_key),
        waiters=max(1, WEB_THREADS // 4),
    )

    def ready() -> bool:
        try:
            parts.client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    app = create_app(
        title=service.title,
        blueprints=(*service.blueprints(settings), *blueprints_of(service)),
        commands=commands,
        tokens=Tokens(settings.oidc_jwks_url, settings.oidc_issuer, settings.oidc_audience),
        clock=parts.clock,
        ready=ready,
    )
    app.extensions[EXTENSION] = operations_of(parts, groups_of(service, settings))
    set_apart()
    return app


class _Gunicorn(BaseApplication):
    def __init__(self, build: Callable[[], Flask], settings: Settings) -> None:
        self._build = build
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{self._settings.http_host}:{self._settings.http_port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": WEB_THREADS,
            "keepalive": 75,
            "graceful_timeout": 10,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return self._build()


def serve_web(service: Service, settings: Settings) -> None:
    """Serve HTTP until told to stop: one worker, so that metrics need no sharing; more by replicas."""
    logging.getLogger("gunicorn").setLevel(logging.WARNING)
    _Gunicorn(lambda: build_web(service, settings), settings).run()
