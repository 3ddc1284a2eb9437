"""Who gets in, and what everybody else is told."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from starlette.routing import Route

from services.outcome.stream.logins import LINK_LIFE
from services.outcome.stream.routes import ACTIONS
from tests.support.stage import Stage, Theatre, read_programme

LINKS = "/programmes/coactive/page-links"
PAGE = "/programmes/coactive"
FIGURES = "/programmes/coactive/figures"
STEERING = {"Authorization": "Bearer steering"}
KEY = {"Idempotency-Key": "one"}


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    with Theatre(Stage(read_programme(), date(2017, 5, 1))) as opened:
        yield opened


@pytest.fixture
def web(theatre: Theatre) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=theatre.address, timeout=30) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def first_event(web: httpx.Client, headers: dict[str, str]) -> tuple[int, str]:
    with web.stream("GET", FIGURES, headers=headers) as answer:
        if answer.status_code != 200:
            answer.read()
            return code(answer)
        return 200, next(line for line in answer.iter_lines() if line.startswith("event:"))


def test_a_token_that_may_read_the_report_gets_the_stream(web: httpx.Client) -> None:
    assert first_event(web, STEERING) == (200, "event: snapshot")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "unauthenticated")),
        ({"Authorization": "Basic x"}, (401, "unauthenticated")),
        ({"Authorization": "Bearer nobody"}, (401, "unauthenticated")),
        ({"Cookie": "page_session=guessed"}, (401, "unauthenticated")),
        ({"Authorization": "Bearer operator"}, (403, "wrong-duty")),
        ({"Authorization": "Bearer stranger"}, (403, "not-allowed")),
    ],
)
def test_nobody_else_does_on_any_route(
    web: httpx.Client, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert first_event(web, headers) == expected
    assert code(web.post(LINKS, headers={**headers, **KEY})) == expected
    page = web.get(PAGE, headers=headers)
    assert page.status_code == expected[0]
    assert "CoActive" not in page.text


def test_every_route_of_a_programme_names_the_action_it_takes(theatre: Theatre) -> None:
    served = {
        f"{method} {route.path}"
        for route in theatre.routes
        if isinstance(route, Route) and "{programme}" in route.path
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == set(ACTIONS)


def test_an_unknown_programme_is_told_only_to_those_who_show_a_token(web: httpx.Client) -> None:
    unknown = "/programmes/huset"
    assert code(web.get(f"{unknown}/figures", headers=STEERING)) == (404, "not-found")
    assert code(web.get(f"{unknown}/figures")) == (401, "unauthenticated")


def test_a_link_is_exchanged_for_a_cookie_that_no_script_reads(web: httpx.Client) -> None:
    link = web.post(LINKS, headers={**STEERING, **KEY})
    assert link.status_code == 201
    assert link.headers["cache-control"] == "no-store"
    answer = web.get(link.json()["url"])
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", f"Path={PAGE}", "Max-Age=43200"):
        assert part in cookie
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = web.get(PAGE)
    assert page.status_code == 200
    assert "<h1>CoActive</h1>" in page.text
    assert first_event(web, {}) == (200, "event: snapshot")


def test_a_link_works_once_and_for_five_minutes(theatre: Theatre, web: httpx.Client) -> None:
    once, late = theatre.link(), theatre.link()
    assert web.get(once).status_code == 303
    web.cookies.clear()
    assert web.get(once).status_code == 401
    theatre.logins.now += LINK_LIFE
    assert web.get(late).status_code == 401
    assert web.get("/login").status_code == 401


def test_a_cookie_opens_no_other_programme(theatre: Theatre, web: httpx.Client) -> None:
    secret = theatre.secret()
    answer = web.get("/programmes/huset/figures", headers={"Cookie": f"page_session={secret}"})
    assert code(answer) == (401, "unauthenticated")


def test_who_comes_from_another_site_is_taken_one_turn_on_our_own(web: httpx.Client) -> None:
    answer = web.get(f"{PAGE}?lang=en", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401
    assert f'<meta http-equiv="refresh" content="0; url={PAGE}?lang=en">' in answer.text
    assert "http-equiv" not in web.get(PAGE, headers={"Sec-Fetch-Site": "same-origin"}).text


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({}, b"", (400, "idempotency-key-missing")),
        ({"Idempotency-Key": "å".encode("latin-1")}, b"", (400, "idempotency-key-missing")),
        ({**KEY, "Content-Type": "application/json"}, b'{"role": 1}', (422, "invalid-fields")),
        ({**KEY, "Content-Type": "application/json"}, b"[]", (422, "invalid-fields")),
        ({**KEY, "Content-Type": "application/json"}, b"{", (400, "unreadable-body")),
        ({**KEY, "Content-Type": "text/csv"}, b"a,b", (415, "unsupported-media-type")),
        ({**KEY, "Content-Type": "application/json"}, b" " * 65537, (413, "body-too-large")),
    ],
)
def test_bad_input_is_refused_with_its_reason(
    web: httpx.Client, headers: dict[str, str], content: bytes, expected: tuple[int, str]
) -> None:
    assert code(web.post(LINKS, headers={**STEERING, **headers}, content=content)) == expected


def test_an_empty_object_is_as_good_as_nothing(web: httpx.Client) -> None:
    headers = {**STEERING, **KEY, "Content-Type": "application/json"}
    assert web.post(LINKS, headers=headers, content=b"{}").status_code == 201


def test_unknown_routes_and_methods_are_problems(web: httpx.Client) -> None:
    assert code(web.get("/nowhere")) == (404, "unknown-route")
    assert code(web.get(LINKS, headers=STEERING)) == (405, "method-not-allowed")
    page = web.get("/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, "Sidan finns inte" in page.text) == (404, True)


def test_pages_allow_nothing_from_elsewhere_and_nothing_inline(theatre: Theatre, web: httpx.Client) -> None:
    web.get(theatre.link())
    for page in (web.get(PAGE), web.get(f"{PAGE}?lang=en"), web.get("/login")):
        assert page.headers["content-security-policy"].startswith("default-src 'self';")
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert "<script>" not in page.text
        assert 'src="http' not in page.text


def test_callers_are_told_nothing_of_health_and_metrics(web: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert code(web.get(path)) == (404, "unknown-route")
