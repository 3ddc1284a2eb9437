"""The rules of a webhook: where it stands, when it is tried again, and when it is set aside."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from services.intake.domain.participant import Sealed
from shared.language.events import Organisation

WEBHOOKS = "webhooks"
"""Rows, one per organisation: address, sealed secret, position and what the last attempts came to."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 3600.0
SET_ASIDE_AFTER = timedelta(days=3)

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When one that has not failed is due."""

State = Literal["sending", "failing", "set_aside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One organisation's webhook, as its row says.

    put: names one putting; a sender that began before it changes nothing. after: the last number that was taken. tries:
    failures in a row. failing_since, next_at, aside_at: real time, UTC. last: what the last attempt came to.
    """

    organisation: Organisation
    address: str
    secret: Sealed
    put: str
    put_by: str
    after: int
    next_at: datetime
    tries: int = 0
    failing_since: datetime | None = None
    aside_at: datetime | None = None
    last: str | None = None

    @property
    def state(self) -> State:
        """Where it stands, in a word."""
        if self.aside_at is not None:
            return "set_aside"
        return "failing" if self.failing_since else "sending"


def row_of(webhook: Webhook) -> dict[str, Any]:
    """The row, without its key, which is the organisation."""
    names = ("address", "put", "put_by", "after", "next_at", "tries", "failing_since", "aside_at", "last")
    secret = webhook.secret
    sealed = {"key_id": secret.key_id, "wrapped_key": secret.wrapped_key, "ciphertext": secret.ciphertext}
    return {**{name: getattr(webhook, name) for name in names}, "secret": sealed}


def webhook_of(row: Any) -> Webhook:
    """The webhook that the row says."""
    said = {name: one for name, one in row.items() if name not in ("_id", "secret")}
    return Webhook(organisation=row["_id"], secret=Sealed(**row["secret"]), **said)


def pause_seconds(tries: int, jitter: float) -> float:
    """How long to wait after so many failures in a row: doubling from a second to an hour. jitter: 0 to 1.

    Between half of it and the whole, so that organisations that failed together do not return together.
    """
    whole = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 20))
    return whole * (0.5 + jitter / 2)


def taken(n: int, now: datetime) -> dict[str, Any]:
    """What a delivery changes in the row."""
    return {"after": n, "tries": 0, "failing_since": None, "next_at": now, "last": "taken"}


def failed(webhook: Webhook, came_to: str, now: datetime, jitter: float) -> dict[str, Any]:
    """What a failure changes in the row; after three days of failures the webhook is set aside."""
    tries, since = webhook.tries + 1, webhook.failing_since or now
    pause = timedelta(seconds=pause_seconds(tries, jitter))
    aside = now if now - since >= SET_ASIDE_AFTER else None
    return {
        "tries": tries,
        "failing_since": since,
        "next_at": now + pause,
        "last": came_to,
        "aside_at": aside,
    }
