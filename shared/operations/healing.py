"""Healing: for a wait older than a minute, the missing event is found and requested.

An event waits because an event before it has not been applied here. Usually that event is on its way, and nothing is
done. The healer notes the log's end when it first sees the wait. If the group has read that far and the wait remains,
the log lacks the event. Then its source is asked to republish it, less and less often.

The healer also applies an event whose causes have all been applied (two processes each saw half of it). It does the
same for a subject whose state was unreadable, once it can be read.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import structlog
from confluent_kafka import KafkaException
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, PyMongoError

from shared.language.decision import Subject, key_of
from shared.language.errors import Busy, Halt
from shared.language.events import PROGRAMMES_TOPIC, TOPICS
from shared.operations.control import request
from shared.operations.missing import Missing, missing
from shared.operations.parked import as_waiting, known_programmes
from shared.runtime.groups import Group
from shared.runtime.progress import Progress
from shared.runtime.staged import read
from shared.runtime.transaction import transact
from shared.telemetry.metrics import metric

WAIT_SECONDS = 60.0
LOOK_SECONDS = 5.0
LONGEST_SECONDS = 3600.0
AT_ONCE = 500
"""Old waits looked at each time; the next look goes on where this one ended."""

log = structlog.get_logger()


class Healer:
    """Heals the waits of one group, in one thread; several may run.

    drain: applies the ready events of one subject; returns how many. wait_seconds: how old a wait has to be.
    """

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        asking: str,
        group: Group,
        progress: Progress,
        drain: Callable[[Subject], int],
        stop: Event,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.progressed_at = time.monotonic()
        self._client = client
        self._database = client[database]
        self._asking = asking
        self._group = group
        self._progress = progress
        self._drain = drain
        self._stop = stop
        self._wait_seconds = wait_seconds
        self._after = datetime.min.replace(tzinfo=UTC)

    def run(self) -> None:
        """Look every few seconds until told to stop."""
        while not self._stop.wait(min(LOOK_SECONDS, self._wait_seconds)):
            try:
                self.look(datetime.now(UTC))
            except (Busy, Halt, PyMongoError, KafkaException) as error:
                log.warning("healing-failed", group=self._group.name, error=type(error).__name__)
            self.progressed_at = time.monotonic()

    def look(self, now: datetime) -> None:
        """Notice old waits, request what they lack, and count the healed. Raises PyMongoError, KafkaException."""
        self._count_healed()
        waits = self._old_waits(now)
        unreadable = {subject for subject, rows in waits.items() if any(map(_is_unreadable, rows))}
        for readable in self._readable_again(unreadable):
            self._fold(readable)
        states = self._states(waits.keys() - unreadable)
        wanted: set[Missing] = set()
        for subject, rows in waits.items():
            state = states.get(subject)
            # A document that lacks what the runtime keeps in it cannot be read: it waits for a release that can.
            if state is None or state.get("blocked") or "in" not in state:
                continue
            lacking = missing(
                subject,
                map(as_waiting, rows),
                state["in"],
                own_source=self._group.own_source,
                programmes=known_programmes(self._database, rows),
            )
            if not lacking:
                self._fold(Subject(subject))
            wanted |= lacking
        if wanted:
            self._want(wanted, now)

    def _states(self, subjects: Collection[str]) -> dict[str, Mapping[str, Any]]:
        found = self._database[self._group.repository.collection].find(
            {"_id": {"$in": list(subjects)}}, {"in": 1, "blocked": 1}
        )
        return {state["_id"]: state for state in found}

    def _readable_again(self, subjects: Collection[str]) -> list[Subject]:
        """The subjects whose stored states this release can read."""
        if not subjects:
            return []
        repository = self._group.repository
        found = self._database[repository.collection].find({"_id": {"$in": list(subjects)}})
        return [Subject(one["_id"]) for one in found if not read(one, repository).unreadable]

    # --- what waits -------------------------------------------------------------------------------

    def _old_waits(self, now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The parked events of the subjects that have waited long; of a bounded number of subjects at once."""
        condition = {
            "group": self._group.name,
            "reason": {"$in": ["waiting", "unreadable"]},
            "at": {"$gt": self._after, "$lt": now - timedelta(seconds=self._wait_seconds)},
        }
        found = list(
            self._database["parked"].find(condition, {"subject": 1, "at": 1}, sort=[("at", 1)], limit=AT_ONCE)
        )
        whole = len(found) < AT_ONCE
        self._after = datetime.min.replace(tzinfo=UTC) if whole else found[-1]["at"]
        subjects = list({row["subject"] for row in found})
        if not subjects:
            return {}
        rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        of_subjects = {"group": self._group.name, "subject": {"$in": subjects}}
        for row in self._database["parked"].find(of_subjects, {"value": 0}):
            rows[row["subject"]].append(row)
        return rows

    def _fold(self, subject: Subject) -> None:
        drained = self._drain(subject)
        metric("journey_waits_healed_total", group=self._group.name).inc(drained)
        log.warning("drained", group=self._group.name, events=drained)

    # --- what is asked for ------------------------------------------------------------------------

    def _want(self, wanted: Collection[Missing], now: datetime) -> None:
        ids = [self._id(one) for one in wanted]
        known = {row["_id"]: row for row in self._asked().find({"_id": {"$in": ids}})}
        fresh = [one for one in wanted if self._id(one) not in known]
        if fresh:
            known |= self._notice(fresh, now)
        applied = self._progress.applied()
        for one in wanted:
            row = known.get(self._id(one))
            if row and row["next_at"] <= now and all(applied.get(at, 0) >= end for at, end in row["ends"]):
                self._ask(one, row["times"], now)

    def _notice(self, fresh: Sequence[Missing], now: datetime) -> dict[str, dict[str, Any]]:
        """Note where the log ends, so that an event on its way is not requested."""
        topics = {_topic(one) for one in fresh}
        ends = self._progress.ends(sorted(topics))
        noticed: dict[str, dict[str, Any]] = {
            self._id(one): {
                "_id": self._id(one),
                "group": self._group.name,
                "source": one.source,
                "subject": one.subject,
                "seq": one.seq,
                "ends": [[at, end] for at, end in ends.items() if at.startswith(f"{_topic(one)}:")],
                "times": 0,
                "at": now,
                "next_at": now,
            }
            for one in fresh
        }
        try:
            self._asked().insert_many(list(noticed.values()), ordered=False)
        except BulkWriteError:
            # Another process of the group noticed some of them too; the next look reads what is stored.
            return {}
        return noticed

    def _ask(self, one: Missing, times: int, now: datetime) -> None:
        """Put the request into the outbox, once among all processes of the group."""
        again = now + timedelta(seconds=min(LONGEST_SECONDS, self._wait_seconds * 2**times))

        def work(session: ClientSession) -> bool:
            mine = self._asked().update_one(
                {"_id": self._id(one), "times": times},
                {"$set": {"times": times + 1, "next_at": again}},
                session=session,
            )
            if mine.matched_count:
                row = request(self._asking, self._group.name, one, times + 1, now)
                self._database["events"].insert_one(row, session=session)
            return bool(mine.matched_count)

        if transact(self._client, work):
            metric("journey_republish_requests_total", group=self._group.name).inc()
            log.warning(
                "republish-requested", group=self._group.name, of=one.source, seq=one.seq, times=times + 1
            )

    def _count_healed(self) -> None:
        """Forget waits that have ended, whoever ended them; those with a request count as healed."""
        rows = list(self._asked().find({"group": self._group.name}, sort=[("at", 1)], limit=AT_ONCE))
        if not rows:
            return
        states = self._states({row["subject"] for row in rows})
        programmes = known_programmes(self._database, [{"needs": key_of(row["subject"])} for row in rows])
        come = [row for row in rows if _has_come(row, states, programmes)]
        for asked in (True, False):
            ids = [row["_id"] for row in come if bool(row["times"]) == asked]
            gone = self._asked().delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0
            if asked and gone:
                metric("journey_waits_healed_total", group=self._group.name).inc(gone)
                log.warning("waits-healed", group=self._group.name, waits=gone)

    def _asked(self) -> Any:
        return self._database["asked"]

    def _id(self, one: Missing) -> str:
        return f"{self._group.name}|{one.source}|{one.subject}|{one.seq}"


def _is_unreadable(row: Mapping[str, Any]) -> bool:
    return bool(row["reason"] == "unreadable")


def _has_come(
    row: Mapping[str, Any], states: Mapping[str, Mapping[str, Any]], programmes: Container[str]
) -> bool:
    if row["subject"].startswith("programme/"):
        return key_of(row["subject"]) in programmes
    state = states.get(row["subject"])
    # A document that lacks what the runtime keeps in it has nothing that came.
    return state is not None and state.get("in", {}).get(row["source"], 0) >= row["seq"]


def _topic(one: Missing) -> str:
    return PROGRAMMES_TOPIC if one.subject.startswith("programme/") else TOPICS[one.source]  # type: ignore[index]
