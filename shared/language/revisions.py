"""Revisions of a resource, and what a caller asks of the one that it changes (If-Match, RFC 9110)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precondition:
    """What If-Match asks: any revision, or one of these ETags. A weak one is never matched, as strong ones compare."""

    anything: bool
    tags: frozenset[str]

    def revision(self, current: int) -> int:
        """The current revision where it is among those asked for, else one that no resource has."""
        return current if self.anything or etag(current) in self.tags else NO_REVISION


NO_REVISION = -1


def etag(revision: int) -> str:
    """A revision as an answer names it."""
    return f'"{revision}"'
