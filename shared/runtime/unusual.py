"""Readers who ask for unusually many people, counted from audit rows as they come, in bounded memory.

Pure. Of each reader only the latest different subjects are kept, one more than is usual. The reader asked for more than
is usual within the window exactly when the oldest of these falls within it.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

UNUSUAL = 50
"""Different people or journeys that one person asks for within an hour, given or refused, before it is told."""
WINDOW = timedelta(hours=1)
MOST_READERS = 5000
"""Readers remembered, about 5 KiB each; beyond that, who has read nothing for longest is forgotten."""

Who = tuple[str, str]
"""The reader's handle and organisation."""


class Readers:
    """The latest subjects of the latest readers. For one thread."""

    def __init__(self, most: int = MOST_READERS) -> None:
        self._most = most
        self._readers: OrderedDict[Who, OrderedDict[int, datetime]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._readers)

    def note(self, who: Who, subject: str, at: datetime) -> None:
        """One more row; rows come in the order of their times."""
        subjects = self._readers.setdefault(who, OrderedDict())
        self._readers.move_to_end(who)
        # Hashes are kept, and not who was read: they are smaller and name nobody.
        known = hash(subject)
        subjects[known] = at
        subjects.move_to_end(known)
        if len(subjects) > UNUSUAL + 1:
            subjects.popitem(last=False)
        if len(self._readers) > self._most:
            self._readers.popitem(last=False)

    def unusual(self, now: datetime) -> list[Who]:
        """Who has asked for more than `UNUSUAL` within the hour before `now`. Forgets who has asked for nothing."""
        since = now - WINDOW
        while self._readers:
            subjects = next(iter(self._readers.values()))
            if next(reversed(subjects.values())) > since:
                break
            self._readers.popitem(last=False)
        return [
            who
            for who, subjects in self._readers.items()
            if len(subjects) > UNUSUAL and next(iter(subjects.values())) > since
        ]
