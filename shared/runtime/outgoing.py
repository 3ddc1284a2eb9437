"""Who speaks, and to whom; and what becomes of an outgoing row once Kafka has it.

Events stay for good, an answer to one record for a day.

Whoever may send records must not fill the database with answers. An index forgets by FORGET_AT, which only a published
row has, so that nothing unpublished is ever forgotten.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ANSWER_KEPT = timedelta(days=1)
KEPT_UNTIL, FORGET_AT = "kept_until", "forget_at"
"""Until when a row is needed; the same once it is published."""
PUBLISHED: Mapping[str, Any] = {"$unset": {"pend": 1, "refused": 1}, "$rename": {KEPT_UNTIL: FORGET_AT}}
"""The update of a row that Kafka has acknowledged."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A service as the source of its messages. replies_to: the organisations that have a topic for its replies."""

    source: str
    replies_to: Collection[str] = frozenset()


def kept_a_day(microseconds: int) -> dict[str, datetime]:
    """The fields of a row that is kept for a day from this moment, in seconds since 1970."""
    return {KEPT_UNTIL: datetime.fromtimestamp(microseconds / 1_000_000, UTC) + ANSWER_KEPT}
