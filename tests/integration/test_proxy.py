"""compose's proxy, run by the machine's own nginx: what reaches a service through it, and what does not."""

import functools
import http.client
import json
import os
import re
import select
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from shared.edge.http_server import HttpServer, Limits
from shared.edge.interface import PROBLEM, PROBLEMS
from tests.support.awaiting import PATIENCE_SECONDS, until
from tests.support.deployment import REPOSITORY
from tests.support.stack import own_port_base
from tests.support.unfinished import BODY, HEAD, connections, seconds_until_cut

CONFIGURATION = REPOSITORY / "deploy/proxy/nginx.conf"
PUBLISHED = (8081, 8082, 8083, 8084, 8085)

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None,
    reason="nginx is not on PATH; Debian and Ubuntu: apt-get install nginx-light",
)


class Service:
    """Stands behind the proxy; says what it was told, and counts its requests."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests += 1
        told = {name: value for name, value in environ.items() if isinstance(value, str)}
        streamed = environ["PATH_INFO"] == "/stream"
        headers = [("Content-Type", "text/event-stream" if streamed else "application/json")]
        start_response("200 OK", [*headers, *([("X-Accel-Buffering", "no")] if streamed else [])])
        return [json.dumps({**told, "length": len(environ["wsgi.input"].read())}).encode()]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


@pytest.fixture(scope="module")
def proxy(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the proxy's first door; the file is compose's but for addresses, and a second in place of ten."""
    base = own_port_base()
    behind = HttpServer(service, "127.0.0.1", 0, threads=4, limits=Limits())
    behind.serve_in_thread("behind")
    text = CONFIGURATION.read_text(encoding="utf-8")
    text, services = re.subn(r"[a-z-]+:8000;", f"127.0.0.1:{behind.port};", text)
    assert services == len(PUBLISHED)
    for distance, port in enumerate((*PUBLISHED, 8090)):
        text = text.replace(str(port), str(base + distance))
    folder = tmp_path_factory.mktemp("proxy")
    text = text.replace("/tmp/", f"{folder}/").replace("_timeout 10s", "_timeout 1s")
    file = folder / "nginx.conf"
    file.write_text(re.sub(r"\n\s+resolver [^;]+;", "", text), encoding="utf-8")
    # Root's nginx works as another user, who may not write in the test's folder.
    user = " user root;" if os.geteuid() == 0 else ""
    process = subprocess.Popen(["nginx", "-c", str(file), "-g", f"daemon off;{user}"])
    try:
        until(lambda: _answers(base + 5), "the proxy")
        yield base
    finally:
        process.terminate()
        process.wait(10)
        behind.shutdown()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 204
    except httpx.HTTPError:
        return False


def ask(port: int, path: str = "/", **options: Any) -> httpx.Response:
    return httpx.request(
        options.pop("method", "GET"), f"http://127.0.0.1:{port}{path}", trust_env=False, **options
    )


def assert_answered(port: int) -> None:
    assert ask(port).status_code == 200


def test_every_door_leads_to_a_service_that_is_told_who_asks(proxy: int) -> None:
    for distance in range(len(PUBLISHED)):
        said = {"X-Forwarded-For": "203.0.113.1", "Authorization": "Bearer x"}
        told = ask(proxy + distance, headers=said).json()
        assert told["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert told["HTTP_AUTHORIZATION"] == "Bearer x"


def answered_beside(port: int, begun: bytes) -> bool:
    """Whether a request was answered before all of those were cut that have only begun."""
    with connections(port, 90, begun, "127.0.0.2") as sockets:
        assert_answered(port)
        return len(select.select(sockets, [], [], 0)[0]) < len(sockets)


@pytest.mark.parametrize("begun", [HEAD, BODY], ids=["head", "body"])
def test_what_is_unfinished_never_reaches_a_service(proxy: int, service: Service, begun: bytes) -> None:
    before = service.requests
    with connections(proxy, 90, begun, "127.0.0.2") as sockets:
        for _ in range(10):
            assert_answered(proxy)
        assert seconds_until_cut(sockets, within_seconds=PATIENCE_SECONDS)
    assert service.requests == before + 10
    until(functools.partial(answered_beside, proxy, begun), "an answer while others are unfinished")


def test_connections_of_one_address_are_limited(proxy: int) -> None:
    with connections(proxy, 260, BODY, "127.0.0.3") as sockets:
        ready = until(lambda: select.select(sockets, [], [], 0.2)[0], "a refusal")
        assert ready[0].recv(100).startswith(b"HTTP/1.1 429")
        assert ask(proxy).status_code == 200


def test_a_body_that_comes_in_pieces_arrives_whole(proxy: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    connection.request("POST", "/", iter([b"x" * 50_000] * 4), {"Content-Type": "x/y"}, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["length"] == 200_000
    connection.close()


def test_what_the_proxy_refuses_is_a_problem_too(proxy: int) -> None:
    assert _code(ask(proxy, method="POST", content=b"x" * 1_100_000)) == (413, "body-too-large")
    assert _code(ask(proxy, "/" + "x" * 9_000)) == (431, "head-too-large")
    assert _code(ask(proxy, headers={f"X-{n}": "x" * 8_000 for n in range(6)})) == (431, "head-too-large")
    with socket.create_connection(("127.0.0.1", proxy), timeout=5) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        assert b"unreadable-request" in connection.recv(65536)


def test_no_answer_names_the_server_s_version(proxy: int) -> None:
    for path in ("/", "/" + "x" * 9_000):
        assert re.fullmatch(r"nginx|", ask(proxy, path).headers.get("server", ""))


def test_a_stream_is_passed_on_at_once(proxy: int) -> None:
    answer = ask(proxy, "/stream")
    assert answer.status_code == 200
    assert "x-accel-buffering" not in answer.headers, "the proxy has taken it for itself"


def _code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(Draft202012Validator(PROBLEM).iter_errors(answer.json())) == []
    assert answer.json()["type"] == f"{PROBLEMS}/{answer.json()['code']}"
    return answer.status_code, answer.json()["code"]
