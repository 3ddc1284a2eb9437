"""A browser for all page tests, or the line that installs one."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import NoBrowser, open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session. Without any the page tests are reported as not run; in CI they fail."""
    try:
        with open_browser() as opened:
            yield opened
    except NoBrowser as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"The page tests were not run. {missing}")
