"""The unit of work and the commands on a real MongoDB keep what the fakes keep: the same checks."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from shared.runtime.messages import REPLIES
from shared.runtime.published import Published
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from tests.support.toy import ToyRepository
from tests.support.toybench import Bench, bench
from tests.support.work_suite import CHECKS, Backend

__all__ = ["bench"]


class InMongo:
    """Satisfies `Backend`, in the bench's own database."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.commands = bench.commands()

    def unit(self, decide: Callable[[Any], Any]) -> Any:
        def work(session: ClientSession) -> Any:
            db = self._bench.db
            unit = Unit(
                db,
                session,
                ToyRepository(),
                Published(db),
                "outcome",
                lambda: datetime.now(UTC),
            )
            found = decide(unit)
            unit.flush()
            return found

        return transact(self._bench.client, work)

    def sums(self, collection: str, key: str) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        for row in self._bench.db[collection].find({"key": key}, {"_id": 0, "key": 0, "shard": 0}):
            found.update(row)
        return dict(found)

    def replies(self) -> list[str]:
        return [row["organisation"] for row in self._bench.db[REPLIES].find(sort=[("ts", 1)])]

    def timers(self) -> Mapping[str, Any]:
        return {row["_id"]: row["due"] for row in self._bench.db["timers"].find()}

    def event_count(self) -> int:
        return int(self._bench.db["events"].count_documents({"topic": "journey.outcome.v1"}))

    def asked_by(self) -> list[str | None]:
        return [
            row["headers"].get("ce_organisation") for row in self._bench.db["events"].find(sort=[("ts", 1)])
        ]


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_the_real_one_keeps_it(bench: Bench, check: Callable[[Backend], None]) -> None:
    check(InMongo(bench))
