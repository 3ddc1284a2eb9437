"""Waiting for what has to come, without a sleep that hopes."""

import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 60.0


def until(holds: Callable[[], Any], what: str) -> Any:
    """What the condition gives once it holds, asked again and again. Raises AssertionError when patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"never came: {what}"
        pause.wait(0.03)
