"""The page when contact is lost: it tries again until somebody says that it may not see the figures any more."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.test_page import sign_in
from tests.support.page_server import MovingFigures, PageServer, read_programme

FIGURES = "**/figures?*"
LIVE, TRYING = "Uppdateras direkt", "Tappade kontakten, försöker igen …"
STATES = """
    window.states = [];
    new MutationObserver(() => {
        const shown = document.querySelector('#state')?.textContent;
        if (shown && shown !== window.states.at(-1)) window.states.push(shown);
    }).observe(document, { subtree: true, childList: true, characterData: true });
"""
"""Keeps every state that the page has shown, however short."""
MODULE = "import('/v1/static/stream.js').then(({ pause, asked, Parser }) => "


@pytest.fixture
def page_server() -> Iterator[PageServer]:
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1))) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


class Proxy:
    """Answers for the stream before it does, once each, and notes when it was asked."""

    def __init__(self, page: Page, *answers: dict[str, Any] | str) -> None:
        self._answers = list(answers)
        self.asked = 0
        page.route(FIGURES, self._answer)

    def _answer(self, route: Route) -> None:
        self.asked += 1
        if not self._answers:
            route.continue_()
            return
        answer = self._answers.pop(0)
        if isinstance(answer, str):
            route.abort(answer)
        else:
            route.fulfill(**answer)


HTML = {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to the hotel's network</h1>"}


@pytest.mark.parametrize(
    "answer",
    [
        *(
            {"status": status, "content_type": "text/html", "body": "<h1>Oh</h1>"}
            for status in (429, 500, 502, 503)
        ),
        {"status": 404, "body": ""},
        {"status": 204, "body": ""},
        HTML,
        "connectionfailed",
        "namenotresolved",
        "internetdisconnected",
    ],
)
def test_whatever_stands_between_is_outlived(
    page_server: PageServer, page: Page, answer: dict[str, Any] | str
) -> None:
    proxy = Proxy(page, answer)
    page.add_init_script(STATES)
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(LIVE)
    assert TRYING in page.evaluate("states")
    expect(page.locator("#lede")).to_contain_text("har startat")
    assert proxy.asked == 2


def test_a_proxy_that_asks_for_time_is_given_it(page_server: PageServer, page: Page) -> None:
    proxy = Proxy(page, {"status": 503, "headers": {"Retry-After": "4"}, "body": ""})
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(TRYING)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(3000)
    assert proxy.asked == 1
    expect(page.locator("#state")).to_have_text(LIVE)
    assert proxy.asked == 2


def test_texts_that_do_not_come_at_once_are_asked_for_again(page_server: PageServer, page: Page) -> None:
    failures = iter([502])

    def answer(route: Route) -> None:
        status = next(failures, None)
        route.fulfill(status=status, body="") if status else route.continue_()

    page.route("**/texts/*", answer)
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(LIVE)


@pytest.mark.parametrize("part", ["page.js", "stream.js", "page.css"])
def test_a_part_of_the_page_that_does_not_come_is_asked_for_again(
    page_server: PageServer, page: Page, part: str
) -> None:
    failures, came = iter([502, 503]), []

    def answer(route: Route) -> None:
        status = next(failures, None)
        if status is None:
            came.append(part)
            route.continue_()
        else:
            route.fulfill(status=status, body="<h1>Oh</h1>")

    page.route(f"**/static/{part}", answer)
    with page.expect_event("load", lambda _: bool(came)):
        sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(LIVE)
    assert page.evaluate("sessionStorage.getItem('tries')") is None


@pytest.mark.parametrize(("status", "says"), [(401, "Inloggningen har gått ut"), (403, "inte längre rätt")])
def test_only_a_refusal_ends_it(page_server: PageServer, page: Page, status: int, says: str) -> None:
    proxy = Proxy(page, {"status": 502, "body": ""}, {"status": status, "body": ""})
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_contain_text(says)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(2000)
    assert proxy.asked == 2


def test_a_page_without_contact_says_so_and_how_old_its_figures_are(
    page_server: PageServer, page: Page
) -> None:
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(LIVE)
    expect(page.locator("#age")).to_have_text("")
    lede = page.locator("#lede").inner_text()
    page_server.close()
    expect(page.locator("#state")).to_have_text(TRYING)
    expect(page.locator("#age")).to_have_text("Siffrorna hämtades nyss.")
    page.evaluate("const now = Date.now; Date.now = () => now() + 3 * 3600 * 1000")
    expect(page.locator("#age")).to_have_text("Siffrorna hämtades för 3 timmar sedan.", timeout=30_000)
    assert page.locator("#lede").inner_text() == lede


def test_a_laptop_that_wakes_asks_anew_at_once(page_server: PageServer, page: Page) -> None:
    """The connection of before the sleep may be dead without either side knowing."""
    proxy = Proxy(page)
    sign_in(page, page_server.link())
    expect(page.locator("#state")).to_have_text(LIVE)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    assert proxy.asked == 1
    page.evaluate(
        "const now = Date.now; Date.now = () => now() + 60_000; window.dispatchEvent(new Event('online'))"
    )
    expect(page.locator("#state")).to_have_text(TRYING)
    expect(page.locator("#state")).to_have_text(LIVE)
    assert proxy.asked == 2


def test_the_stream_is_resumed_from_the_last_snapshot(page_server: PageServer, page: Page) -> None:
    named: list[str | None] = []

    def answer(route: Route) -> None:
        named.append(route.request.headers.get("last-event-id"))
        if len(named) == 1:
            route.fulfill(content_type="text/event-stream", body="id: 41\nevent: other\ndata: 1\n\n")
        else:
            route.continue_()

    page.route(FIGURES, answer)
    sign_in(page, page_server.link())
    expect(page.locator("#lede")).to_contain_text("har startat")
    assert named == [None, "41"]


def test_pauses_grow_are_uneven_and_have_an_end(page_server: PageServer, page: Page) -> None:
    page.goto(f"{page_server.address}/signed-out")
    pauses = page.evaluate(
        MODULE + "[1, 2, 3, 4, 20, 5000].flatMap((n) => [0, 1].map((chance) => pause(n, 1500, chance))))"
    )
    assert pauses == [750, 1500, 1500, 3000, 3000, 6000, 6000, 12000, 30000, 60000, 30000, 60000]


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ("0", 0),
        ("7", 7000),
        (" 7 ", 7000),
        ("999999999999", 3_600_000),
        ("Sun, 01 Jan 2017 00:02:00 GMT", 120_000),
        ("Sat, 31 Dec 2016 00:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        (None, 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(
    page_server: PageServer, page: Page, said: str | None, milliseconds: int
) -> None:
    page.goto(f"{page_server.address}/signed-out")
    asked = page.evaluate("(said) => " + MODULE + "asked(said, Date.UTC(2017, 0, 1)))", said)
    assert asked == milliseconds


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_events_are_whole_however_they_are_cut(
    page_server: PageServer, page: Page, end: str, size: int
) -> None:
    lines = [
        "retry: 1500",
        "",
        ": still here",
        "",
        "id: 7",
        "event: snapshot",
        "data: {1:",
        "data:å\u2028}",
        "",
        "data",
    ]
    page.goto(f"{page_server.address}/signed-out")
    events = page.evaluate(
        "([text, size]) => "
        + MODULE
        + """{
            const parser = new Parser();
            const parts = text.match(new RegExp(`[^]{1,${size}}`, "g"));
            return parts.flatMap((part) => parser.push(part));
        })""",
        [end.join(lines), size],
    )
    assert events == [
        {"kind": "message", "retry": 1500, "data": ""},
        {"kind": "snapshot", "id": "7", "data": "{1:\nå\u2028}"},
    ]
