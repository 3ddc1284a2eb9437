"""A browser for all page tests, or the line that installs one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import NoBrowser, browser_path, open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session; without any the tests are reported as not run."""
    try:
        path = browser_path()
    except NoBrowser as cure:
        pytest.skip(f"the page tests were not run: no browser was found; this line mends it: {cure}")
    with open_browser(path) as opened:
        yield opened
