"""The newest snapshot of each programme in each form, and the readers who wait for the next. Lives in one event loop.

There are no queues: a reader asks for a newer snapshot than its own. A slow one skips those that it had no time for,
and costs nobody memory or waiting.
"""

import asyncio

from services.outcome.stream.snapshot import Form, Snapshot

Subject = tuple[str, Form]


class Closed(Exception):
    """The process is stopping; the stream ends and the reader comes back to another."""


class Hub:
    """Called from the loop's own thread only."""

    def __init__(self) -> None:
        self._latest: dict[Subject, Snapshot] = {}
        self._moved: dict[Subject, asyncio.Event] = {}
        self._closed = False

    def publish(self, snapshot: Snapshot) -> None:
        """Make this the newest of its programme and form and wake whoever waits for it."""
        subject = (snapshot.programme, snapshot.form)
        self._latest[subject] = snapshot
        self._wake(subject)

    async def newer(self, programme: str, form: Form, version: int, within_seconds: float) -> Snapshot | None:
        """The newest snapshot once it is another than `version`; None when the time has passed. Raises Closed.

        Another, not a later one: a reader may name a version that never was, or that the next one here comes before.
        """
        subject = (programme, form)
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    if self._closed:
                        raise Closed
                    snapshot = self._latest.get(subject)
                    if snapshot is not None and snapshot.version != version:
                        return snapshot
                    await self._moved.setdefault(subject, asyncio.Event()).wait()
        except TimeoutError:
            return None

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for subject in list(self._moved):
            self._wake(subject)

    def _wake(self, subject: Subject) -> None:
        """Wake everybody who waits now; whoever comes later waits for the next."""
        moved = self._moved.pop(subject, None)
        if moved is not None:
            moved.set()
