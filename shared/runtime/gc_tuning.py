"""How often Python looks for garbage in circles. Called once by a process, when all is loaded and it has its threads to
start; after any fork.
"""

import gc

THRESHOLDS = 20_000, 10, 10
"""Containers made and not freed again before the youngest are looked through; how often that, before the older are."""


def freeze_startup_objects() -> None:
    """Never again look through what the process is made of."""
    gc.collect()
    gc.freeze()


def relax_thresholds() -> None:
    """The same, and look less often: for processes that fold.

    A batch holds eleven containers for each of its records until it is durable. At CPython's 700 it is looked through
    all the time that it grows, and the whole heap whenever it has grown by a quarter: a quarter of the fold's time, for
    nothing, since what is folded makes no circles. A web process keeps to CPython's own: a refused request is a
    circle of few containers and perhaps many bytes.
    """
    freeze_startup_objects()
    gc.set_threshold(*THRESHOLDS)
