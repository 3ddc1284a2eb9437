"""Repeated refusals are not noted again: endless requests of a stranger must not fill the audit database.

Each process remembers for a minute which refusals of a person it has noted, and decides by that which to write. It
remembers a refusal only after its row is durable.
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
    """The refusals noted per person within a minute. Times are monotonic seconds. Threads share it."""

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._minutes: OrderedDict[Who, _Minute] = OrderedDict()

    def __len__(self) -> int:
        return len(self._minutes)

    def folds(self, who: Who, what: Hashable, now: float) -> bool:
        """Whether to leave this out: it was noted within the person's minute, or the person's rows are used up."""
        with self._lock:
            minute = self._minutes.get(who)
            if minute is None or now - minute.began >= MINUTE_SECONDS:
                return False
            return hash(what) in minute.noted or len(minute.noted) >= ROWS_A_MINUTE

    def is_first_folded(self, who: Who) -> bool:
        """Whether this is the first refusal left out within the person's minute."""
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
