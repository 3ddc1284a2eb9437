"""The thread that numbers what each organisation is told: 1, 2, 3 … in one sequence per organisation.

A command or a fold leaves its replies as rows of its own transaction, without a number. A counter there would let all
commands of one agency conflict. This thread takes rows away and keeps them as numbered changes, together with the head
of their sequence, in one transaction. So no number is skipped or given twice, however many processes try. A row that
becomes visible late gets a later number. What is told of one subject keeps its order: its transactions follow each
other, and rows are taken by an order key that never goes back within a subject.

After a restore the numbers go on above a floor, since the organisations may have read numbers that the restored
database does not know (`shared.runtime.restored`).

For an organisation with a topic, the same transaction puts the record into the outbox. All records of one organisation
have one ordered key, so that the topic holds the sequence in order.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from pymongo import ASCENDING, DeleteOne, IndexModel, InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.language.decision import Work
from shared.language.errors import Busy
from shared.language.events import Organisation
from shared.language.replies import REPLIES_TOPIC
from shared.runtime.messages import REPLIES, outbox_row
from shared.runtime.outgoing import kept_a_day
from shared.runtime.parts import Parts
from shared.runtime.relay import Leases
from shared.runtime.restored import FLOOR, SEQUENCES
from shared.runtime.transaction import transact
from shared.runtime.waking import Waking
from shared.telemetry.metrics import metric, tell

CHANGES = "changes"
"""What each organisation was told, by number.

