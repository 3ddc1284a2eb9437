"""Who gets in, and what everybody else is told."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from services.outcome.figures import disclosure
from services.outcome.stream.routes import ACTIONS
from tests.support.awaiting import PATIENCE_SECONDS
from tests.support.fakes import UNLIMITED
from tests.support.page_server import MovingFigures, PageServer, read_programme

LINKS = "/v1/programmes/coactive/page-links"


PAGE = "/v1/programmes/coactive"


FIGURES = "/v1/programmes/coactive/figures"


STEERING = {"Authorization": "Bearer steering"}


KEY = {"Idempotency-Key": "one"}


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def sign_in(web: httpx.Client, link: str) -> httpx.Response:
    """Press the button of the page that the link shows."""
    url = httpx.URL(link)
    return web.post(url.copy_with(query=None), data={"code": url.params["code"]})


def max_age(cookie: str) -> int:
    return int(re.findall(r"Max-Age=(\d+)", cookie)[0])


def first_event(
    web: httpx.Client, headers: dict[str, str] | httpx.Headers, query: str = ""
) -> tuple[int, str]:
    with web.stream("GET", FIGURES + query, headers=headers) as answer:
        if answer.status_code != 200:
            answer.read()
            return code(answer)
        return 200, next(line for line in answer.iter_lines() if line.startswith("event:"))


def ends(lines: Iterator[str]) -> bool:
    """Whether the stream ends within a minute; one that does not sends heartbeats for longer."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    return all(time.monotonic() < give_up_at for _ in lines)


def test_a_token_that_may_read_the_report_gets_the_stream(web: httpx.Client) -> None:
    assert first_event(web, STEERING) == (200, "event: snapshot")


def snapshot_of(web: httpx.Client, address: str, headers: dict[str, str]) -> dict[str, Any]:
    """The first snapshot of a stream."""
    with web.stream("GET", address, headers=headers) as answer:
        assert answer.status_code == 200
        line = next(line for line in answer.iter_lines() if line.startswith("data: "))
    snapshot: dict[str, Any] = json.loads(line.removeprefix("data: "))
    return snapshot


def test_exact_figures_are_for_those_who_ask_for_them(page_server: PageServer, web: httpx.Client) -> None:
    exact = dict(page_server.source.read()[0].exact)
    for query, form in (("", "published"), ("?form=published", "published"), ("?form=exact", "exact")):
        snapshot = snapshot_of(web, f"{FIGURES}{query}", STEERING)
        expected = exact if form == "exact" else disclosure.publish(exact)
        assert snapshot["form"] == form
        for section in ("figures", "by_gender", "by_municipality", "where_now", "targets", "steps"):
            assert snapshot[section] == expected[section], (query, section)
    assert exact["by_gender"]["non_binary"]["started"] in range(5)


@pytest.mark.parametrize(
    ("query", "field"),
    [("form=raw", "form"), ("form=", "form"), ("form=exact&form=exact", "form"), ("from=2017-01-01", "from")],
)
def test_what_the_stream_does_not_know_is_refused_by_name(web: httpx.Client, query: str, field: str) -> None:
    answer = web.get(f"{FIGURES}?{query}", headers=STEERING)
    assert code(answer) == (422, "invalid-fields")
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("version", ["9" * 19, "9" * 20, "9" * 300, "12", "-1", "x", "9.5", "²"])
def test_a_version_that_is_none_of_ours_brings_the_newest_at_once(web: httpx.Client, version: str) -> None:
    headers = httpx.Headers({**STEERING, "Last-Event-ID": version}, encoding="utf-8")
    assert first_event(web, headers) == (200, "event: snapshot")


def test_the_page_says_which_figures_it_shows(web: httpx.Client) -> None:
    exact, published = (
        web.get(PAGE, headers=STEERING).text,
        web.get(f"{PAGE}?form=published", headers=STEERING).text,
    )
    assert f'data-figures="{FIGURES}?form=exact"' in exact
    assert "Exakta siffror, inte för publicering" in exact
    assert f'data-figures="{FIGURES}?form=published"' in published
    assert "Siffror som får publiceras" in published


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
    assert first_event(web, headers, "?form=exact") == expected
    assert code(web.post(LINKS, headers={**headers, **KEY})) == expected
    page = web.get(PAGE, headers=headers)
    assert page.status_code == expected[0]
    assert "CoActive" not in page.text


