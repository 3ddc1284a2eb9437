"""A TCP proxy before the broker that understands just enough of Kafka's framing to lose what a test wants lost.

A request is a length, its kind and version, and a number that its response repeats; that is all that is read. What is
lost is lost as a network loses it: the bytes were sent and never arrive, or the connection breaks.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

PRODUCE = 0
HEAD = struct.Struct(">ihhi")
LENGTH = struct.Struct(">i")


class Proxy:
    """Leads connections from one local port to another while it is entered."""

    def __init__(self, port: int, to: int) -> None:
        self.lost = 0
        """Responses to a produce request that the broker gave and the client never got."""
        self._address = ("127.0.0.1", port)
        self._to = ("127.0.0.1", to)
        self._lock = threading.Lock()
        self._lose = 0
        self._open: set[socket.socket] = set()
        self._server: socket.socket | None = None

    def __enter__(self) -> Proxy:
        self._server = socket.create_server(self._address, backlog=64)
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None, "it was entered"
        # Closing alone does not wake the thread that waits for the next connection.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in list(self._open):
            self._close(one)

    def lose(self, count: int) -> None:
        """Swallow the next so many responses to produce requests; their clients wait for them in vain."""
        with self._lock:
            self._lose = count

    def _accept(self) -> None:
        assert self._server is not None, "it was entered"
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self._to, timeout=5)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            self._open |= {client, broker}
            produced: set[int] = set()
            for run in (self._requests, self._responses):
                threading.Thread(target=run, args=(client, broker, produced), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket, produced: set[int]) -> None:
        with self._until_broken(client, broker):
            while True:
                frame = _frame(client)
                _, kind, _, number = HEAD.unpack_from(frame)
                if kind == PRODUCE:
                    produced.add(number)
                broker.sendall(frame)

    def _responses(self, client: socket.socket, broker: socket.socket, produced: set[int]) -> None:
        with self._until_broken(client, broker):
            while True:
                frame = _frame(broker)
                (number,) = LENGTH.unpack_from(frame, LENGTH.size)
                if number in produced:
                    produced.discard(number)
                    if self._loses_one():
                        self.lost += 1
                        continue
                client.sendall(frame)

    def _loses_one(self) -> bool:
        with self._lock:
            left = self._lose
            self._lose = max(0, left - 1)
            return left > 0

    @contextlib.contextmanager
    def _until_broken(self, *both: socket.socket) -> Iterator[None]:
        try:
            yield
        except OSError:
            pass
        finally:
            for one in both:
                self._close(one)

    def _close(self, one: socket.socket) -> None:
        self._open.discard(one)
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _frame(source: socket.socket) -> bytes:
    """The next length and what it measures. Raises OSError at the end of the connection."""
    head = _exactly(source, LENGTH.size)
    (length,) = LENGTH.unpack(head)
    return head + _exactly(source, length)


def _exactly(source: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = source.recv(count - len(parts))
        if not part:
            raise ConnectionResetError
        parts += part
    return bytes(parts)
