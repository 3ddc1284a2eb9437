"""uvicorn, taught two things: to end streams when it is told to stop, and to cut a client off at once."""

import asyncio
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from types import FrameType
from typing import Any

import h11
import structlog
import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.outcome.stream.hub import Hub
from shared.edge.http_server import HEAD_BYTES, Limits, Phase
from shared.edge.problems import problem
from shared.telemetry.traces import start_trace

log = structlog.get_logger()

SEND_BUFFER_BYTES = 128 * 1024
"""How much the kernel may hold for one client, so that a slow one is noticed after a few snapshots, not megabytes."""


class Connections:
    """The open connections: their deadlines, their number, and those to be cut off at once.

    The limits are those of every other server here; only what follows a head is uvicorn's and the stream's own.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._open: dict[tuple[str, int], _Accounted] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol for uvicorn that keeps account here."""
        connections = self

        class Accounted(_Accounted):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(connections, *arguments, **options)

        return Accounted

    def cut(self, scope: Scope) -> None:
        """Close the connection without waiting for what is unsent to be read."""
        connection = self._open.get(tuple(scope["client"] or ()))
        if connection is not None:
            connection.transport.abort()

    def opened(self, connection: "_Accounted") -> None:
        """Count it in; past a limit the one that has waited longest for its client goes."""
        if connection.client is None:
            return
        self._open[connection.client] = connection
        address = connection.client[0]
        same = [one for one in self._open.values() if one.client and one.client[0] == address]
        if len(same) > self.limits.per_address and address not in self.limits.trusted_proxies:
            _abort_one(same)
        elif len(self._open) > self.limits.connections:
            _abort_one(list(self._open.values()))

    def lost(self, connection: "_Accounted") -> None:
        """Count it out."""
        if connection.client is not None:
            self._open.pop(connection.client, None)


def _abort_one(connections: list["_Accounted"]) -> None:
    unfinished = [one for one in connections if one.waits]
    chosen = min(unfinished, key=lambda one: one.since) if unfinished else connections[-1]
    log.info("connection-closed", reason="limit", phase=chosen.phase)
    chosen.transport.abort()


class _Accounted(H11Protocol):
    """One connection with a deadline for each phase, which further bytes do not prolong."""

    def __init__(self, connections: Connections, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.phase: Phase = "head"
        self.since = time.monotonic()
        self._connections = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn."""
        return self.phase != "busy"

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._enter("head")
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        self._connections.lost(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.phase == "idle":
            self._enter("head")
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self.loop.call_later(self._connections.limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()

    def send_400_response(self, msg: str) -> None:
        start_trace("")
        status, headers, body = problem("unreadable-request", msg)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            lines = [(name.encode(), value.encode()) for name, value in headers.items()]
            lines += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
            answer = h11.Response(
                status_code=status, headers=lines, reason=HTTPStatus(status).phrase.encode()
            )
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _look(self) -> None:
        """Enter the phase that the request has come to."""
        theirs = self.conn.their_state
        if theirs is h11.IDLE:
            begun = bool(self.conn.trailing_data[0])
            if self.phase not in ("idle", "head") or begun:
                self._enter("head" if begun else "idle")
        elif theirs is h11.SEND_BODY:
            self._enter("body")
        else:
            self._enter("busy")

    def _enter(self, phase: Phase) -> None:
        if phase == self.phase and self._deadline is not None:
            return
        self.phase, self.since = phase, time.monotonic()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        # Between requests uvicorn has a deadline of its own.
        if phase in ("head", "body"):
            self._deadline = self.loop.call_later(
                self._connections.limits.seconds(phase), self.transport.abort
            )

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._taking):
            if timer is not None:
                timer.cancel()


class Server(uvicorn.Server):
    """Ends the streams first, so that stopping takes no longer than answering the requests under way."""

    def __init__(
        self, config: uvicorn.Config, hub: Hub, begin: Callable[[asyncio.AbstractEventLoop], None]
    ) -> None:
        super().__init__(config)
        self._hub = hub
        self._begin = begin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and only then let the work begin."""
        await super().startup(sockets)
        if self.started:
            self._begin(asyncio.get_running_loop())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop has come."""
        self._hub.close()
        super().handle_exit(sig, frame)


def make_server(
    app: ASGIApp,
    hub: Hub,
    connections: Connections,
    host: str,
    port: int,
    begin: Callable[[asyncio.AbstractEventLoop], None],
) -> Server:
    """The server; `run()` serves until it is told to stop, by SIGTERM or SIGINT when in the main thread.

    begin: called once, in the loop's thread, when the port is open.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=connections.protocol(),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(connections.limits.idle_seconds),
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_graceful_shutdown=5,
    )
    return Server(config, hub, begin)
