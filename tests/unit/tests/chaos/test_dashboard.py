"""The dashboard of the suite keeps to Server-Sent Events, also where a connection ends in the middle of one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chaos.awaiting import until
from tests.chaos.dashboard import Connection, Dashboard, Event, Watched, events

FIRST = b'retry: 20\n\nid: 7\nevent: snapshot\ndata: {"n": 1}\n\n'
WHOLE = b'id: 9\nevent: snapshot\ndata: {"n": 3}\n\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("retry: 1500\n\n", [Event("", None, 1.5)]),
        ("id: 7\nevent: snapshot\ndata: {}\n\n", [Event("{}", "7")]),
        ("data: a\ndata:b\n\n: still here\n\ndata: c\n\n", [Event("a\nb"), Event("c")]),
        ("id: 7\ndata: {}\n", []),
        ("id: 7\ndata: {", []),
        ("retry: soon\n\n", []),
    ],
)
def test_an_event_is_whole_when_an_empty_line_has_ended_it(text: str, found: list[Event]) -> None:
    assert list(events(text.split("\n")[:-1])) == found


def test_ids_are_kept_by_address_where_they_go_back() -> None:
    watched = Watched(connections=[Connection("here", None)])
    for number in (1, 2, 5, 3, 4, 9):
        watched.take(Event("{}", str(number)))
    watched.connections.append(Connection("there", "9"))
    watched.take(Event("{}", "8"))
    assert watched.ids == {"here": [5, 3, 9], "there": [8]}
    assert (watched.snapshots, watched.connections[0].given) == (7, 6)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[str | None]]]:
    """A server that gives each answer once and then cuts the connection; which last ids it was told."""
    told: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.headers.get("Last-Event-ID"))
            if len(told) > len(answers):
                self.send_error(503)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[len(told) - 1])

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", told
        server.shutdown()


def test_it_comes_back_with_the_last_whole_event_and_throws_away_what_was_cut_off() -> None:
    with answering(FIRST + WHOLE[: len(WHOLE) // 2], WHOLE) as (address, told):
        dashboard = Dashboard(lambda: [address], lambda: "token", "coactive", "exact")
        dashboard.start()
        until(lambda: len(told) > 2, "it came back twice", 10)
        dashboard.close()
    assert told[:3] == [None, "7", "9"]
    assert dashboard.watched.last == {"n": 3}
    assert [one.given for one in dashboard.watched.connections] == [1, 1]
    assert dashboard.failed is None


def test_what_is_no_snapshot_ends_its_reading_and_is_told() -> None:
    with answering(b"id: x\ndata: {}\n\n") as (address, _):
        dashboard = Dashboard(lambda: [address], lambda: "token", "coactive", "exact")
        dashboard.start()
        until(lambda: dashboard.failed, "it gave up", 10)
        dashboard.close()
    assert isinstance(dashboard.failed, ValueError)
