"""Clients that begin a request and do not end it."""

import contextlib
import http.client
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

HEAD = b"GET /x HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"


@contextlib.contextmanager
def connections(
    port: int, number: int, begun: bytes, source: str = "127.0.0.1"
) -> Iterator[list[socket.socket]]:
    """So many connections from the address that have sent what is `begun`."""
    with contextlib.ExitStack() as closing:
        opened = []
        for _ in range(number):
            one = closing.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
            )
            with contextlib.suppress(ConnectionError):
                one.sendall(begun)
            opened.append(one)
        yield opened


def seconds_until_cut(
    sockets: Sequence[socket.socket], within_seconds: float, drip: bytes = b"", every: float = 0.1
) -> float:
    """How long it took until the last of them was closed by the server, each dripping a byte now and then."""
    began = time.monotonic()
    waiting = list(sockets)
    while waiting:
        passed = time.monotonic() - began
        if passed > within_seconds:
            raise TimeoutError(f"{len(waiting)} of {len(sockets)} are still open after {passed:.1f} s")
        ready, _, _ = select.select(waiting, [], [], every)
        for one in ready:
            with contextlib.suppress(ConnectionError):
                if one.recv(65536):
                    continue
            waiting.remove(one)
        for one in list(waiting) if drip else []:
            with contextlib.suppress(ConnectionError):
                one.sendall(drip)
    return time.monotonic() - began


def slowest_answer(ask: Callable[[], None], times: int) -> float:
    """The longest that one of so many requests took, in seconds."""
    longest = 0.0
    for _ in range(times):
        began = time.monotonic()
        ask()
        longest = max(longest, time.monotonic() - began)
    return longest


def get(port: int, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> int:
    """The status of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def in_thread(work: Callable[[], None]) -> threading.Thread:
    """The work, begun in a thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
