"""What becomes of an outgoing row once Kafka has it. Events stay for good, a reply for a day.

A reply is kept in its organisation's sequence. An index forgets by FORGET_AT, which only a published row has, so that
nothing unpublished is ever forgotten.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

REPLY_KEPT = timedelta(days=1)
KEPT_UNTIL, FORGET_AT = "kept_until", "forget_at"
"""Until when a row is needed; the same once it is published."""
PUBLISHED: Mapping[str, Any] = {"$unset": {"pend": 1, "refused": 1}, "$rename": {KEPT_UNTIL: FORGET_AT}}
"""The update of a row that Kafka has acknowledged."""


def kept_a_day(microseconds: int) -> dict[str, datetime]:
    """The fields of a row that is kept for a day from this moment, in seconds since 1970."""
    return {KEPT_UNTIL: datetime.fromtimestamp(microseconds / 1_000_000, UTC) + REPLY_KEPT}
