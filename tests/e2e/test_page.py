"""The live page in a real browser, on figures that move: what a member of the steering group sees and can do."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.outcome.stream.snapshot import follow
from tests.support.page_server import MovingFigures, PageServer, read_programme

EARLY, LATER = date(2016, 3, 20), date(2017, 5, 1)

Open = Callable[..., Page]


@pytest.fixture
def page_server() -> Iterator[PageServer]:
    """The page, served on a day in the middle of the programme."""
    with PageServer(MovingFigures(read_programme(), LATER)) as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, page_server: PageServer) -> Iterator[Open]:
    """Opens the page as a member of the steering group would; fails when the browser had anything to complain of."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(lang: str = "sv", width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_in(page, page_server.link())
        if lang != "sv":
            page.get_by_role("link", name="English").click()
        page.wait_for_selector("html.filled")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, link: str) -> None:
    """Open the link, and press its button."""
    page.goto(link)
    page.get_by_role("button", name="Öppna sidan").click()


def figures(page_server: PageServer) -> dict[str, Any]:
    """The exact figures on the source's day."""
    return dict(page_server.source.read()[0].exact)


def test_the_page_says_in_swedish_what_has_been_reached(page_server: PageServer, visit: Open) -> None:
    page = visit()
    started = figures(page_server)["figures"]["started"]
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    expect(page.get_by_role("heading", level=1)).to_have_text("CoActive")
    expect(page.locator("#lede")).to_contain_text(f"{started} personer har startat")
    expect(page.locator("#targets li").first).to_contain_text(f"{started} av 140")
    expect(page.locator("#state")).to_have_text("Uppdateras direkt")


def test_the_switch_changes_the_language_and_nothing_else(page_server: PageServer, visit: Open) -> None:
    page = visit(lang="en")
    started = figures(page_server)["figures"]["started"]
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#lede")).to_contain_text(f"{started} people have started")


def test_the_page_moves_while_the_figures_do(page_server: PageServer, visit: Open) -> None:
    page = visit()
    expect(page.locator("#flow .word.trunk .number").first).to_have_text(
        str(figures(page_server)["figures"]["received"])
    )
    path = page.locator("#flow .ribbon").first.get_attribute("d")
    page_server.source.move(200)
    after = figures(page_server)["figures"]
    expect(page.locator("#lede b").first).to_have_text(str(after["started"]))
    expect(page.locator("#flow .word.trunk .number").first).to_have_text(str(after["received"]))
    expect(page.locator("#flow .ribbon").first).not_to_have_attribute("d", str(path))
    expect(page.locator("#as-of")).to_have_text("Läget 17 november 2017")


def test_after_moving_the_picture_is_the_one_that_a_new_visitor_sees(
    page_server: PageServer, visit: Open
) -> None:
    moved = visit()
    page_server.source.move(200)
    received = str(figures(page_server)["figures"]["received"])
    expect(moved.locator("#flow .word.trunk .number").first).to_have_text(received)
    fresh = visit()
    expect(fresh.locator("#flow .word.trunk .number").first).to_have_text(received)
    for shape, geometry in (("path", ["d"]), ("rect", ["x", "y", "width", "height"])):
        for name in geometry:
            read = f"marks => marks.map(mark => mark.getAttribute('{name}'))"
            drawn = fresh.locator(f"#flow {shape}").evaluate_all(read)
            assert drawn
            expect(moved.locator(f"#flow {shape}").last).to_have_attribute(name, drawn[-1])
            assert moved.locator(f"#flow {shape}").evaluate_all(read) == drawn


def test_a_definition_opens_and_closes_by_keyboard(visit: Open) -> None:
    page = visit()
    term = page.locator("#steps .term").first
    note = page.locator("#steps .means").first
    expect(note).to_be_hidden()
    term.focus()
    page.keyboard.press("Enter")
    expect(note).to_be_visible()
    expect(note).to_contain_text("Dagar från att remissen skickades till att en verksamhet sa ja.")
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(term).to_be_focused()


def test_an_open_definition_stays_open_while_figures_move(page_server: PageServer, visit: Open) -> None:
    page = visit()
    page.locator("#targets .term").first.click()
    page_server.source.move(60)
    expect(page.locator("#lede b").first).to_have_text(str(figures(page_server)["figures"]["started"]))
    expect(page.locator("#targets .means").first).to_be_visible()


def test_every_figure_has_a_definition(visit: Open) -> None:
    page = visit()
    for row in page.locator(
        "#steps li, #by-gender tbody th, #flow-rows th, #exits dt, #handovers dt, #sessions dt, #rates h3"
    ).all():
        means = (
            row.locator(".means span").inner_text()
            if row.is_visible()
            else row.locator(".means span").text_content()
        )
        assert means


def test_what_may_be_published_shows_few_as_under_five(page_server: PageServer, browser: Browser) -> None:
    page_server.source.move((EARLY - LATER).days)
    page = browser.new_page()
    sign_in(page, page_server.link())
    page.get_by_role("link", name="Visa det som får publiceras").click()
    expect(page.locator("#as-of")).to_have_text("Läget 20 mars 2016")
    expect(page.locator("#exits dd").first).to_have_text("<5")
    shown = page.locator(
        "#by-gender td span, #by-municipality td span, #flow-rows td, #exits dd"
    ).all_inner_texts()
    assert "<5" in shown
    assert not {"0", "1", "2", "3", "4"} & set(shown)
    page.close()


