"""Python looks for garbage seldom where events are folded, and never through what a process is made of."""

import gc
from collections.abc import Iterator

import pytest

from shared.runtime.gc_tuning import THRESHOLDS, freeze_startup_objects, relax_thresholds


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Knot:
    """An object that only the collector can free."""

    def __init__(self, freed: list[bool]) -> None:
        self.freed, self.itself = freed, self

    def __del__(self) -> None:
        self.freed.append(True)


def test_what_is_there_is_never_looked_through_again() -> None:
    freed: list[bool] = []
    knot = Knot(freed)
    freeze_startup_objects()
    del knot
    gc.collect()
    assert not freed
    gc.unfreeze()
    gc.collect()
    assert freed


def test_gc_tuning_in_circles_is_still_found() -> None:
    relax_thresholds()
    freed: list[bool] = []
    Knot(freed)
    held: list[list[int]] = [[] for _ in range(3 * THRESHOLDS[0])]
    assert freed, f"nothing was collected while {len(held)} objects were made"
