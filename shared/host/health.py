"""The health page of a consumer process: whether it is alive and ready, its metrics and its progress."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from shared.edge.health_port import Route, Said, metrics, said, serve_health
from shared.edge.http_server import HttpServer
from shared.language.errors import Halt
from shared.runtime.consumer import Consumer
from shared.runtime.parts import Runnable

STUCK_SECONDS = 60.0


class Measuring(Protocol):
    """Tells how far a group has come."""

    def measure(self) -> dict[str, Any]:
        """The counts, which it sets as metrics too; `unanswered` says why some are None. Blocks."""

    @property
    def unanswered(self) -> Mapping[str, str] | None:
        """{`kafka` or `mongodb`: its error} of the last measurement; None before the first. Never blocks."""


class Health:
    """Whether a consumer process is alive and ready, its metrics and its progress."""

    def __init__(self, measuring: Measuring, runnables: Mapping[str, Runnable]) -> None:
        self._measuring = measuring
        self._runnables = runnables

    def serve(self, host: str, port: int) -> HttpServer:
        """Answer on this port from threads of its own."""
        routes: dict[str, Route] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/progress": self._progress,
        }
        return serve_health(host, port, routes)

    def _stuck(self) -> list[str]:
        now = time.monotonic()
        return [name for name, one in self._runnables.items() if now - one.progressed_at > STUCK_SECONDS]

    def _halted(self) -> Halt | None:
        """Why this process, or a further consumer in it, refuses to go on."""
        consumers = [one for one in self._runnables.values() if isinstance(one, Consumer)]
        return next((one.halted for one in consumers if one.halted), None)

    def _healthz(self) -> Said:
        stuck = self._stuck()
        return said(503 if stuck else 200, {"status": "stuck" if stuck else "alive", "threads": stuck})

    def _readyz(self) -> Said:
        """Answer 503 also while Kafka or MongoDB is away. Never blocks: it uses the last measurement, seconds old.

        No process is restarted for that, but a release that cannot reach them does not replace one that can.
        """
        halted = self._halted()
        if halted:
            return said(503, {"status": "halted", "cause": halted.cause, "cure": halted.cure})
        unanswered = self._measuring.unanswered
        if unanswered is None:
            return said(503, {"status": "starting"})
        if unanswered:
            return said(503, {"status": f"{' and '.join(unanswered)} out of reach", "unanswered": unanswered})
        return said(200, {"status": "ready"})

    def _metrics(self) -> Said:
        """The metrics that are known, even while Kafka or MongoDB does not answer: that is when they are read."""
        self._measuring.measure()
        return metrics()

    def _progress(self) -> Said:
        """503 where not everything is known, so that a caller that waits for an end does not take it for one."""
        found = self.progress()
        return said(503 if found["unanswered"] else 200, found)

    def progress(self) -> dict[str, Any]:
        """The group's progress, and whether this process goes on. Blocks."""
        return {**self._measuring.measure(), **self.standing()}

    def standing(self) -> dict[str, Any]:
        """Whether this process goes on: the cause of its halt, and its stuck threads. Never blocks."""
        halted = self._halted()
        return {
            "halted": _told(halted) if halted else None,
            "stuck": self._stuck(),
        }


def _told(halt: Halt) -> dict[str, Any]:
    """A halt in a document; `log` only where an operator may accept one."""
    log = {"log": asdict(halt.log)} if halt.log else {}
    return {"cause": halt.cause, "cure": halt.cure, **log}
