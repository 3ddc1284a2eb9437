"""uvicorn, taught two things: to end streams when it is told to stop, and to cut a client off at once."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.outcome.stream.hub import Hub

SEND_BUFFER_BYTES = 128 * 1024
"""How much the kernel may hold for one client, so that a slow one is noticed after a few snapshots, not megabytes."""


class Connections:
    """The open connections, by the client's address, so that one that no longer reads can be cut off."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol for uvicorn that keeps account of them."""
        opened = self._open

        class Accounted(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                connection = transport.get_extra_info("socket")
                if connection is not None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                if self.client is not None:
                    opened[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                if self.client is not None:
                    opened.pop(self.client, None)

        return Accounted

    def cut(self, scope: Scope) -> None:
        """Close the connection without waiting for what is unsent to be read."""
        transport = self._open.get(tuple(scope["client"] or ()))
        if transport is not None:
            transport.abort()


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
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    return Server(config, hub, begin)
