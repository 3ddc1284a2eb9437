"""Revisions of a resource, and the condition of a caller on the one that it changes (If-Match, RFC 9110)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precondition:
    """The condition in If-Match: any revision, or one of these ETags.

    A weak ETag never matches, since the comparison is strong.
    """

    anything: bool
    tags: frozenset[str]

    def revision(self, current: int) -> int:
        """The current revision where it is among those asked for, else one that no resource has."""
        return current if self.anything or etag(current) in self.tags else NO_REVISION


NO_REVISION = -1


def etag(revision: int) -> str:
    """A revision as an answer names it."""
    return f'"{revision}"'
