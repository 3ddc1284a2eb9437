"""The pace of one member: how many events a batch holds, and how long a small batch waits for more."""

import time

SMALLEST, LARGEST = 1, 3000
"""Events in a batch. It bounds the memory of a member that is behind: with 5,000 the projector reached 200 MB."""
MOST_LOSSES = 5
"""After this many lost attempts a batch was too long: the next one is no longer."""
FLOWING_SECONDS = 0.1
LINGER, MOST_LINGER_SECONDS = 1 / 3, 0.05
"""While events flow, a small batch waits for this part of the time that the last transaction took, at most 50 ms."""


class Pace:
    """Of one member. limit: events that the next batch may hold."""

    def __init__(self) -> None:
        self.limit = LARGEST
        self._flowed_at = 0.0
        self._cost_seconds = 0.0

    def halve(self) -> None:
        """After a failure that may pass: half as many."""
        self.limit = max(SMALLEST, self.limit // 2)

    def one_at_a_time(self) -> None:
        """After a failure that will not pass: one record, so that the one that fails is found."""
        self.limit = SMALLEST

    def made_durable(self, began: float, losses: int, *, may_grow: bool) -> None:
        """Note a batch that was made durable. began: when its transaction began, by the monotonic clock."""
        self._flowed_at = time.monotonic()
        self._cost_seconds = self._flowed_at - began
        if losses < MOST_LOSSES and may_grow:
            self.limit = min(LARGEST, self.limit + max(1, self.limit // 8))

    def linger_seconds(self, count: int, most: int) -> float:
        """How long a batch of `count` events waits for more; 0 for a large one, and when no events flow.

        On an idle machine that is a few milliseconds. On a busy machine the wait makes batches larger and so the load
        smaller.
        """
        if 0 < count < most // 4 and time.monotonic() - self._flowed_at < FLOWING_SECONDS:
            return min(self._cost_seconds * LINGER, MOST_LINGER_SECONDS)
        return 0.0
