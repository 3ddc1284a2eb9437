"""Real services under unfinished requests: honest callers and health are answered, and what is unfinished is cut."""

import functools
from collections.abc import Iterator

import httpx
import pytest

from shared.edge.health_port import LIMITS as HEALTH_LIMITS
from shared.edge.http_server import Limits
from tests.support.unfinished import BODY, HEAD, connections, get, seconds_until_cut, slowest_answer
from tools.stack import Stack

PROCESSES = ("intake-web", "outcome-stream")
# Answered from the database: there is no programme in it.
ASKED = {
    "intake-web": ("/v1/referrals?part=referrer", 403),
    "outcome-stream": ("/v1/programmes/none/figures", 404),
}
LIMITS = Limits()


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[Stack]:
    stack.start("issuer", *PROCESSES)
    yield stack
    for name in ("issuer", *PROCESSES):
        stack.stop(name)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("number", [40, 400])
@pytest.mark.parametrize("begun", [b"", HEAD, BODY], ids=["nothing", "head", "body"])
def test_unfinished_requests_stop_neither_callers_nor_health(
    running: Stack, process: str, number: int, begun: bytes
) -> None:
    path, expected = ASKED[process]
    token = {"Authorization": f"Bearer {running.token('arbetsformedlingen-skelleftea', 'caseworker')}"}
    if process == "outcome-stream":
        token = {"Authorization": f"Bearer {running.token('styrgruppen', 'owner')}"}
    port, health = running.settings.port(process), running.settings.health_port(process)

    def ask() -> None:
        assert get(port, path, token) == expected
        assert get(health, "/healthz") == get(health, "/readyz") == get(health, "/metrics") == 200

    with connections(port, number, begun) as sockets:
        assert slowest_answer(ask, 10) < LIMITS.head_seconds
        if number == 40:
            within = LIMITS.body_seconds if begun == BODY else LIMITS.head_seconds
            assert seconds_until_cut(sockets, within_seconds=within + 10, drip=b"x") > within - 5


def test_the_health_port_stands_unfinished_requests_too(running: Stack) -> None:
    for process in PROCESSES:
        port = running.settings.health_port(process)
        with connections(port, 400, HEAD, "127.0.0.2"):
            assert slowest_answer(functools.partial(assert_alive, port), 10) < HEALTH_LIMITS.head_seconds


def assert_alive(port: int) -> None:
    assert get(port, "/healthz") == 200


@pytest.mark.parametrize("process", PROCESSES)
def test_callers_are_told_nothing_of_health_and_metrics(running: Stack, process: str) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(f"{running.url(process)}{path}", trust_env=False).status_code in (401, 404)