def test_a_difference_under_five_is_hidden_too(visit: Open) -> None:
    """The picture shows what is known less those in work, so the page must hide what publishing cannot."""
    page = visit()
    hidden = page.evaluate("import('/v1/static/format.js').then(({ minus }) => minus(12, 9))")
    assert hidden == {"hidden": True, "few": True}
    assert page.evaluate("import('/v1/static/format.js').then(({ minus }) => minus(12, 7))") == 5


def test_a_masked_block_is_drawn_from_what_stands_visible_around_it(visit: Open) -> None:
    page = visit()
    drawn = page.evaluate("""
        import('/v1/static/flow.js').then(({ people }) => people([
            { id: "received", trunk: true, cell: 190 },
            { id: "accepted", trunk: true, from: ["received"], cell: { hidden: true, few: false } },
            { id: "waiting", from: ["received"], cell: { hidden: true, few: true } },
            { id: "declined", from: ["received"], cell: { hidden: true, few: false } },
            { id: "started", trunk: true, from: ["accepted"], cell: 150 },
        ]))
    """)
    assert drawn == {"received": 190, "accepted": 150, "waiting": 2, "declined": 38, "started": 150}


def test_a_sentence_whose_figure_is_masked_is_left_unsaid(page_server: PageServer, browser: Browser) -> None:
    masked = {"value": None, "hidden": True, "few": False}
    page = browser.new_page()
    page.route(
        "**/figures?*",
        lambda route: route.fulfill(body=frame(page_server, masked), content_type="text/event-stream"),
    )
    sign_in(page, page_server.link())
    expect(page.locator("#lede")).to_contain_text("deltar just nu")
    expect(page.locator("#lede")).not_to_contain_text("har startat")
    page.close()


def frame(page_server: PageServer, started: dict[str, Any]) -> str:
    """A snapshot in which the number of those who started is as given."""
    reading = page_server.source.read()[0]
    content = json.loads(follow(None, reading, "exact", reading.exact).frame.split(b"data: ")[1])
    content["figures"]["started"] = started
    return f"id: 1\nevent: snapshot\ndata: {json.dumps(content)}\n\n"


def test_missing_answers_stand_beside_every_rate(page_server: PageServer, visit: Open) -> None:
    page = visit()
    rates = page.locator("#rates > li")
    expect(rates).to_have_count(1 + len(page_server.source.programme.follow_ups))
    for rate in rates.all():
        expect(rate).to_contain_text("i arbete")
        expect(rate).to_contain_text("svar saknas")


@pytest.mark.parametrize(
    ("lang", "theme", "width"),
    [("sv", "light", 1280), ("sv", "dark", 360), ("en", "light", 360), ("en", "dark", 1280)],
)
def test_axe_finds_nothing(visit: Open, lang: str, theme: str, width: int) -> None:
    page = visit(lang, width, color_scheme=theme, reduced_motion="reduce")
    page.locator("summary").click()
    page.locator("#targets .term").first.click()
    assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_where_one_must_sign_in(
    page_server: PageServer, browser: Browser, theme: Any
) -> None:
    page = browser.new_page(color_scheme=theme)
    answer = page.goto(f"{page_server.address}/programmes/coactive")
    assert answer is not None
    assert answer.status == 401
    expect(page.get_by_role("heading", level=1)).to_have_text("Du behöver en inloggningslänk")
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_a_narrow_page_does_not_scroll_sideways(visit: Open, lang: str) -> None:
    page = visit(lang, 1280)
    for width in (768, 390, 360, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("width => document.querySelector('#flow svg').clientWidth <= width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate(
            """width => [...document.querySelectorAll("#flow text")]
                .filter(text => text.getBoundingClientRect().right > width).map(text => text.textContent)""",
            width,
        )
        assert outside == [], width


def test_a_link_works_once(page_server: PageServer, browser: Browser) -> None:
    link = page_server.link()
    first, second = browser.new_context(), browser.new_context()
    sign_in(first.new_page(), link)
    expect(first.pages[0].locator("#lede")).to_contain_text("har startat")
    second.new_page().goto(link)
    expect(second.pages[0].get_by_role("heading", level=1)).to_have_text("Länken gäller inte längre")
    first.close()
    second.close()


def test_a_link_on_another_site_leads_in(page_server: PageServer, browser: Browser) -> None:
    """A strict cookie is not sent when another site led here; the page must open all the same."""
    context = browser.new_context()
    page = context.new_page()
    letter = f'<!doctype html><title>Letter</title><a href="{page_server.link()}">Open</a>'
    page.route("http://letters.test/", lambda route: route.fulfill(body=letter, content_type="text/html"))
    page.goto("http://letters.test/")
    page.get_by_role("link", name="Open").click()
    page.get_by_role("button", name="Öppna sidan").click()
    expect(page.locator("#lede")).to_contain_text("har startat")
    context.close()


def test_the_button_of_a_link_keeps_the_language_and_signing_out_closes_the_page(
    page_server: PageServer, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(page_server.link())
    page.get_by_role("link", name="English").click()
    assert violations(page) == []
    page.get_by_role("button", name="Open the page").click()
    expect(page.locator("#lede")).to_contain_text("people have started")
    address = page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert violations(page) == []
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("You need a sign-in link")
    context.close()


def violations(page: Page) -> list[str]:
    """What axe objects to on the page as it stands."""
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]
