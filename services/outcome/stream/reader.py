"""The one reader of the data: a thread that looks when something changed, and then rests for a while.

However many dashboards are connected, the data is read once. What was read goes to the loop that serves them and to
the publisher of indicators; neither is waited for.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import Any, Protocol

import structlog
from pymongo.errors import PyMongoError

from services.outcome.figures import disclosure
from services.outcome.stream.snapshot import Form, Reading, Snapshot, follow

REST, LEAST_REST_SECONDS, MOST_REST_SECONDS = 2.0, 0.02, 0.25
"""It rests twice as long as its last look took, so that looking never fills more than a third of a core.

The bounds are the least rest, for an idle machine, and the most, for a busy one.
"""
AT_LEAST_EVERY_SECONDS = 5.0
AFTER_FAILURE_SECONDS = 1.0

log = structlog.get_logger()


class Wakeup(Protocol):
    """Knows whether something has changed since it was opened."""

    def wait(self, seconds: float) -> None:
        """Return when something has changed, or the time has passed. May return early."""


class Source(Protocol):
    """Where the figures come from. Both may block and raise PyMongoError; a retry is safe."""

    def watch(self) -> AbstractContextManager[Wakeup]:
        """Begin to listen; what changes from now on wakes."""

    def read(self) -> Sequence[Reading]:
        """Every programme's figures, each as one consistent look."""


class Reader:
    """Reads, and hands on each snapshot that differs from the one before."""

    def __init__(
        self,
        source: Source,
        deliver: Sequence[Callable[[Snapshot], None]],
        stop: Event,
        most_rest_seconds: float = MOST_REST_SECONDS,
        pause_seconds: float = AFTER_FAILURE_SECONDS,
    ) -> None:
        self.read_at: float | None = None
        self._source = source
        self._deliver = deliver
        self._stop = stop
        self._most_rest_seconds = most_rest_seconds
        self._pause_seconds = pause_seconds
        self._held: dict[tuple[str, Form], Snapshot] = {}

    def run(self) -> None:
        """Read until told to stop. A database that does not answer is asked again; the last snapshot stands."""
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                # Listening begins before reading, so a change that comes meanwhile wakes the next round at once.
                with self._source.watch() as wakeup:
                    self.look()
                    self._stop.wait(self._rest_seconds(time.monotonic() - began))
                    if not self._stop.is_set():
                        wakeup.wait(AT_LEAST_EVERY_SECONDS)
            except PyMongoError as error:
                log.warning("figures-unread", error=type(error).__name__)
                self._stop.wait(self._pause_seconds)

    def _rest_seconds(self, cost_seconds: float) -> float:
        return min(max(REST * cost_seconds, LEAST_REST_SECONDS), self._most_rest_seconds)

    def look(self) -> None:
        """Read once and hand on what differs."""
        for reading in self._source.read():
            # The published figures are made of the exact ones, so they differ only where these do.
            if self._hand_on(reading, "exact", reading.exact):
                self._hand_on(reading, "published", disclosure.publish(reading.exact))
        self.read_at = time.monotonic()

    def _hand_on(self, reading: Reading, form: Form, report: Mapping[str, Any]) -> bool:
        held = self._held.get((reading.programme.id, form))
        snapshot = follow(held, reading, form, report)
        if snapshot is held:
            return False
        self._held[snapshot.programme, form] = snapshot
        log.info("snapshot", programme=snapshot.programme, form=form, version=snapshot.version)
        for take in self._deliver:
            take(snapshot)
        return True

    def fresh(self, within_seconds: float) -> bool:
        """Whether the data was read so recently."""
        return self.read_at is not None and time.monotonic() - self.read_at < within_seconds
