"""A thread never waits for a client: unfinished, slow, wide and broken requests at the real server."""

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from shared.edge.http_server import BODY_BYTES, LOOK_SECONDS, HttpServer, Limits
from tests.support.awaiting import until
from tests.support.unfinished import (
    BODY,
    HEAD,
    connections,
    get,
    in_thread,
    seconds_until_cut,
)

QUICK = Limits(head_seconds=0.6, body_seconds=0.9, idle_seconds=0.6)
PATIENT = Limits(head_seconds=60, body_seconds=60)
"""Nobody is cut while the honest ask: an answer that waited for that would come too late for its client."""
CUT_WITHIN_SECONDS = 20
"""Without a deadline nothing would be cut at all; a busy machine needs more than the deadline itself."""
THREADS = 4


class Application:
    """Answers with the length of the body; `/held` only once it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.held = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/held":
            self.held.set()
            self.let_go.wait(20)
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"length": len(body), "told": environ.get("CONTENT_LENGTH")}).encode()]


@contextmanager
def served(limits: Limits, application: Application | None = None) -> Iterator[HttpServer]:
    server = HttpServer(application or Application(), "127.0.0.1", 0, threads=THREADS, limits=limits)
    server.serve_in_thread("served")
    try:
        yield server
    finally:
        server.shutdown()


def raw(port: int, *parts: bytes) -> bytes:
    """All that the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while piece := connection.recv(65536):
            said += piece
    return said


@pytest.mark.parametrize(
    ("number", "begun", "source"),
    [
        pytest.param(40, HEAD, "127.0.0.2", id="40 heads"),
        pytest.param(400, b"", "127.0.0.1", id="400 silent, from the address of the honest"),
        pytest.param(400, HEAD, "127.0.0.1", id="400 heads, from there too"),
        pytest.param(400, BODY, "127.0.0.2", id="400 bodies"),
    ],
)
def test_unfinished_requests_stop_nobody(number: int, begun: bytes, source: str) -> None:
    with served(PATIENT) as server, connections(server.port, number, begun, source):
        for _ in range(20):
            assert_answered(server.port)


@pytest.mark.parametrize("begun", [b"", HEAD, BODY], ids=["silent", "head", "body"])
def test_what_is_not_finished_in_time_is_cut(begun: bytes) -> None:
    with served(QUICK) as server, connections(server.port, 40, begun) as sockets:
        assert seconds_until_cut(sockets, within_seconds=CUT_WITHIN_SECONDS)


def assert_answered(port: int) -> None:
    assert get(port, "/") == 200


@pytest.mark.parametrize("begun", [HEAD, BODY], ids=["head", "body"])
def test_a_slow_drip_prolongs_nothing(begun: bytes) -> None:
    with served(QUICK) as server, connections(server.port, 20, begun) as sockets:
        assert seconds_until_cut(sockets, within_seconds=CUT_WITHIN_SECONDS, drip=b"x")


def test_a_body_may_take_longer_than_a_head() -> None:
    with served(Limits(head_seconds=0.4, body_seconds=20)) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
            slow.sendall(BODY)
            assert select.select([slow], [], [], 1.2)[0] == []
            slow.sendall(b" " * 999)
            assert b"200 OK" in slow.recv(65536)


def test_a_kept_connection_is_closed_when_it_is_idle() -> None:
    with served(QUICK) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read()
        assert seconds_until_cut([connection.sock], within_seconds=CUT_WITHIN_SECONDS) > 0.5


def test_a_request_that_is_being_answered_is_not_cut() -> None:
    application = Application()
    with served(QUICK, application) as server:
        statuses: list[int] = []
        asking = in_thread(lambda: statuses.append(get(server.port, "/held")))
        assert application.held.wait(5)
        pause = threading.Event()
        pause.wait(1.5)
        application.let_go.set()
        asking.join(10)
        assert statuses == [200]


def test_past_the_limit_of_an_address_its_longest_unfinished_goes_first() -> None:
    with served(replace(PATIENT, per_address=10)) as server, connections(server.port, 10, HEAD) as sockets:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(3):
            kept.request("GET", "/")
            assert kept.getresponse().read()
        assert seconds_until_cut(sockets[:1], within_seconds=CUT_WITHIN_SECONDS)
        assert select.select(sockets[1:], [], [], 0.2)[0] == []
        with connections(server.port, 10, HEAD, "127.0.0.2"):
            assert select.select(sockets[1:], [], [], 0.2)[0] == []


