"""Waiting for what has to come, without a sleep that hopes."""

import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 60.0


def until(
    holds: Callable[[], Any],
    what: str | Callable[[], str],
    seconds: float = PATIENCE_SECONDS,
    pause_seconds: float = 0.03,
) -> Any:
    """What the condition gives once it holds, asked again and again. Raises AssertionError when patience ends.

    what: is waited for; asked only if it never comes.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"never came: {what if isinstance(what, str) else what()}")
        pause.wait(pause_seconds)
