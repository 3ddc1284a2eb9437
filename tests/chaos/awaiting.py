"""Waiting for a condition, asking again and again; never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

NOT_YET = (httpx.HTTPError, KafkaError, PyMongoError, OSError)
"""What a client says while what it asks is down."""


class TimedOut(Exception):
    """A condition that was awaited did not come."""


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0, pause: float = 0.1) -> Any:
    """Ask until the answer is true, and return it. Raises TimedOut. An error of a client counts as not yet."""
    deadline, wait = time.monotonic() + seconds, threading.Event()
    last: Any = None
    while True:
        try:
            if found := holds():
                return found
        except NOT_YET as error:
            last = type(error).__name__
        if time.monotonic() > deadline:
            raise TimedOut(f"never came: {what}{f' ({last})' if last else ''}")
        wait.wait(pause)