The head of each sequence (`SEQUENCES`) holds `n`, the last number, and `ts`. Of an organisation with a webhook that is
not set aside it also holds `webhook`, which names the putting. `send_at` is there while something may be unsent: when
the webhook has its next turn, real time.
"""
KEPT_DAYS = 90
"""How long a change is kept, in real time."""
AT_ONCE = 500
LEASE = "sequences"
TELL_SECONDS = 5.0

INDEXES: Mapping[str, list[IndexModel]] = {
    # what has no number yet, in order
    REPLIES: [IndexModel([("ts", ASCENDING), ("_id", ASCENDING)])],
    CHANGES: [
        # GET /changes, and what a webhook sends next
        IndexModel([("organisation", ASCENDING), ("n", ASCENDING)]),
        # changes are forgotten after 90 days
        IndexModel([("kept_from", ASCENDING)], expireAfterSeconds=KEPT_DAYS * 24 * 3600),
    ],
    # webhooks that have something to be sent, the longest due first
    SEQUENCES: [IndexModel([("send_at", ASCENDING)], sparse=True)],
}

log = structlog.get_logger()
Row = Mapping[str, Any]


class Sequencing:
    """Numbers changes until told to stop. Several processes may run it at once; the holder of a lease works."""

    def __init__(self, parts: Parts) -> None:
        self.progressed_at = time.monotonic()
        self._parts = parts
        self._database = parts.client[parts.service.database]
        self._leases = Leases(parts.client, parts.service.database, [LEASE])
        self._waking = Waking(self._database[REPLIES], parts.stop)
        self._told_at = float("-inf")

    def run(self) -> None:
        """Number whatever comes, until told to stop."""
        while not self._parts.stop.is_set():
            try:
                if not self.look():
                    self._waking.wait(self.look)
                self._tell_age()
            except (Busy, PyMongoError) as error:
                log.warning("sequencing-failed", error=type(error).__name__)
                metric("journey_changes_unnumbered_seconds").unknown()
                self._parts.stop.wait(0.5)
            self.progressed_at = time.monotonic()
        try:
            self._leases.release()
        except PyMongoError as error:
            log.info("release-failed", error=type(error).__name__)

    def look(self) -> int:
        """Number what waits, at most AT_ONCE, if no other process does. Returns how many. Raises Busy, PyMongoError."""
        began = time.monotonic()
        if not self._leases.hold()[0] or self._database[REPLIES].find_one({}, {"_id": 1}) is None:
            return 0
        on_topic = self._parts.channels.fresh()
        count = transact(self._parts.client, numbering(self._database, on_topic, datetime.now(UTC)))
        if count:
            self._waking.worked(began)
            metric("journey_changes_total").inc(count)
        return count

    def _tell_age(self) -> None:
        if time.monotonic() - self._told_at < TELL_SECONDS:
            return
        self._told_at = time.monotonic()
        oldest = self._database[REPLIES].find_one({}, {"ts": 1}, sort=[("ts", ASCENDING)])
        age = 0.0 if oldest is None else max(0.0, time.time() - oldest["ts"] / 1e6)
        tell(metric("journey_changes_unnumbered_seconds"), age)


def numbering(
    database: Database[Any], on_topic: Collection[Organisation], now: datetime
) -> Callable[[ClientSession], int]:
    """What one transaction does: number the first rows, at most AT_ONCE. It returns how many; raises PyMongoError.

    on_topic: the organisations whose changes also go to their topic. now: real time, UTC.
    """

    def run(session: ClientSession) -> int:
        order = [("ts", ASCENDING), ("_id", ASCENDING)]
        waiting = list(database[REPLIES].find({}, sort=order, limit=AT_ONCE, session=session))
        if not waiting:
            return 0
        heads = _heads(database, [row["organisation"] for row in waiting], session)
        changes, records = [], []
        for row in waiting:
            head = heads[row["organisation"]]
            head["n"] += 1
            head["ts"] = max(int(now.timestamp() * 1e6), head["ts"] + 1)
            if "webhook" in head:
                # One that waits after a failure keeps its pause.
                head.setdefault("send_at", now)
            changes.append(InsertOne(_change(row, head["n"], now)))
            if row["organisation"] in on_topic:
                records.append(InsertOne(_record(row, head)))
        database[CHANGES].bulk_write(changes, ordered=True, session=session)
        if records:
            database["events"].bulk_write(records, ordered=False, session=session)
        kept = [ReplaceOne({"_id": name}, head, upsert=True) for name, head in heads.items()]
        database[SEQUENCES].bulk_write(kept, ordered=False, session=session)
        gone = database[REPLIES].bulk_write(
            [DeleteOne({"_id": row["_id"]}) for row in waiting], ordered=False, session=session
        )
        assert gone.deleted_count == len(waiting), (
            "the snapshot held them, and nobody else deleted them since"
        )
        return len(waiting)

    return run


def _heads(
    database: Database[Any], organisations: Sequence[Organisation], session: ClientSession
) -> dict[Organisation, dict[str, Any]]:
    """{organisation: its last number, and the last order key that it has in the outbox}, new ones among them.

    A number is that of the floor at least: what lies below may have been given before a restore.
    """
    wanted = {"_id": {"$in": [FLOOR, *Counter(organisations)]}}
    found = {row["_id"]: row for row in database[SEQUENCES].find(wanted, session=session)}
    floor = found.get(FLOOR, {"n": 0})["n"]
    heads = {one: found.get(one, {"n": 0, "ts": 0}) for one in organisations}
    return {one: {**head, "n": max(head["n"], floor)} for one, head in heads.items()}


def newest(work: Work, organisation: Organisation) -> int:
    """The number from which its sequence goes on: its last, or the floor that a restore has raised."""
    rows = (work.row(SEQUENCES, organisation), work.row(SEQUENCES, FLOOR))
    return max((row["n"] for row in rows if row is not None), default=0)


def _change(row: Row, n: int, now: datetime) -> dict[str, Any]:
    headers = row["headers"]
    return {
        "_id": f"{row['organisation']}:{n}",
        "organisation": row["organisation"],
        "n": n,
        "id": headers["ce_id"],
        "subject": headers["ce_subject"],
        "kind": headers["ce_type"],
        "at": headers["ce_time"],
        "body": row["body"],
        "kept_from": now,
    }


def _record(row: Row, head: Row) -> dict[str, Any]:
    organisation, order = row["organisation"], head["ts"]
    headers = {**row["headers"], "ce_sequence": str(head["n"])}
    topic = REPLIES_TOPIC.format(organisation=organisation)
    record = outbox_row(topic, organisation, order, headers, row["body"]) | kept_a_day(order)
    return {"_id": f"change/{organisation}:{head['n']}", **record}
