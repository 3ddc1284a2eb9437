"""CPython's garbage collector in our processes. Called once by a process, after any fork, when everything is loaded and
the threads are about to start.
"""

import gc

THRESHOLDS = 20_000, 10, 10
"""Allocations before a collection of generation 0; collections of generation 0 before one of generation 1; …"""


def freeze_startup_objects() -> None:
    """Exempt everything that exists now from later collections."""
    gc.collect()
    gc.freeze()


def relax_thresholds() -> None:
    """Freeze the startup objects and raise the thresholds, for processes that apply events.

    A batch holds eleven containers per record until it is durable. With CPython's threshold of 700 the collector runs
    again and again while a batch grows, and takes a quarter of the time. It finds nothing, because applying events
    creates no reference cycles. A web process keeps CPython's thresholds: a refused request can be a reference cycle
    of few containers and many bytes.
    """
    freeze_startup_objects()
    gc.set_threshold(*THRESHOLDS)
