"""The HTTP server of the web role and of every health port: a thread never waits for a client.

waitress receives each request whole in one event loop before a thread takes it. This module adds what waitress
lacks: deadlines that a slow drip does not prolong, and limits per address and in all. It knows no framework and
no service.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

import structlog
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask

from shared.edge.http_events import Events, Serving
from shared.edge.problems import problem
from shared.telemetry.traces import start_trace

HEAD_BYTES = 16 * 1024
BODY_BYTES = 4 * 1024 * 1024
"""The largest body of any route; each route refuses what is too large for itself."""
LINGER_SECONDS = 1.0
"""A stopping server still answers so long on open connections, and closes each with its answer."""
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.5
"""All connections are looked at this often, or more often where deadlines are short."""
REFUSED_SECONDS = 2.0
"""How long bytes of a refused client are read and dropped: a reset could destroy the answer on its way."""

REFUSALS: Mapping[int, str] = {
    400: "unreadable-request",
    413: "body-too-large",
    431: "head-too-large",
    501: "unreadable-request",
    500: "internal",
}
"""The refusals that waitress itself sends, by status."""

Phase = Literal["head", "body", "busy", "answer", "refused", "idle"]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one server for its clients.

    head_seconds: from the connection, or the request's first byte, to the end of its head; also for a connection that
    sends nothing. body_seconds: from there to the end of the body. answer_seconds: for receiving the answer.
    idle_seconds: from one request to the next. connections, per_address: open at once. held_bytes: of all requests
    that are received and not yet answered. trusted_proxies: addresses that stand for many clients, without a limit of
    their own.
    """

    head_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 60.0
    idle_seconds: float = 75.0
    connections: int = 1000
    per_address: int = 200
    held_bytes: int = 64 * 1024 * 1024
    trusted_proxies: Container[str] = frozenset()

    def seconds(self, phase: Phase) -> float:
        """How long a connection may stay in the phase; a request that is being answered is never cut."""
        return {
            "head": self.head_seconds,
            "body": self.body_seconds,
            "answer": self.answer_seconds,
            "refused": REFUSED_SECONDS,
            "idle": self.idle_seconds,
            "busy": float("inf"),
        }[phase]


class _Refusal(ErrorTask):
    """The answer to a request that cannot be read, as a problem document."""

    def execute(self) -> None:
        start_trace("")
        code = REFUSALS[self.request.error.code]
        status, headers, body = problem(code, self.request.error.reason)
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers.extend(headers.items())
        self.channel.refused = True
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Answer(WSGITask):
    """The answer of the application; the last on its connection when the server stops."""

    def start(self) -> None:
        super().start()
        if self.channel.server.stopping:
            self.set_close_on_finish()


class _Connection(HTTPChannel):
    """One connection, its phase, and since when it is in it. Only the loop's thread changes the phase."""

    task_class = _Answer
    error_task_class = _Refusal

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.phase: Phase = "head"
        self.since = time.monotonic()
        self.held = 0
        self.refused = False
        self._draining = False
        self._asked = False
        super().__init__(*arguments, **options)

    @property
    def address(self) -> str:
        return str(self.addr[0])

    def add_channel(self, map: Any = None) -> None:  # noqa: A002 - the name it has there
        super().add_channel(map)
        self.server.events.changed(self)

    def service(self) -> None:
        """Answer a request, in a thread of its own; each pull of the trigger reports a change to the loop."""
        self.server.serving.channel = self
        try:
            super().service()
        finally:
            self.server.serving.channel = None

    def close_soon(self) -> None:
        """Make the loop close this connection."""
        self.will_close = True
        self.server.events.changed(self)

    def readable(self) -> bool:
        return not self.will_close if self._draining else bool(super().readable())

    def writable(self) -> bool:
        return bool(self.will_close if self._draining else super().writable())

    def handle_write(self) -> None:
        if self.refused and not self.requests and not self._draining and not self.will_close:
            self._flush_exception(self._flush_some)
            if self.total_outbufs_len or self.will_close:
                return
            self.socket.shutdown(socket.SHUT_WR)
            self._draining = True
            self.look(time.monotonic())
        else:
            super().handle_write()

    def received(self, data: bytes) -> bool:
        if self._draining:
            return False
        self.look(time.monotonic())
        taken = bool(super().received(data))
        self._asked = True
        self.look(time.monotonic())
        self.server.hold(self)
        return taken

    def send_continue(self) -> None:
        """Tell a client that waits to send its body to go on; send nothing if the request is complete.

        waitress would take the complete request for unfinished from here on, and never answer it.
        """
        if self.request.completed:
            self.request.expect_continue = False
        else:
            super().send_continue()

    def look(self, now: float) -> None:
        """Note a change of phase. A deadline runs from the change, so that further bytes do not prolong it."""
        phase = self._phase()
        if phase != self.phase:
            self.phase, self.since = phase, now

    def _phase(self) -> Phase:
        if self._draining:
            return "refused"
        if self.requests:
            return "busy"
        if self.total_outbufs_len:
            return "answer"
        request = self.request
        if request is not None:
            return "body" if request.headers_finished else "head"
        return "idle" if self._asked else "head"

    def bytes_held(self) -> int:
        """The memory of the requests that are not yet answered, in bytes."""
        partial = self.request
        received = [*self.requests, *([partial] if partial is not None else [])]
        return sum(one.body_bytes_received + len(one.header_plus) for one in received)


