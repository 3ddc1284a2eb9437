"""A browser for all page tests, or the line that installs one."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from deploy.local import Stack
from tests.support.browser import NoBrowser, open_browser
from tests.support.stack import fresh_stack


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
        pytest.skip(f"The page tests were not run. {missing}")
