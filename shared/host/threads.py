"""A thread that goes on after a failure, and lets the others go on."""

import time
from threading import Event

import structlog

from shared.runtime.parts import Runnable
from shared.telemetry.metrics import metric

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0

log = structlog.get_logger()


def guarded_run(name: str, runnable: Runnable, stop: Event) -> None:
    """Run the thread's work until told to stop.

    After a failure it starts again, after a growing pause; other threads go on.

    While it fails again and again its `progressed_at` stands still, so that the process counts it as stuck.
    """
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = time.monotonic()
        try:
            runnable.run()
        except Exception as error:  # one thread's fault must not end what runs beside it
            metric("journey_thread_restarts_total", thread=name).inc()
            log.error("thread-failed", thread=name, error=type(error).__name__, exc_info=error)
        if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        stop.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
