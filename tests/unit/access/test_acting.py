"""A token that holds several organisations and duties opens what each of them opens, one at a time, on every route."""

from datetime import date
from typing import Any

import httpx
import pytest

from shared.language.events import SessionLogged
from tests.support.access.expected import JOURNEYS
from tests.support.access.worlds import AGENCY, SESSION, SHOP, WAYS, World, request_of
from tests.support.house import ACTIVITY_TRACKING
from tests.support.page_server import MovingFigures, PageServer, read_programme

HELD = (f"{SHOP}:caseworker", f"{AGENCY}:caseworker", f"{AGENCY}:analyst", "forsakringskassan:supervisor")
TOKEN = "+".join(HELD)


@pytest.fixture(scope="module")
def world() -> World:
    """A journey that the shop is responsible for, and the agency referred."""
    found = WAYS["strt"]()
    found.house.freeze()
    return found


def answer(world: World, service: str, route: str, who: str, acting_as: str = "") -> tuple[int, Any, Any]:
    as_whom = acting_as or who
    handle = world.handle_of(as_whom.partition(":")[0])
    method, path, body, headers = request_of(world, route, world.journey, handle)
    if acting_as:
        headers = {**headers, "Acting-As": acting_as}
    told = world.house.ask(service, method, path, who, body, **headers)
    said = told.json or {}
    return told.status_code, said.get("code"), said.get("errors")


@pytest.mark.parametrize(("service", "route"), list(JOURNEYS), ids=lambda one: one)
def test_acting_as_one_is_having_that_one_alone(world: World, service: str, route: str) -> None:
    for one in HELD:
        assert answer(world, service, route, TOKEN, one) == answer(world, service, route, one), one
    assert answer(world, service, route, TOKEN)[:2] == (400, "acting-as-missing")
    for other in (f"{SHOP}:supervisor", f"{AGENCY}:owner", "esf-radet:owner", "nobody-of-this-programme"):
        assert answer(world, service, route, TOKEN, other)[:2] == (403, "acting-as-refused")


def test_the_event_names_the_one_that_acted() -> None:
    found = WAYS["strt"]()
    path = found.on("/journeys/{journey}/sessions")
    done = found.house.ask(
        ACTIVITY_TRACKING, "POST", path, TOKEN, {**SESSION, "minutes": 30}, **{"Acting-As": SHOP}
    )
    assert done.status_code == 201, done.text
    _, fact = found.house.rooms[ACTIVITY_TRACKING].memory.said[-1]
    assert isinstance(fact, SessionLogged)
    assert fact.organisation == SHOP


@pytest.mark.parametrize(
    ("acting_as", "status", "code"),
    [
        ("", 400, "acting-as-missing"),
        ("esf-radet:analyst", 201, None),
        ("nobody-of-this-programme:owner", 403, "not-allowed"),
        (f"{SHOP}:analyst", 403, "acting-as-refused"),
        ("esf-radet:analyst, esf-radet:analyst", 400, "invalid-header"),
    ],
)
def test_the_stream_asks_the_same(acting_as: str, status: int, code: str | None) -> None:
    token = "esf-radet:analyst+nobody-of-this-programme:owner"
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    headers |= {"Acting-As": acting_as} if acting_as else {}
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1))) as server:
        answer = httpx.post(
            f"{server.address}/programmes/coactive/page-links", headers=headers, timeout=30, trust_env=False
        )
    assert (answer.status_code, answer.json().get("code")) == (status, code)