def test_every_route_of_a_programme_names_the_action_it_takes(page_server: PageServer) -> None:
    served = {
        f"{method} {route.path}"
        for route in page_server.mount.routes
        if isinstance(route, Route) and "{programmeId}" in route.path
        for method in route.methods or ()
        if method != "HEAD"
    }
    # Signing out takes the session that it ends, and nothing else.
    assert served - {"POST /programmes/{programmeId}/logout"} == set(ACTIONS)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", PAGE),
            ("GET", FIGURES),
            ("POST", LINKS),
            ("POST", f"{PAGE}/logout"),
            ("GET", "/v1/signed-out"),
        ),
        *(
            ("GET", "/v1/login"),
            ("POST", "/v1/login"),
            ("GET", "/v1/static/page.css"),
            ("GET", "/v1/texts/sv.json"),
        ),
    ],
)
def test_every_route_names_a_parameter_that_it_does_not_know(
    web: httpx.Client, method: str, path: str
) -> None:
    headers = {**STEERING, **KEY}
    for query in ("from=2017", "lang=sv&lang=en&x=1"):
        answer = web.request(method, f"{path}?{query}", headers=headers)
        assert code(answer) == (422, "invalid-fields")
        assert set(answer.json()["errors"]) >= {query.rpartition("&")[2].partition("=")[0]}


def test_a_language_given_twice_is_refused(web: httpx.Client) -> None:
    for path in (PAGE, "/v1/login", "/v1/signed-out"):
        answer = web.get(f"{path}?lang=sv&lang=en", headers=STEERING)
        assert (code(answer), set(answer.json()["errors"])) == ((422, "invalid-fields"), {"lang"})


def test_no_name_of_a_field_that_may_be_somebody_s_number_is_repeated(web: httpx.Client) -> None:
    answer = web.post(LINKS, json={"19900101-2385": 1}, headers={**STEERING, **KEY})
    assert (code(answer), set(answer.json()["errors"])) == ((422, "invalid-fields"), {"body"})


def test_an_unknown_programme_is_told_only_to_those_who_show_a_token(web: httpx.Client) -> None:
    unknown = "/v1/programmes/huset"
    assert code(web.get(f"{unknown}/figures", headers=STEERING)) == (404, "not-found")
    assert code(web.get(f"{unknown}/figures")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", PAGE, {}),
        ("GET", PAGE, {"Cookie": "page_session=guessed"}),
        ("GET", PAGE, {"Authorization": "Bearer nobody"}),
        ("GET", FIGURES, {"Cookie": "page_session=guessed"}),
        ("POST", f"{PAGE}/logout", {"Cookie": "page_session=guessed"}),
        ("GET", "/v1/login?code=guessed", {}),
    ],
)
def test_nobody_guesses_on_any_route_faster_than_its_address_may(
    method: str, path: str, headers: dict[str, str]
) -> None:
    form = {"lang": "sv"} if method == "POST" else None
    seldom = replace(UNLIMITED, per_address=0.001)
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1)), allowance=seldom) as page_server:
        with httpx.Client(base_url=page_server.origin, timeout=30) as web:
            first, second = (web.request(method, path, headers=headers, data=form) for _ in range(2))
    assert first.status_code in (303, 401)
    assert code(second) == (429, "too-many-requests")
    assert int(second.headers["retry-after"]) >= 1


