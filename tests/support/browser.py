"""Which browser the tests drive: the machine's Chromium, or the one Playwright has downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(RuntimeError):
    """There is no browser; the text says what to install."""


def chromium(playwright: Playwright) -> Path:
    """The browser's executable. Raises NoBrowser, saying what to install, when there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return own
    raise NoBrowser("No browser: run `apt-get install chromium`, or `.venv/bin/playwright install chromium`.")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """That browser, headless, until the block ends. Raises NoBrowser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
