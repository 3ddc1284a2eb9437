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

from tools.stack import Settings, Stack
from tools.stack.preflight import free_port_base

# Below the range from which the kernel takes ports for clients.
FIRST_PORT, PORTS_OF_ONE = 20_000, 1_000


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack with broker and database, without services; stopped and removed after the last test."""
    with fresh_stack() as running:
        yield running


def own_port_base() -> int:
    """Where a further stack of this test session may have its ports: each worker of pytest-xdist looks in its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + PORTS_OF_ONE * worker
    return free_port_base(first, first + PORTS_OF_ONE)


@contextmanager
def fresh_stack() -> Iterator[Stack]:
    """A stack of one's own.

    TEST_STACK_DIR keeps it in that folder, logs and data too, to be looked at afterwards.
    """
    kept = os.environ.get("TEST_STACK_DIR")
    folder = Path(kept).resolve() if kept else Path(tempfile.mkdtemp(prefix="journey-stack-"))
    settings = Settings(own_port_base(), folder, log_level="INFO")
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
