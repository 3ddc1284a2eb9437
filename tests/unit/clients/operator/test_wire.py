"""How `journeys` speaks with the services: again under the same key, and never showing the token."""

import json
from collections.abc import Callable, Sequence

import httpx
import pytest

from clients.operator.surroundings import SERVICES, Surroundings
from clients.operator.trouble import NO_ANSWER, REFUSED, WRONGLY_TYPED, Trouble
from clients.operator.wire import Wire

HERE = Surroundings({name: f"http://{name}" for name in SERVICES}, "secret-token")


class Platform:
    """Answers in turn as it is told, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def wire(platform: Callable[[httpx.Request], httpx.Response]) -> Wire:
    return Wire(HERE, httpx.Client(transport=httpx.MockTransport(platform)), pause_seconds=0.0)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "why", "errors": {"reason": ["short"]}})


def test_a_change_is_sent_again_under_its_own_key() -> None:
    platform = Platform(
        httpx.ConnectError("refused"), problem(503, "busy"), httpx.Response(200, json={"a": 1})
    )
    assert wire(platform).post("intake", "/operations/x", {"reason": "r"}) == {"a": 1}
    keys = {request.headers["Idempotency-Key"] for request in platform.asked}
    assert (len(platform.asked), len(keys)) == (3, 1)
    assert json.loads(platform.asked[0].content) == {"reason": "r"}
    assert platform.asked[0].headers["Authorization"] == "Bearer secret-token"


def test_two_changes_have_two_keys() -> None:
    platform = Platform(httpx.Response(200, json={}), httpx.Response(200, json={}))
    speaking = wire(platform)
    speaking.post("intake", "/x", {})
    speaking.post("intake", "/x", {})
    assert len({request.headers["Idempotency-Key"] for request in platform.asked}) == 2


def test_a_refusal_is_told_with_its_code_and_is_not_repeated() -> None:
    platform = Platform(problem(409, "earlier-event-first"))
    with pytest.raises(Trouble, match=r"intake refused: earlier-event-first: why .*short") as told:
        wire(platform).post("intake", "/x", {})
    assert told.value.status == REFUSED
    assert "secret-token" not in str(told.value)


def test_a_service_that_never_answers_ends_the_command() -> None:
    platform = Platform(*[httpx.ConnectError("refused")] * 3)
    with pytest.raises(Trouble, match="does not answer: ConnectError") as told:
        wire(platform).get("intake", "/x")
    assert told.value.status == NO_ANSWER
    assert "secret-token" not in str(told.value)


def test_pages_are_followed_to_the_last() -> None:
    pages = ({"rows": [{"n": 1}], "next_cursor": "c"}, {"rows": [{"n": 2}], "next_cursor": None})
    platform = Platform(*(httpx.Response(200, json=page) for page in pages))
    assert [row["n"] for row in wire(platform).pages("intake", "/x", "rows", group=None)] == [1, 2]
    assert [dict(request.url.params) for request in platform.asked] == [{}, {"cursor": "c"}]


def test_the_holder_is_the_one_service_that_knows_it() -> None:
    unknown: Sequence[httpx.Response] = [problem(404, "not-found") for _ in SERVICES]
    assert wire(Platform(unknown[0], httpx.Response(200, json={"a": 1}))).holder("/x") == (
        "activity-tracking",
        {"a": 1},
    )
    with pytest.raises(Trouble, match="mended already"):
        wire(Platform(*unknown)).holder("/x")
    with pytest.raises(Trouble, match="wrong-duty"):
        wire(Platform(problem(403, "wrong-duty"))).holder("/x")


WHOLE = {f"{name.replace('-', '_').upper()}_URL": f"http://{name}/" for name in SERVICES}


def test_a_token_that_holds_several_acts_as_the_one_that_is_named() -> None:
    told = {**WHOLE, "JOURNEYS_TOKEN": "t", "JOURNEYS_ACTING_AS": "plattform"}
    platform = Platform(*[httpx.Response(200, json={}) for _ in range(3)])
    for here in (
        Surroundings.of(told, None, "plattform:operator"),
        Surroundings.of(told),
        Surroundings.of({**WHOLE, "JOURNEYS_TOKEN": "t"}),
    ):
        speaking = Wire(here, httpx.Client(transport=httpx.MockTransport(platform)), pause_seconds=0.0)
        speaking.post("intake", "/x", {})
    named = [request.headers.get("Acting-As") for request in platform.asked]
    assert named == ["plattform:operator", "plattform", None]
    assert all("Idempotency-Key" in request.headers for request in platform.asked)


@pytest.mark.parametrize("wrong", ["Plattform", "plattform:", "plattform operator", "plåt", ":operator"])
def test_what_names_no_organisation_and_duty_is_wrongly_typed(wrong: str) -> None:
    with pytest.raises(Trouble, match="--as and JOURNEYS_ACTING_AS") as told:
        Surroundings.of({**WHOLE, "JOURNEYS_TOKEN": "t"}, None, wrong)
    assert told.value.status == WRONGLY_TYPED


def test_the_environment_says_where_to_go_and_what_lacks() -> None:
    whole = WHOLE
    found = Surroundings.of({**whole, "JOURNEYS_TOKEN": "t"})
    assert found.urls["activity-tracking"] == "http://activity-tracking"
    with pytest.raises(Trouble, match="HANDOVER_URL, JOURNEYS_TOKEN") as told:
        Surroundings.of({name: value for name, value in whole.items() if name != "HANDOVER_URL"})
    assert told.value.status == WRONGLY_TYPED
    assert list(Surroundings.of({**whole, "JOURNEYS_TOKEN": "t"}, "outcome").urls) == ["outcome"]
