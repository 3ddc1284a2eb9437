"""The player's requests against a server that misbehaves on purpose: over real sockets, no platform."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clients.player.saboteur import listener
from clients.player.surroundings import Surroundings
from clients.player.trouble import Trouble
from clients.player.wire import Wire, read_vector, write_vector

Script = list[tuple[int | None, dict[str, Any], dict[str, str]]]


class Server:
    """Plays a service and an issuer on one port: what is scripted first, and 200 after that.

    A status of None breaks the connection off. `requests`: (path, headers, body) of each but the tokens.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.tokens = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/token":
                    server.tokens += 1
                    self.answer(200, {"access_token": f"t{server.tokens}", "expires_in": 3600}, {})
                    return
                server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, said, headers = server.script.pop(0) if server.script else (200, {"ok": True}, {})
                if status is None:
                    self.close_connection = True
                    self.connection.close()
                else:
                    self.answer(status, said, headers)

            def answer(self, status: int, said: dict[str, Any], headers: dict[str, str]) -> None:
                raw = json.dumps(said).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/problem+json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.port: int = self.http.server_address[1]


Start = Callable[..., tuple[Server, Wire]]


class OnePort(Surroundings):
    """Surroundings in which every part of the platform is the one server."""

    def port(self, name: str) -> int:
        return self.port_base


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "client-secret").write_text("s3cret\n", encoding="utf-8")

    def begin(*script: tuple[int | None, dict[str, Any], dict[str, str]]) -> tuple[Server, Wire]:
        servers.append(Server(list(script)))
        return servers[-1], Wire(OnePort(port_base=servers[-1].port, folder=tmp_path))

    yield begin
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def ask(wire: Wire, **options: Any) -> Any:
    return wire.ask(
        "intake", "POST", "/referrals", actor=("af", "caseworker"), body={"a": 1}, key="k1", **options
    )


def test_busy_behind_and_gone_are_asked_again_with_the_same_key_and_body(start: Start) -> None:
    server, wire = start(
        (503, {"code": "busy"}, {}), (409, {"code": "not-yet-seen"}, {}), (None, {}, {}), (500, {}, {})
    )
    answer = ask(wire)
    assert (answer.status, answer.tries) == (200, 5)
    assert {(path, headers["idempotency-key"], body) for path, headers, body in server.requests} == {
        ("/v1/referrals", "k1", b'{"a": 1}')
    }
    assert len(server.requests) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 428])
def test_a_refusal_is_an_answer_and_asked_once(start: Start, status: int) -> None:
    server, wire = start((status, {"code": "wrong-stage"}, {}))
    answer = ask(wire)
    assert (answer.status, answer.code, answer.tries) == (status, "wrong-stage", 1)
    assert len(server.requests) == 1


def test_a_token_is_asked_for_once_and_anew_when_it_is_refused(start: Start) -> None:
    server, wire = start((200, {}, {}), (200, {}, {}), (401, {"code": "unauthenticated"}, {}))
    ask(wire)
    ask(wire)
    assert server.tokens == 1
    assert ask(wire).status == 200
    assert [headers["authorization"] for _, headers, _ in server.requests[-2:]] == ["Bearer t1", "Bearer t2"]


def test_a_token_that_is_refused_twice_is_an_answer(start: Start) -> None:
    _, wire = start((401, {"code": "unauthenticated"}, {}), (401, {"code": "unauthenticated"}, {}))
    assert ask(wire).status == 401


def test_patience_ends_with_a_sentence_that_says_what_was_answered_last(start: Start) -> None:
    _, wire = start(*[(503, {"code": "busy"}, {})] * 50)
    with pytest.raises(Trouble, match=r"POST /referrals at intake .* 503 busy"):
        ask(wire, patience_seconds=0.2)


def test_nobody_waits_on_when_the_play_has_ended(start: Start) -> None:
    _, wire = start(*[(503, {"code": "busy"}, {})] * 50)
    wire.give_up()
    with pytest.raises(Trouble, match="given up"):
        ask(wire)


def test_vectors_are_carried_as_they_were_read(start: Start) -> None:
    server, wire = start((200, {}, {"Journey-Vector": "intake=3, outcome=1"}))
    vector = ask(wire).vector
    assert vector == {"intake": 3, "outcome": 1}
    ask(wire, vector=vector)
    assert server.requests[-1][1]["journey-vector"] == "intake=3, outcome=1"
    assert read_vector(write_vector(vector)) == vector
    assert read_vector("") == {}


def test_a_missing_secret_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="client-secret"):
        Surroundings(port_base=1, folder=tmp_path).secret("client-secret")


def test_an_unknown_fault_is_refused_with_the_one_that_is_known() -> None:
    with pytest.raises(Trouble, match="drop-one-event"):
        Surroundings.of({"FAULT": "drop-all"})


def test_the_process_behind_a_port_is_found(start: Start) -> None:
    server, _ = start()
    assert listener(server.port) == os.getpid()
