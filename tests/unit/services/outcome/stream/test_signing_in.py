"""Signing in to the page: links, sessions and cookies."""

import html
import re
from datetime import date

import httpx
import pytest

from services.outcome.stream.logins import LINK_LIFE
from tests.support.page_server import MovingFigures, PageServer, read_programme
from tests.unit.services.outcome.stream.test_edge import (
    FIGURES,
    KEY,
    LINKS,
    PAGE,
    STEERING,
    code,
    ends,
    first_event,
    max_age,
    sign_in,
)


def test_a_reader_whose_link_was_decorated_is_shown_the_way_on(web: httpx.Client) -> None:
    url = web.post(LINKS, json={}, headers={**STEERING, **KEY}).json()["url"]
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in (httpx.URL(url).raw_path.decode() + "&lang=en", f"{PAGE}?lang=en", "/v1/signed-out?lang=en"):
        answer = web.get(f"{path}&fbclid=19900101-2385", headers=browser)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert "2385" not in answer.text
        assert "http-equiv" not in answer.text
        (onward,) = re.findall(r'<p><a href="([^"]*)">Open the page', answer.text)
        assert html.unescape(onward) == path
    assert sign_in(web, url).status_code == 303
    wrong = web.get(f"{PAGE}?form=rough&lang=en", headers={**STEERING, **browser})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert f'<a href="{PAGE}?lang=en">Open the page' in wrong.text


def test_a_link_is_exchanged_for_a_cookie_that_no_script_reads(web: httpx.Client) -> None:
    link = web.post(LINKS, headers={**STEERING, **KEY})
    assert link.status_code == 201
    assert link.headers["cache-control"] == "no-store"
    answer = sign_in(web, link.json()["url"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?lang=sv")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", f"Path={PAGE}"):
        assert part in cookie
    assert 43_100 < max_age(cookie) <= 43_200
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = web.get(PAGE)
    assert page.status_code == 200
    assert "<h1>CoActive</h1>" in page.text
    assert first_event(web, {}) == (200, "event: snapshot")


def test_a_link_works_once_and_for_five_minutes(page_server: PageServer, web: httpx.Client) -> None:
    once, late = page_server.link(), page_server.link()
    assert sign_in(web, once).status_code == 303
    web.cookies.clear()
    assert sign_in(web, once).status_code == web.get(once).status_code == 401
    page_server.logins.now += LINK_LIFE
    assert sign_in(web, late).status_code == web.get(late).status_code == 401
    assert web.get("/v1/login").status_code == web.post("/v1/login", data={"lang": "sv"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://figures.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://figures.example"}, 403),
        ({"Origin": "https://figures.example:8443"}, 403),
        ({"Origin": "https://figures.example"}, 303),
        ({"Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
    ],
)
def test_another_site_signs_nobody_in(headers: dict[str, str], expected: int) -> None:
    source = MovingFigures(read_programme(), date(2017, 5, 1))
    with (
        PageServer(source, public_url="https://figures.example:443/") as page_server,
        httpx.Client(base_url=page_server.origin, timeout=30) as web,
    ):
        form = {"code": httpx.URL(page_server.link()).params["code"], "lang": "en"}
        answer = web.post("/v1/login", data=form, headers=headers)
        assert answer.status_code == expected
        if expected == 403:
            assert "Another website" in answer.text
            assert "set-cookie" not in answer.headers
            assert web.post("/v1/login", data=form).status_code == 303, "the link was not used up"


def test_looking_at_a_link_uses_nothing_up(page_server: PageServer, web: httpx.Client) -> None:
    link = page_server.link()
    for _ in range(3):
        assert web.head(link).status_code == 200
        seen = web.get(link)
        assert "set-cookie" not in seen.headers
        assert '<form method="post" action="/v1/login">' in seen.text
    assert "Open the page" in web.get(f"{link}&lang=en").text
    assert sign_in(web, link).status_code == 303


def test_a_session_ends_with_the_token_of_its_link(web: httpx.Client) -> None:
    link = web.post(LINKS, headers={"Authorization": "Bearer steering:60", **KEY}).json()["url"]
    assert max_age(sign_in(web, link).headers["set-cookie"]) <= 60


def test_a_stream_ends_with_its_token(web: httpx.Client) -> None:
    headers = {"Authorization": "Bearer steering:2"}
    with web.stream("GET", FIGURES, headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("event:"))
        assert ends(lines)


def test_signing_out_ends_the_session_and_its_streams(page_server: PageServer, web: httpx.Client) -> None:
    sign_in(web, page_server.link())
    page = web.get(PAGE)
    assert f'action="{PAGE}/logout"' in page.text
    secret = web.cookies["page_session"]
    with web.stream("GET", FIGURES) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:"))
        out = web.post(f"{PAGE}/logout", data={"lang": "en"})
        assert (out.status_code, out.headers["location"]) == (303, "/v1/signed-out?lang=en")
        assert "You are signed out" in web.get(out.headers["location"]).text
        assert "Max-Age=0" in out.headers["set-cookie"]
        assert out.headers["cache-control"] == "no-store"
        assert ends(lines)
    assert web.get(PAGE, headers={"Cookie": f"page_session={secret}"}).status_code == 401


@pytest.mark.parametrize("programme", ["%E2%82%AC", "a%0d%0ab", "a%3B%20Domain=x", "%00"])
def test_no_cookie_is_made_for_what_cannot_be_a_programme(web: httpx.Client, programme: str) -> None:
    cookie = {"Cookie": "page_session=guessed"}
    answer = web.post(f"/v1/programmes/{programme}/logout", data={"lang": "sv"}, headers=cookie)
    assert answer.status_code == 404


def test_a_page_shown_to_a_bearer_of_a_token_has_nothing_to_sign_out_of(web: httpx.Client) -> None:
    assert "/logout" not in web.get(PAGE, headers=STEERING).text


def test_a_form_of_another_kind_is_refused(web: httpx.Client) -> None:
    assert code(web.post("/v1/login", json={"code": "x"})) == (415, "unsupported-media-type")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert code(web.post("/v1/login", content=b"a=" + b"x" * 5000, headers=form)) == (413, "body-too-large")
    assert code(web.post("/v1/login", content=b"\xff=1", headers=form)) == (400, "unreadable-body")
    assert code(web.post("/v1/login", content=b"a=1&" * 20, headers=form)) == (400, "unreadable-body")
    for twice in (b"code=x&lang=sv&code=y", b"code=&code=y"):
        refused = web.post("/v1/login", content=twice, headers=form)
        assert code(refused) == (422, "invalid-fields")
        assert set(refused.json()["errors"]) == {"code"}


def test_a_cookie_opens_no_other_programme(page_server: PageServer, web: httpx.Client) -> None:
    secret = page_server.secret()
    answer = web.get("/v1/programmes/huset/figures", headers={"Cookie": f"page_session={secret}"})
    assert code(answer) == (401, "unauthenticated")


def test_who_comes_from_another_site_is_taken_one_turn_on_our_own(web: httpx.Client) -> None:
    answer = web.get(f"{PAGE}?lang=en", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401
    assert f'<meta http-equiv="refresh" content="0; url={PAGE}?lang=en">' in answer.text
    assert "http-equiv" not in web.get(PAGE, headers={"Sec-Fetch-Site": "same-origin"}).text
