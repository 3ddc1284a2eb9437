"""The documentation in a browser: it opens under its strict policy, and axe finds nothing to object to."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from shared.edge.callers import Admission
from shared.edge.http_server import HttpServer, Limits
from tests.support.fakes import UNLIMITED, NamedTokens, RealTime
from tools.contracts.services import application_of, services


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where intake's application is served, without a database."""
    nothing: Any = None
    app = application_of(services()["intake"], nothing, Admission(NamedTokens(), UNLIMITED), RealTime())  # type: ignore[arg-type]
    server = HttpServer(app, "127.0.0.1", 0, threads=2, limits=Limits())
    server.serve_in_thread("docs")
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_any_page_of_the_documentation(
    browser: Browser, address: str, theme: Any, width: int
) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 800})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/", "/v1/asyncapi", "/v1/problems", "/v1/problems/busy", "/v1/terms"):
        page.goto(f"{address}{path}")
        assert page.locator("h1").count() == 1
        found = Axe().run(page)
        assert found.response["violations"] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
    context.close()
