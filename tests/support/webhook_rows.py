"""Rows of webhooks, sequences and changes, as intake writes them, in a bench's own database."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.intake.domain.webhook import AT_ONCE, WEBHOOKS, Webhook, row_of, webhook_of
from services.intake.sequencing import CHANGES
from shared.runtime.restored import SEQUENCES
from tests.support.intake_work import VAULT
from tests.support.toybench import Bench

SECRET = b"s" * 32
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@dataclass
class Time:
    """A clock that a test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def told(bench: Bench, organisation: str, count: int) -> None:
    """A sequence of so many changes."""
    for n in range(1, count + 1):
        row = {"organisation": organisation, "n": n, "id": f"intake:{n}", "subject": "journey/j", "kind": "k"}
        bench.db[CHANGES].insert_one(
            {"_id": f"{organisation}:{n}", **row, "at": "2026", "body": b'{"stage":"received"}'}
        )
    bench.db[SEQUENCES].update_one({"_id": organisation}, {"$set": {"n": count, "ts": 0}}, upsert=True)


def put(bench: Bench, organisation: str, address: str, *, due: bool = True) -> Webhook:
    """A webhook that was just put. due: False for one that had its first turn and is idle."""
    sealed = VAULT.seal_secret(organisation, SECRET)
    webhook = Webhook(
        organisation=organisation,
        address=address,
        secret=sealed,
        put="w-1",
        put_by="somebody",
        after=0,
        next_at=AT_ONCE,
    )
    bench.db[WEBHOOKS].replace_one({"_id": organisation}, row_of(webhook), upsert=True)
    head = {"webhook": webhook.put, **({"send_at": AT_ONCE} if due else {})}
    begun = {"$set": head, "$setOnInsert": {"n": 0, "ts": 0}}
    bench.db[SEQUENCES].update_one({"_id": organisation}, begun, upsert=True)
    return webhook


def kept(bench: Bench, organisation: str = "af") -> Webhook:
    """The webhook as it stands."""
    return webhook_of(bench.db[WEBHOOKS].find_one({"_id": organisation}))
