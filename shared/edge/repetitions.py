"""Refusals that say nothing new: a stranger who asks without end must not fill the audit database.

Each process remembers for a minute which refusals of a person it has noted. Which of them are written is decided here,
and nothing is remembered before its row is durable.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

MINUTE_SECONDS = 60.0
ROWS_A_MINUTE = 60
"""Rows of one person's refusals: more than it takes to be told of as an unusual reader, fifty."""
MOST_PEOPLE = 1000
"""People remembered, about 5 KiB each; beyond that, the minute that began first is forgotten."""

Who = tuple[str, str]
"""The person's handle and organisation."""


@dataclass(slots=True)
class _Minute:
    began: float
    noted: set[int] = field(default_factory=set)
    told: bool = False


class Repetitions:
    """What was noted of whom within a minute. Times are monotonic seconds. Threads share it."""

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._minutes: OrderedDict[Who, _Minute] = OrderedDict()

    def __len__(self) -> int:
        return len(self._minutes)

    def folds(self, who: Who, what: Hashable, now: float) -> bool:
        """Whether this was noted in the person's minute, or so much was that no more is."""
        with self._lock:
            minute = self._minutes.get(who)
            if minute is None or now - minute.began >= MINUTE_SECONDS:
                return False
            return hash(what) in minute.noted or len(minute.noted) >= ROWS_A_MINUTE

    def is_first_folded(self, who: Who) -> bool:
        """Whether nothing of the person's minute was folded before this was asked."""
        with self._lock:
            minute = self._minutes.get(who)
            if minute is None or minute.told:
                return False
            minute.told = True
            return True

    def noted(self, who: Who, what: Hashable, now: float) -> None:
        """Its row is durable."""
        with self._lock:
            minute = self._minutes.get(who)
            if minute is None or now - minute.began >= MINUTE_SECONDS:
                self._minutes.pop(who, None)
                minute = self._minutes[who] = _Minute(now)
            minute.noted.add(hash(what))
            if len(self._minutes) > self._most:
                self._minutes.popitem(last=False)