def test_past_the_limit_in_all_the_longest_unfinished_goes_first() -> None:
    limits = replace(PATIENT, connections=10)
    with served(limits) as server, connections(server.port, 10, HEAD, "127.0.0.2") as sockets:
        assert_answered(server.port)
        assert seconds_until_cut(sockets[:1], within_seconds=CUT_WITHIN_SECONDS)


def test_a_trusted_proxy_has_only_the_limit_in_all() -> None:
    limits = Limits(per_address=2, trusted_proxies=frozenset({"127.0.0.2"}))
    with served(limits) as server, connections(server.port, 10, HEAD, "127.0.0.2") as sockets:
        assert_answered(server.port)
        assert select.select(sockets, [], [], 0.3)[0] == []


def test_what_is_held_for_unfinished_bodies_is_bounded() -> None:
    begun = BODY.replace(b"1000", b"1000000") + b"x" * 600_000
    limits = replace(PATIENT, held_bytes=2_000_000)
    with served(limits) as server, connections(server.port, 12, begun) as sockets:
        assert seconds_until_cut(sockets[:8], within_seconds=CUT_WITHIN_SECONDS)
        held = sum(one.bytes_held() for one in list(server.active_channels.values()))
        assert held <= limits.held_bytes
        assert_answered(server.port)


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET\r\n\r\n", 400, "unreadable-request"),
        (b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400, "unreadable-request"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "unreadable-request"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "unreadable-request"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 431, "head-too-large"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431, "head-too-large"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1), 413, "body-too-large"),
    ],
)
def test_what_cannot_be_read_is_answered_with_a_problem(request_bytes: bytes, status: int, code: str) -> None:
    with served(PATIENT) as server:
        head, _, body = raw(server.port, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 %d" % status, b"HTTP/1.1 %d" % status))
    assert b"Content-Type: application/problem+json" in head
    assert b"\r\nServer:" not in head
    assert json.loads(body)["code"] == code


def test_a_chunked_body_arrives_whole_and_with_its_length() -> None:
    chunk = b"%x\r\n%s\r\n" % (60_000, b"x" * 60_000)
    with served(PATIENT) as server:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        said = raw(server.port, head, *[chunk] * 3, b"0\r\n\r\n")
        assert json.loads(said.rpartition(b"\r\n")[2]) == {"length": 180_000, "told": "180000"}
        too_much = raw_until_refused(server.port, head, chunk)
    assert b"413" in too_much.split(b"\r\n")[0]


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["none", "at once"])
def test_whoever_expects_to_be_told_to_go_on_and_has_nothing_more_to_send_is_answered(body: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with served(QUICK) as server:
        said = raw(server.port, head % len(body) + body)
    assert b"HTTP/1.1 200" in said
    assert json.loads(said.rpartition(b"\r\n")[2])["length"] == len(body)


def raw_until_refused(port: int, head: bytes, chunk: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head)
        while not select.select([connection], [], [], 0)[0]:
            connection.sendall(chunk)
        return connection.recv(65536)


def test_the_longest_body_that_a_route_takes_arrives() -> None:
    with served(PATIENT) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("POST", "/", b"x" * BODY_BYTES)
        assert json.loads(connection.getresponse().read())["length"] == BODY_BYTES
        connection.close()


def test_stopping_answers_what_is_under_way_and_closes_the_connection() -> None:
    application = Application()
    with served(QUICK, application) as server:
        statuses: list[int] = []
        asking = in_thread(lambda: statuses.append(get(server.port, "/held")))
        assert application.held.wait(5)
        server.stop()
        application.let_go.set()
        asking.join(10)
        assert statuses == [200]
        with pytest.raises(ConnectionRefusedError):
            await_refusal(server.port)


def await_refusal(port: int) -> None:
    give_up_at = time.monotonic() + 5
    while time.monotonic() < give_up_at:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_idle_connections_cost_a_request_nothing() -> None:
    asked = 0
    with served(Limits()) as server:

        class Counted(server.channel_class):  # type: ignore[name-defined,misc]
            def readable(self) -> bool:
                nonlocal asked
                asked += 1
                return bool(super().readable())

        server.channel_class = Counted
        with connections(server.port, 150, b"") as sockets:
            until(lambda: len(server.active_channels) == len(sockets), "all connections")
            before, began = asked, time.monotonic()
            for _ in range(50):
                assert_answered(server.port)
            # All are looked at now and then, whatever happens; that is not the requests' doing.
            looks = (time.monotonic() - began) / LOOK_SECONDS + 2
            assert asked - before < 50 * 10 + looks * 160
