"""One real broker and database for the whole test session, on free ports and in a folder of its own.

`tests/conftest.py` hands the fixture to every test. Services are started by those who need them:

    def test_something(stack: Stack) -> None:
        stack.start("issuer", "intake-web", "intake-consume")
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import Settings, Stack
from deploy.local.preflight import free_port_base

# Below the range from which the kernel takes ports for clients.
FIRST_PORT, LAST_PORT = 20_000, 30_000


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack with broker and database, without services; stopped and removed after the last test."""
    with fresh_stack() as running:
        yield running


@contextmanager
def fresh_stack() -> Iterator[Stack]:
    """A stack of one's own.

    TEST_STACK_DIR keeps it in that folder, logs and data too, to be looked at afterwards.
    """
    kept = os.environ.get("TEST_STACK_DIR")
    folder = Path(kept).resolve() if kept else Path(tempfile.mkdtemp(prefix="journey-stack-"))
    # Each worker of pytest-xdist has a stack of its own, and looks for ports from a place of its own.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    settings = Settings(free_port_base(FIRST_PORT + 1_000 * worker, LAST_PORT), folder, log_level="INFO")
    running = Stack(settings)
    # A session that ends without its fixtures' end (an internal error) leaves nothing either.
    atexit.register(running.down)
    try:
        with running:
            yield running
    finally:
        atexit.unregister(running.down)
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
