"""The W3C trace context of what this thread or task is doing, and the id that joins its effects in every log.

Source: https://www.w3.org/TR/trace-context/
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TRACEPARENT = "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
"""W3C trace context: version, trace, parent, flags."""
_FORM = re.compile(TRACEPARENT)

_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def current_traceparent() -> str:
    """The W3C trace context of the current work, or a new one."""
    found = _traceparent.get()
    return found if _FORM.fullmatch(found) else start_trace("")


def start_trace(incoming: str) -> str:
    """Continue the caller's trace, or begin one. Returns the traceparent."""
    trace = incoming[3:35] if _FORM.fullmatch(incoming) else secrets.token_hex(16)
    value = f"00-{trace}-{secrets.token_hex(8)}-01"
    _traceparent.set(value)
    return value


def resume_trace(traceparent: str) -> None:
    """Speak in the name of the event being handled. Whether it is a trace context is asked when somebody speaks."""
    _traceparent.set(traceparent)


@contextmanager
def own_trace() -> Iterator[None]:
    """Keep the present trace: behind the block it goes on, whatever traces are resumed within."""
    mine = current_traceparent()
    try:
        yield
    finally:
        _traceparent.set(mine)


def read_trace(header: bytes | None) -> str:
    """The trace context in a record's header, which may hold anything; "" where it holds none."""
    text = (header or b"").decode("ascii", "replace")
    return text if _FORM.fullmatch(text) else ""


def known_trace_id() -> str | None:
    """The id of the trace that is going on; None where none is, and none is begun."""
    found = _traceparent.get()
    return found[3:35] if _FORM.fullmatch(found) else None


def trace_id() -> str:
    """The 32 hex digits that join one command's effects in all services' logs."""
    return current_traceparent().split("-")[1]
