"""Which browser the tests drive: the machine's Chromium, or the one Playwright has downloaded."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium(playwright: Playwright) -> Path:
    """The browser's executable. Raises RuntimeError, saying what to install, when there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return own
    raise RuntimeError(
        "No browser: run `apt-get install chromium`, or `.venv/bin/playwright install chromium`."
    )
