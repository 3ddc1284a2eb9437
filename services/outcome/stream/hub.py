"""The newest snapshot of each programme, and the readers who wait for the next. Lives in one event loop.

There are no queues: a reader asks for whatever is newer than what it has, so a slow one skips what it had no time
for, and costs nobody memory or waiting.
"""

import asyncio

from services.outcome.stream.snapshot import Snapshot


class Closed(Exception):
    """The process is stopping; the stream ends and the reader comes back to another."""


class Hub:
    """Called from the loop's own thread only."""

    def __init__(self) -> None:
        self._latest: dict[str, Snapshot] = {}
        self._moved: dict[str, asyncio.Event] = {}
        self._closed = False

    def publish(self, snapshot: Snapshot) -> None:
        """Make this the newest of its programme and wake whoever waits for it."""
        self._latest[snapshot.programme] = snapshot
        self._wake(snapshot.programme)

    def latest(self, programme: str) -> Snapshot | None:
        """The newest snapshot, or None before the first."""
        return self._latest.get(programme)

    async def newer(self, programme: str, version: int, within_seconds: float) -> Snapshot | None:
        """The newest snapshot once there is one after `version`; None when the time has passed. Raises Closed."""
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    if self._closed:
                        raise Closed
                    snapshot = self._latest.get(programme)
                    if snapshot is not None and snapshot.version > version:
                        return snapshot
                    await self._moved.setdefault(programme, asyncio.Event()).wait()
        except TimeoutError:
            return None

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for programme in list(self._moved):
            self._wake(programme)

    def _wake(self, programme: str) -> None:
        """Wake everybody who waits now; whoever comes later waits for the next."""
        moved = self._moved.pop(programme, None)
        if moved is not None:
            moved.set()