def test_two_headers_of_a_name_are_no_single_value(web: httpx.Client) -> None:
    twice = [*STEERING.items(), *KEY.items(), *KEY.items()]
    assert code(web.post(LINKS, headers=twice)) == (400, "invalid-header")
    assert code(web.get(FIGURES, headers=[*STEERING.items(), *STEERING.items()])) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({}, b"", (400, "idempotency-key-missing")),
        ({"Idempotency-Key": "å".encode("latin-1")}, b"", (400, "invalid-header")),
        ({"Idempotency-Key": "19900101-2385"}, b"", (400, "invalid-header")),
        ({**KEY, "Content-Type": "application/json; charset=utf-16"}, b"{}", (415, "unsupported-media-type")),
        (
            {**KEY, "Content-Type": "application/json", "Content-Encoding": "gzip"},
            b"x",
            (415, "unsupported-encoding"),
        ),
        ({**KEY, "Content-Type": "application/json"}, b"\xef\xbb\xbf[]", (422, "invalid-fields")),
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
    assert code(web.get("/v1/nowhere")) == (404, "unknown-route")
    for path, allowed in ((LINKS, "POST"), (PAGE, "GET, HEAD"), ("/v1/login", "GET, HEAD, POST")):
        refused = web.delete(path, headers=STEERING)
        assert code(refused) == (405, "method-not-allowed")
        assert ", ".join(sorted(refused.headers["allow"].split(", "))) == allowed
    page = web.get("/v1/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, "Sidan finns inte" in page.text) == (404, True)


def test_pages_allow_nothing_from_elsewhere_and_nothing_inline(
    page_server: PageServer, web: httpx.Client
) -> None:
    sign_in(web, page_server.link())
    for page in (
        web.get(PAGE),
        web.get(f"{PAGE}?lang=en"),
        web.get("/v1/login"),
        web.get(page_server.link()),
    ):
        assert page.headers["content-security-policy"].startswith("default-src 'self';")
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert "<script>" not in page.text
        assert 'src="http' not in page.text


def test_callers_are_told_nothing_of_health_and_metrics(web: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert code(web.get(path)) == (404, "unknown-route")


def test_every_answer_says_what_a_browser_may_do_with_it(web: httpx.Client) -> None:
    for path in (PAGE, FIGURES, "/v1/static/page.css", "/v1/texts/sv.json", "/v1/nowhere", "/v1/login"):
        headers = web.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';"), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert "server" not in headers, path
        # Served without TLS here.
        assert "strict-transport-security" not in headers, path


def test_behind_tls_the_browser_is_told_so_and_a_link_is_never_the_caller_s_host() -> None:
    source = MovingFigures(read_programme(), date(2017, 5, 1))
    host = {"Host": "evil.example"}
    with (
        PageServer(source, public_url="https://figures.example/") as page_server,
        httpx.Client(base_url=page_server.origin, headers=host) as web,
    ):
        link = web.post(LINKS, headers={**STEERING, **KEY})
        assert link.json()["url"].startswith("https://figures.example/v1/login?code=")
        assert link.headers["strict-transport-security"].startswith("max-age=")
        code_of = httpx.URL(link.json()["url"]).params["code"]
        answer = web.post("/v1/login", data={"code": code_of})
        assert "Secure" in answer.headers["set-cookie"]
        assert "evil" not in answer.headers["location"]


def test_a_person_and_an_organisation_may_have_so_many_streams_open() -> None:
    allowance = replace(UNLIMITED, streams_per_person=2)
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1)), allowance=allowance) as page_server:
        with (
            httpx.Client(base_url=page_server.origin, timeout=30) as web,
            contextlib.ExitStack() as open_streams,
        ):
            for _ in range(2):
                answer = open_streams.enter_context(web.stream("GET", FIGURES, headers=STEERING))
                assert answer.status_code == 200
            refused = web.get(FIGURES, headers=STEERING)
            assert code(refused) == (429, "too-many-requests")
            assert refused.headers["retry-after"] == "30"
            open_streams.close()
            give_up_at = time.monotonic() + PATIENCE_SECONDS
            while first_event(web, STEERING)[0] != 200:
                assert time.monotonic() < give_up_at


def test_whoever_asks_too_often_is_told_when_to_come_back() -> None:
    allowance = replace(UNLIMITED, per_person=0.5, per_address=0.5)
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1)), allowance=allowance) as page_server:
        with httpx.Client(base_url=page_server.origin, timeout=30) as web:
            unknown = [web.get("/v1/programmes/none/figures", headers=STEERING).status_code for _ in range(7)]
            assert unknown == [404] * 5 + [429] * 2
            refused = [web.get(FIGURES) for _ in range(7)]
            assert [one.status_code for one in refused] == [401] * 5 + [429] * 2
            assert int(refused[-1].headers["retry-after"]) >= 1
            assert web.get(page_server.link()).status_code == 429


def test_without_a_version_nothing_is_there_but_the_front_door(web: httpx.Client) -> None:
    for path in (PAGE, FIGURES, "/v1/static/page.css", "/v1/login"):
        assert web.get(path.removeprefix("/v1"), headers=STEERING).status_code == 404
    front = web.get("/")
    assert (front.status_code, front.headers["location"]) == (302, "/v1/docs")
