"""The breaker halts a group when so many events fail that this version itself must be at fault."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.language.errors import Halt

POISON_IN_A_ROW = 20
POISON_WINDOW = 1000
POISON_SHARE = 0.05


@dataclass(slots=True)
class _Count:
    """row: failures since one last succeeded; window: who failed, or None, of each of the last; both by sender too."""

    in_a_row: int = 0
    row: Counter[str] = field(default_factory=Counter)
    window: deque[str | None] = field(default_factory=deque)
    failed: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "_Count":
        return _Count(self.in_a_row, self.row.copy(), self.window.copy(), self.failed.copy())


class Breaker:
    """Halts when so much fails that the fault must be ours: a bad deploy cannot park everything.

    one_counts: the part of a limit that one sender's failures may fill at most. Below 1, no sender halts it alone.
    """

    def __init__(
        self,
        count: _Count | None = None,
        keep: Callable[[_Count], None] = lambda count: None,
        one_counts: float = math.inf,
    ) -> None:
        self._count = count or _Count()
        self._keep = keep
        self._one_counts = one_counts

    def attempt(self) -> "Breaker":
        """Return a copy that goes on counting from here. Its count replaces this one's only by `keep`."""
        return Breaker(self._count.copy(), self._take, self._one_counts)

    def keep(self) -> None:
        """Take over the attempt's count, once its transaction is committed."""
        self._keep(self._count)

    def _take(self, count: _Count) -> None:
        self._count = count

    @property
    def failing(self) -> int:
        """The number of events in a row that have failed up to now."""
        return self._count.in_a_row

    def note(self, failed: bool, sender: str = "") -> None:
        """Count one event. Raises Halt past the limits, and then keeps the count."""
        count = self._count
        if failed:
            count.in_a_row += 1
            count.row[sender] += 1
            count.failed[sender] += 1
        elif count.in_a_row:
            count.in_a_row = 0
            count.row.clear()
        count.window.append(sender if failed else None)
        full = len(count.window) > POISON_WINDOW
        if full and (gone := count.window.popleft()) is not None:
            count.failed[gone] -= 1
        if self._past(count.row, POISON_IN_A_ROW) or (
            full and self._past(count.failed, POISON_WINDOW * POISON_SHARE)
        ):
            self.keep()
            raise Halt(
                "Too many events failed in this version's code.",
                "Deploy a version that handles them and start again; nothing was skipped.",
            )

    def _past(self, failures: Counter[str], limit: float) -> bool:
        if not failures:
            return False
        return sum(min(count, limit * self._one_counts) for count in failures.values()) > limit
