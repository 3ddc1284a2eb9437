"""How often Python looks for cycles of garbage."""

import gc

THRESHOLDS = 20_000, 10, 10
"""New objects before the youngest are looked through, and how often that before the older are.

Python's own 700 are passed some fifty times in every batch, which holds eleven objects for each of its records until it
is durable, so that all of them are looked through again and again, and nothing is found: a quarter of the fold's time.
"""


def collect_seldom() -> None:
    """Look for cycles less often, and never again through what the process is made of. Call it once all is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
