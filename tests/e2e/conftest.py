"""A browser for all page tests, or the line that installs one: the last that a run without one prints."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import CURE, NoBrowser, open_browser
from tests.support.stack import fresh_stack
from tools.stack import Stack

NOT_RUN = "The page tests were not run."


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack for one module: what others put into the topics would be poison to real services."""
    with fresh_stack() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module. Without any the page tests are reported as not run; in CI they fail.

    Not for the session: while it is open, Playwright's event loop occupies the thread, and others need one too.
    """
    try:
        with open_browser() as opened:
            yield opened
    except NoBrowser as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{NOT_RUN} {missing}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last how many page tests were skipped, and what would have run them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    count = sum(NOT_RUN in str(one.longrepr) for one in skipped)
    if count:
        print(f"{count} page tests were skipped, because there is no browser: {CURE}, then run them again.")
