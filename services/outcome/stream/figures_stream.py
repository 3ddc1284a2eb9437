"""One client's stream of snapshots, as Server-Sent Events.

The client is sent the newest snapshot it does not have, then each newer one. A reader that does not take its data
within `WRITE_SECONDS` is cut off, never waited for. It comes back with Last-Event-ID and has lost nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.types import Message, Receive, Scope, Send

from services.outcome.stream.hub import Closed, Hub
from services.outcome.stream.snapshot import Form
from shared.telemetry.metrics import metric

HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS = 5.0
RETRY_MILLISECONDS = 1500

log = structlog.get_logger()


class FiguresStream:
    """An ASGI response.

    version: the newest that the client already has. seconds: for how long its permission lasts; then it must ask
    anew. cut: tears the connection down at once. permitted: asked with every heartbeat. leave: called at the end.
    """

    def __init__(
        self,
        hub: Hub,
        programme: str,
        form: Form,
        *,
        version: int,
        seconds: float,
        cut: Callable[[Scope], None],
        permitted: Callable[[], Awaitable[bool]],
        leave: Callable[[], None],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._hub = hub
        self._programme = programme
        self._form = form
        self._version = version
        self._until = time.monotonic() + seconds
        self._cut = cut
        self._permitted = permitted
        self._leave = leave
        self._heartbeat_seconds = heartbeat_seconds
        self._write_seconds = write_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the client goes, is cut off, or its permission ends."""
        clients = metric("journey_stream_clients")
        clients.inc()
        talking = asyncio.create_task(self._talk(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({talking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if talking.done() and isinstance(talking.exception(), TimeoutError):
                metric("journey_stream_dropped_total").inc()
                log.info("slow-client-dropped", programme=self._programme)
                self._cut(scope)
            elif talking.done():
                talking.result()
        finally:
            clients.dec()
            self._leave()
            for task in (talking, leaving):
                task.cancel()
            await asyncio.gather(talking, leaving, return_exceptions=True)

    async def _talk(self, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await self._write(send, {"type": "http.response.start", "status": 200, "headers": headers})
        await self._say(send, b"retry: %d\n\n" % RETRY_MILLISECONDS)
        try:
            asked_at = time.monotonic()
            while (left := self._until - time.monotonic()) > 0:
                if time.monotonic() - asked_at >= self._heartbeat_seconds:
                    if not await self._permitted():
                        break
                    asked_at = time.monotonic()
                seconds = min(left, self._heartbeat_seconds)
                snapshot = await self._hub.newer(self._programme, self._form, self._version, seconds)
                if snapshot is None:
                    await self._say(send, b": still here\n\n")
                else:
                    await self._say(send, snapshot.frame)
                    self._version = snapshot.version
        except Closed:
            pass
        await self._write(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _say(self, send: Send, frame: bytes) -> None:
        await self._write(send, {"type": "http.response.body", "body": frame, "more_body": True})

    async def _write(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._write_seconds):
            await send(message)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