class HttpServer(TcpWSGIServer):
    """Serves one WSGI application on one port until `stop` is called.

    `serve` runs the event loop in the calling thread; requests are answered by `threads` further threads.
    ticked_at: when the loop last went round, monotonic seconds.
    """

    channel_class = _Connection

    def __init__(
        self, application: WsgiApplication, host: str, port: int, *, threads: int, limits: Limits
    ) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self.limits = limits
        self.stopping = False
        self._held = 0
        self._done = threading.Event()
        self.ticked_at = time.monotonic()
        self._tick = min(LOOK_SECONDS, limits.head_seconds / 4, limits.body_seconds / 4)
        adjustments = Adjustments(
            listen=f"{host}:{port}",
            threads=threads,
            ident=None,
            backlog=1024,
            # Ours is kept by closing what is oldest; waitress's would leave newcomers waiting behind it.
            connection_limit=limits.connections + 1024,
            max_request_header_size=HEAD_BYTES,
            # waitress refuses a body that is as long as its limit.
            max_request_body_size=BODY_BYTES + 1,
            # In memory, where `held_bytes` bounds them; never in files.
            inbuf_overflow=2 * BODY_BYTES,
            clear_untrusted_proxy_headers=False,
        )
        channels: dict[int, Any] = {}
        self.events = Events(channels)
        self.serving = Serving()
        super().__init__(application, map=channels, adj=adjustments)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.effective_port)

    def serve(self) -> None:
        """Serve until told to stop; then answer the requests under way, for STOP_SECONDS at most."""
        self._loop_until(lambda: self.stopping, self._tick)
        began = time.monotonic()
        wasyncore.dispatcher.close(self)
        self._loop_until(lambda: self._ended(time.monotonic() - began), 0.05)
        self.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)
        self.events.close()
        self._done.set()

    def serve_in_thread(self, name: str) -> None:
        """Serve from a thread of its own, which ends with the process."""
        threading.Thread(target=self.serve, name=name, daemon=True).start()

    def pull_trigger(self) -> None:
        """Wake the loop, where it sleeps, and have it look at the channel that this thread answers."""
        if self.serving.channel is not None:
            self.events.changed(self.serving.channel)
            if not self.events.asleep:
                return
        super().pull_trigger()

    def stop(self) -> None:
        """Tell the loop to end. For any thread, and for a signal's handler; does not wait."""
        self.stopping = True
        self.pull_trigger()

    def shutdown(self) -> None:
        """Stop, and wait until it has ended."""
        self.stop()
        self._done.wait(STOP_SECONDS + 5)

    def _loop_until(self, ended: Callable[[], bool], tick: float) -> None:
        look_at = 0.0
        while not ended():
            now = self.ticked_at = time.monotonic()
            if now >= look_at:
                look_at = now + tick
                self._close_late(now)
                self.events.look_at_all()
            self.events.handle(tick)

    def _ended(self, seconds: float) -> bool:
        under_way = any(one.phase not in ("idle", "head") for one in self._connections())
        return seconds > (STOP_SECONDS if under_way else LINGER_SECONDS)

    def _connections(self) -> list[_Connection]:
        return [one for one in self.active_channels.values() if not one.will_close]

    def maintenance(self, now: float) -> None:
        """Do nothing: waitress closes idle connections here, this server by deadlines in `_close_late`."""

    def _close_late(self, now: float) -> None:
        for one in self._connections():
            one.look(now)
            if now - one.since > self.limits.seconds(one.phase):
                one.close_soon()

    def handle_accept(self) -> None:
        """Take a connection; past a limit the one that has waited longest for its client goes instead."""
        super().handle_accept()
        connections = self._connections()
        if not connections:
            return
        newest = connections[-1]
        same = [one for one in connections if one.address == newest.address]
        if len(same) > self.limits.per_address and newest.address not in self.limits.trusted_proxies:
            _close_one(same)
        elif len(connections) > self.limits.connections:
            _close_one(connections)

    def hold(self, connection: _Connection) -> None:
        """Count the bytes that the connection has sent; past the limit, close the longest unfinished body."""
        before, connection.held = connection.held, connection.bytes_held()
        self._held += connection.held - before
        if self._held <= self.limits.held_bytes:
            return
        connections = self._connections()
        for one in connections:
            one.held = one.bytes_held()
        self._held = sum(one.held for one in connections)
        if self._held > self.limits.held_bytes:
            _close_one([one for one in connections if one.held] or [connection])


def _close_one(connections: list[_Connection]) -> None:
    """Close the one that is unfinished longest, else the one idle longest; of those being answered, the newest."""
    waiting = [one for one in connections if one.phase != "busy"]
    chosen = min(waiting, key=lambda one: (one.phase == "idle", one.since)) if waiting else connections[-1]
    log.info("connection-closed", reason="limit", phase=chosen.phase)
    chosen.close_soon()
