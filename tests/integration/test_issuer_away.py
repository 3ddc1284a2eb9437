"""An issuer that does not answer: garbage tokens hold up nobody, and are not called wrong."""

import base64
import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from shared.edge.tokens import FETCH_SECONDS
from tests.support.unfinished import get, in_thread
from tools.stack import Stack

GARBAGE = 36
PROCESSES = {"handover-web": ("/v1/handovers", 403), "outcome-stream": ("/v1/programmes/none/figures", 404)}


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[Stack]:
    stack.start("issuer", *PROCESSES)
    yield stack
    for name in ("issuer", *PROCESSES):
        stack.stop(name)


@pytest.fixture
def issuer_away(running: Stack) -> Iterator[None]:
    running.kill("issuer", signal.SIGSTOP)
    yield
    running.kill("issuer", signal.SIGCONT)


def garbage(stack: Stack) -> str:
    """A token that names the platform's issuer, under a key that nobody knows."""
    parts = ({"alg": "RS256", "kid": os.urandom(8).hex()}, {"iss": stack.settings.url("issuer")})
    said = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts]
    return ".".join((*said, "c2ln"))


@pytest.mark.parametrize("process", PROCESSES)
def test_valid_tokens_are_answered_beside_garbage(
    running: Stack, process: str, request: pytest.FixtureRequest
) -> None:
    path, expected = PROCESSES[process]
    port = running.settings.port(process)
    honest = [
        {"Authorization": f"Bearer {running.token('styrgruppen', 'owner', person=f'person-{number}')}"}
        for number in range(10)
    ]
    assert get(port, path, honest[0]) == expected
    request.getfixturevalue("issuer_away")
    statuses: list[int] = []
    seconds: list[float] = []
    ended = threading.Event()

    def flood() -> None:
        while not ended.is_set():
            statuses.append(get(port, path, {"Authorization": f"Bearer {garbage(running)}"}))

    threads = [in_thread(flood) for _ in range(GARBAGE)]
    try:
        for headers in honest:
            began = time.monotonic()
            assert get(port, path, headers) == expected
            seconds.append(time.monotonic() - began)
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)
    # Whoever waits for the issuer waits as long as a fetch of its keys. One may have been slow for another reason.
    assert statistics.median(seconds) < FETCH_SECONDS, seconds
    assert set(statuses) <= {401, 503}
    asked = f"http://127.0.0.1:{port}{path}"
    answer = httpx.get(asked, headers={"Authorization": f"Bearer {garbage(running)}"}, timeout=20)
    # The keys were fetched a moment ago, or are not to be had: either is told as what it is.
    assert answer.json()["code"] in ("unauthenticated", "issuer-unreachable")
    if answer.status_code == 503:
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.usefixtures("issuer_away")
def test_a_service_that_starts_without_its_issuer_says_so(running: Stack) -> None:
    token = {"Authorization": "Bearer " + garbage(running)}
    running.stop("handover-web")
    running.start("handover-web")
    answer = httpx.get(f"{running.url('handover-web')}/handovers", headers=token, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unreachable")
    assert int(answer.headers["retry-after"]) >= 1
