"""What waits for whom: one shape for every service, and one page over the several kinds that a service has.

May not say how a kind is found: each service gives its sources, each an indexed one of its own. Source: docs/field.md,
What waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.language.decision import Skip
from shared.language.errors import Invalid
from shared.language.events import JourneyId, Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """One thing that waits for an act.

    subject: the id of what waits. unit: whose act it is. since: the day from which it waits; due: the last day for it,
    None where there is none. method, path: of the route by which it is done. place: within its kind, ascending; no two
    are the same.
    """

    kind: str
    subject: str
    place: str
    journey_id: JourneyId | None = None
    unit: Organisation
    since: date
    due: date | None = None
    method: str = "POST"
    path: str

    def overdue(self, today: date) -> bool:
        """Whether the last day has passed."""
        return self.due is not None and self.due < today


Fetch = Callable[[str | None, int], Sequence[Waits]]
"""(place, most) -> what waits behind that place, in order; fewer than `most` only where there is no more."""
Source = tuple[str, Fetch]
"""A kind, and how what waits of it is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A page of what waits, by kind and place. today: the day by which something is overdue."""

    entries: Sequence[Waits]
    today: date


def gathered(
    sources: Sequence[Source], *, after: tuple[str, str] | Skip | None, limit: int
) -> Sequence[Waits]:
    """A page over all kinds, one kind after the other. after: the kind and the place of the last entry before it.

    Raises Invalid for a kind that is none of these.
    """
    if isinstance(after, Skip):
        return gathered(sources, after=None, limit=after.rows + limit)[after.rows :]
    kinds = [kind for kind, _ in sources]
    if after is not None and after[0] not in kinds:
        raise Invalid({"cursor": ["Takes the next_cursor of the page before, as it was given."]})
    first = 0 if after is None else kinds.index(after[0])
    found: list[Waits] = []
    for number, (_, fetch) in enumerate(sources[first:]):
        place = after[1] if after is not None and number == 0 else None
        found += fetch(place, limit - len(found))
        if len(found) >= limit:
            break
    return found
