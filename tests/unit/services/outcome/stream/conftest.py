"""The page's server on made-up figures, and a client of it."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from tests.support.page_server import MovingFigures, PageServer, read_programme


@pytest.fixture(scope="module")
def page_server() -> Iterator[PageServer]:
    with PageServer(MovingFigures(read_programme(), date(2017, 5, 1))) as opened:
        yield opened


@pytest.fixture
def web(page_server: PageServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page_server.origin, timeout=30) as client:
        yield client
