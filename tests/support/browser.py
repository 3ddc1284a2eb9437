"""Which browser the tests drive: the machine's Chromium, or the one Playwright has downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CURE = "`apt-get install chromium` as root, or `.venv/bin/playwright install --with-deps chromium`"
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


def on_path() -> Path | None:
    """The machine's own Chromium, if it has one."""
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def chromium(playwright: Playwright) -> Path:
    """The browser's executable. Raises NoBrowser, saying what to install, when there is none."""
    if found := on_path():
        return found
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return own
    raise NoBrowser(f"No browser: run {CURE}.")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """That browser, headless, until the block ends. Raises NoBrowser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
