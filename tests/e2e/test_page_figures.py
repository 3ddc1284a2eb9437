"""Which figures the page shows to whom, how it draws them, and what is left of them on paper."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from services.outcome.stream.snapshot import follow
from tests.e2e.test_page import sign_in, violations
from tests.support.page_server import MovingFigures, PageServer, read_programme

MIDDLE, ENDED = date(2017, 5, 1), date(2021, 6, 1)
NOT_SHOWN = "visas inte"
PUBLISHED = "Visa det som får publiceras"
A4_PIXELS = {"portrait": 688, "landscape": 1016}
"""What is left of a sheet between its margins, at 96 to the inch."""


@pytest.fixture(params=[ENDED], ids=str)
def page_server(request: pytest.FixtureRequest) -> Iterator[PageServer]:
    with PageServer(MovingFigures(read_programme(), request.param)) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def opened(page: Page, page_server: PageServer) -> dict[str, Any]:
    """Open the page; returns the exact figures."""
    sign_in(page, page_server.link())
    page.wait_for_selector("html.filled")
    return dict(page_server.source.read()[0].exact)


def test_who_may_read_the_report_sees_it_exact_after_the_last_day(
    page_server: PageServer, page: Page
) -> None:
    exact = opened(page, page_server)
    started = exact["figures"]["started"]
    expect(page.locator(".form")).to_contain_text("Exakta siffror, inte för publicering.")
    expect(page.locator("#lede")).to_contain_text(f"{started} personer har startat. 0 deltar just nu.")
    expect(page.locator("#targets li").first).to_contain_text(f"{started} av 140")
    expect(page.locator("#exits dd")).to_have_text([str(n) for n in exact["figures"]["exits"].values()])
    page.locator("summary").click()
    known, employed = (exact["figures"]["employed_at_exit"][part] for part in ("known", "employed"))
    expect(page.locator("#flow-rows tr", has_text="Studier eller annat").locator("td")).to_have_text(
        str(known - employed)
    )
    for text in (NOT_SHOWN, "<5"):
        expect(page.locator("main")).not_to_contain_text(text)


def test_what_may_be_published_keeps_the_chief_figure_and_never_looks_like_nought(
    page_server: PageServer, page: Page
) -> None:
    exact = opened(page, page_server)
    page.get_by_role("link", name=PUBLISHED).click()
    expect(page.locator(".form")).to_contain_text("Siffror som får publiceras.")
    expect(page.locator(".form")).to_contain_text("”Visas inte” betyder")
    expect(page.locator("#targets li").first).to_contain_text(f"{exact['figures']['started']} av 140")
    left = page.locator("#by-gender tr", has_text="Avslutade").locator("td")
    expect(left.first).to_have_text(NOT_SHOWN)
    assert page.locator("#flow .number").all_inner_texts().count("0") == 0
    for cell in page.locator("#by-gender td, #by-municipality td").filter(has_text=NOT_SHOWN).all():
        expect(cell.locator("i")).to_be_hidden()
    step = page.locator("#steps li").filter(has_text=NOT_SHOWN).first
    expect(step.locator(".bar")).to_be_hidden()
    page.get_by_role("link", name="English").click()
    expect(page.locator(".form")).to_contain_text("Figures that may be published.")
    page.get_by_role("link", name="Show exact figures").click()
    expect(page.locator(".form")).to_contain_text("Exact figures, not for publication.")


def show(page: Page, page_server: PageServer, change: Callable[[dict[str, Any]], None]) -> None:
    """The page of a snapshot that was changed on its way."""
    reading = page_server.source.read()[0]
    content = json.loads(follow(None, reading, "exact", reading.exact).frame.split(b"data: ")[1])
    change(content)
    frame = f"id: 1\nevent: snapshot\ndata: {json.dumps(content)}\n\n"
    page.route("**/figures?*", lambda route: route.fulfill(body=frame, content_type="text/event-stream"))
    sign_in(page, page_server.link())
    page.wait_for_selector("html.filled")


def test_targets_stand_at_one_place_and_bars_go_past_them_as_far_as_was_reached(
    page_server: PageServer, page: Page
) -> None:
    scores = [(46, 40), (70, 40), (1, 1), (69, 60), (20, 40), (0, 40)]

    def change(content: dict[str, Any]) -> None:
        content["targets"] = [
            {"figure": f"figure_{at}", "municipality": None, "target": target, "reached": reached}
            for at, (reached, target) in enumerate(scores)
        ]
        hidden = {"value": None, "hidden": True, "few": False}
        content["targets"].append({"figure": "hidden", "municipality": None, "target": 40, "reached": hidden})
        content["outputs"] = []

    page.emulate_media(reduced_motion="reduce")
    show(page, page_server, change)
    texts = [
        text.split("\n")[-1].replace("\xa0", " ")
        for text in page.locator("#targets .score").all_inner_texts()
    ]
    assert texts == [
        *("46 av 40 · 115 %", "70 av 40 · 175 %", "1 av 1 · 100 %", "69 av 60 · 115 %"),
        *("20 av 40 · 50 %", "0 av 40 · 0 %", "visas inte mål 40"),
    ]
    bars = page.locator("#targets .bar:visible")
    assert bars.count() == len(scores)
    geometry = bars.evaluate_all(
        """bars => bars.map(bar => {
            const [track, fill, mark] = [bar, ...bar.children].map((one) => one.getBoundingClientRect());
            return [fill.width / track.width, (mark.left + 2 - track.left) / track.width];
        })"""
    )
    marks = {round(mark, 3) for _, mark in geometry}
    assert len(marks) == 1
    at = marks.pop()
    for (reached, target), (fill, _) in zip(scores, geometry, strict=True):
        assert fill == pytest.approx(at * reached / target, abs=0.003)
    assert max(fill for fill, _ in geometry) <= 1


def test_municipalities_stand_in_the_same_order_everywhere(page_server: PageServer, page: Page) -> None:
    opened(page, page_server)
    expect(page.locator(".where")).to_contain_text("Skellefteå och Norsjö")
    expect(page.locator("#by-municipality th[scope=col]")).to_have_text(["Skellefteå", "Norsjö"])
    expect(page.locator("#targets small").filter(has_text="·").first).to_contain_text("Skellefteå")
    parts = page.locator("#targets small").filter(has_text="·").first.inner_text()
    assert parts.index("Skellefteå") < parts.index("Norsjö")


@pytest.mark.parametrize("page_server", [MIDDLE], indirect=True, ids=str)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_while_figures_move(page_server: PageServer, page: Page, theme: Any) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="no-preference")
    opened(page, page_server)
    slowly = "* { animation-duration: 600s !important; }"
    page.evaluate(
        "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }",
        slowly,
    )
    page_server.source.move(60)
    expect(page.locator("#newest .arriving").first).to_be_visible()
    expect(page.locator(".changed").first).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("sheet", list(A4_PIXELS))
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_on_paper_and_the_moment_is_said(
    page_server: PageServer, page: Page, sheet: str, theme: Any
) -> None:
    exact = opened(page, page_server)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme=theme)
    width = A4_PIXELS[sheet]
    page.set_viewport_size({"width": width, "height": 1000})
    outside = page.evaluate(
        """width => [...document.querySelectorAll("body *, #flow text")]
            .filter(one => one.checkVisibility() && !one.closest(".unseen"))
            .filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.textContent.slice(0, 40))""",
        width,
    )
    assert outside == []
    expect(page.locator("#flow .word", has_text="I arbete").locator(".number")).to_have_text(
        str(exact["figures"]["employed_at_exit"]["employed"])
    )
    expect(page.locator(".form")).to_contain_text("Exakta siffror, inte för publicering.")
    expect(page.locator("#moment")).to_be_visible()
    expect(page.locator("#moment")).to_contain_text("Siffrorna är från 1 juni 2021 16:00.")
    for gone in (".top nav", ".sign-out", ".state", ".form a", "summary", ".skip"):
        expect(page.locator(gone).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.bar i')).printColorAdjust") == "exact"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    expect(page.locator("#flow svg")).not_to_have_attribute("width", "900")


def test_paper_explains_what_is_hidden(page_server: PageServer, page: Page) -> None:
    opened(page, page_server)
    page.get_by_role("link", name=PUBLISHED).click()
    page.wait_for_selector("html.filled")
    page.emulate_media(media="print")
    expect(page.locator(".form")).to_contain_text("<5 betyder färre än fem personer.")
    expect(page.locator(".form")).to_be_visible()
