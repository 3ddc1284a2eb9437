"""Looks at a stack from outside: MongoDB as administrator, the services' own log lines, the kernel's accounts."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from services.activity_tracking.app import SERVICE as ACTIVITY_TRACKING
from services.handover.app import SERVICE as HANDOVER
from services.intake.app import SERVICE as INTAKE
from services.outcome.app import SERVICE as OUTCOME
from shared.language.events import TOPICS
from shared.runtime.fold import kinds_followed
from shared.runtime.messages import REPLIES, SHARDS
from shared.runtime.parts import consumed_topics
from tests.chaos.figures import cell_of
from tests.chaos.invariants import Group, Idle, Kept
from tests.chaos.log import link

SERVICES = (INTAKE, ACTIVITY_TRACKING, HANDOVER, OUTCOME)
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MEGABYTES = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True, slots=True)
class Consuming:
    """One consuming group: its database, the collection of its states, its topics, the source it does not consume.

    kinds: of the subjects that it follows.
    """

    group: str
    database: str
    collection: str
    own: str | None
    topics: tuple[str, ...]
    kinds: frozenset[str]


CONSUMING: tuple[Consuming, ...] = tuple(
    [
        Consuming(
            one.source,
            one.database,
            one.repository.collection,
            one.source,
            tuple(consumed_topics(one, None)),
            kinds_followed(one.folds),
        )
        for one in SERVICES
    ]
    + [
        Consuming(
            more.group,
            one.database,
            more.repository.collection,
            None,
            tuple(consumed_topics(one, more)),
            kinds_followed(more.folds),
        )
        for one in SERVICES
        for more in one.projections.values()
    ]
)


def consuming(group: str) -> Consuming:
    """The consuming group of that name."""
    return next(one for one in CONSUMING if one.group == group)


def groups(mongo: MongoClient[dict[str, Any]]) -> list[Group]:
    """What each consuming group keeps now."""
    found = []
    for one in CONSUMING:
        database = mongo[one.database]
        fields = {"in": 1, "chain": 1, "waits": 1, "blocked": 1}
        kept = {
            row["_id"]: Kept(row["in"], row.get("chain"), row["waits"], row["blocked"])
            for row in database[one.collection].find({}, fields)
        }
        parked = Counter(
            row["reason"] for row in database["parked"].find({"group": one.group}, {"reason": 1})
        )
        found.append(Group(one.group, one.own, kept, one.kinds, parked))
    return found


def emitted(mongo: MongoClient[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, int]]:
    """{(subject, source): (how many events the archive holds, their chain)}, of journey topics."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    topics = list(TOPICS.values())
    for one in SERVICES:
        fields = {"key": 1, "body": 1, "headers.ce_id": 1}
        rows = mongo[one.database]["events"].find({"topic": {"$in": topics}}, fields, sort=[("_id", 1)])
        for row in rows:
            count, chain = found.get((row["key"], one.source), (0, 0))
            following = link(chain, row["headers"]["ce_id"].encode(), row["body"])
            found[row["key"], one.source] = (count + 1, following)
    return found


def pending(mongo: MongoClient[dict[str, Any]], before: int | None = None) -> dict[str, int]:
    """Unpublished rows by service, and replies without a number. before: only those with an order key up to it, in
    microseconds.
    """
    until: dict[str, Any] = {} if before is None else {"ts": {"$lte": before}}
    outbox = {"pend": {"$in": list(range(SHARDS))}, **until}
    return {
        one.source: mongo[one.database]["events"].count_documents(outbox)
        + mongo[one.database][REPLIES].count_documents(until)
        for one in SERVICES
    }


def waiting(mongo: MongoClient[dict[str, Any]]) -> int:
    """Events that wait for an earlier one, in all groups."""
    return sum(mongo[one.database]["parked"].count_documents({"reason": "waiting"}) for one in SERVICES)


def clock(mongo: MongoClient[dict[str, Any]], database: str) -> datetime:
    """The business moment of a service."""
    document = mongo[database]["clock"].find_one({"_id": "clock"})
    return document["at"] if document else datetime.now(UTC)


def timers_due(mongo: MongoClient[dict[str, Any]]) -> int:
    """Timers past their time, in all services."""
    return sum(
        mongo[one.database]["timers"].count_documents({"due": {"$lte": clock(mongo, one.database)}})
        for one in SERVICES
    )


def timers(mongo: MongoClient[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """{(subject, command): timers that wait}."""
    return Counter(
        (row["subject"], row["command"]) for one in SERVICES for row in mongo[one.database]["timers"].find()
    )


def cells(mongo: MongoClient[dict[str, Any]]) -> Counter[str]:
    """The live figures, as they are now and by days, summed over their shards: {`programme|cell`: n}."""
    sums: Counter[str] = Counter()
    for row in mongo["outcome"]["cells"].find():
        sums[cell_of(row["key"], "n")] += int(row["n"])
    for row in mongo["outcome"]["day_cells"].find():
        for code, amount in row["n"].items():
            sums[cell_of(row["key"], code)] += int(amount)
    return sums


def genders(mongo: MongoClient[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What the projector adds to an event from outcome's own entries, by journey."""
    return {row["_id"]: row for row in mongo["outcome"]["entries"].find()}


def note(values: list[int], value: int) -> None:
    """Keep the newest value, and every one that lies on either side of a decrease."""
    falls = values and value < values[-1]
    fell = len(values) > 1 and values[-2] > values[-1]
    if values and not falls and not fell:
        values[-1] = value
    else:
        values.append(value)


class Offsets:
    """Follows every stored offset from now on, and who took the partitions over.

    values: the newest of each, and those on either side of a decrease.
    """

    def __init__(self, uri: str) -> None:
        self.values: defaultdict[str, list[int]] = defaultdict(list)
        self.holders: defaultdict[str, set[bytes]] = defaultdict(set)
        self._client: MongoClient[dict[str, Any]] = MongoClient(uri, tz_aware=True)
        self._stop = threading.Event()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="offsets", daemon=True)
        self._thread.start()
        self._opened.wait(20)

    def _follow(self) -> None:
        pipeline = [
            {"$match": {"ns.coll": "offsets", "operationType": {"$in": ["insert", "update", "replace"]}}}
        ]
        after: Any = None
        while not self._stop.is_set():
            try:
                with self._client.watch(pipeline, resume_after=after, max_await_time_ms=300) as stream:
                    self._opened.set()
                    while not self._stop.is_set():
                        change = stream.try_next()
                        after = stream.resume_token
                        if change is not None:
                            self._take(change)
            except PyMongoError:
                self._stop.wait(0.3)

    def _take(self, change: Mapping[str, Any]) -> None:
        name = f"{change['ns']['db']}/{change['documentKey']['_id']}"
        fields = change.get("fullDocument") or change["updateDescription"]["updatedFields"]
        if "next" in fields:
            note(self.values[name], fields["next"])
        if fields.get("holder") is not None:
            self.holders[name].add(bytes(fields["holder"]))

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(5)
        self._client.close()


class Lines:
    """What the services' own logs say was applied, and which timers fired; read on from where it left off."""

    def __init__(self, folder: Path) -> None:
        self.applied: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
        self.fired: Counter[tuple[str, str]] = Counter()
        self._folder = folder
        self._read: dict[Path, int] = {}

    def read(self) -> None:
        """Take in the lines that were written since."""
        for path in sorted(self._folder.glob("*-*.log")):
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                for raw in file:
                    if raw.endswith(b"\n"):
                        self._read[path] = self._read.get(path, 0) + len(raw)
                        self._take(path.stem, raw)

    def _take(self, process: str, raw: bytes) -> None:
        if b'"applied"' not in raw and b"timer-fired" not in raw:
            return
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return
        if line.get("event") == "applied":
            self.applied[process].append((line["subject"], line["of"], line["seq"]))
        elif line.get("event") == "timer-fired":
            self.fired[line["subject"], line["command"]] += 1


def idle(running: Mapping[str, int], seconds: float) -> list[Idle]:
    """What each process group (name: leader's id) takes of a core, and holds of memory, over so many seconds."""
    before = {name: _taken(leader) for name, leader in running.items()}
    threading.Event().wait(seconds)
    found = []
    for name, leader in running.items():
        ticks, megabytes = _taken(leader)
        found.append(Idle(name, (ticks - before[name][0]) / TICKS / seconds, megabytes))
    return found


def _taken(leader: int) -> tuple[int, float]:
    """Ticks and the largest member's resident megabytes of a process group."""
    ticks, megabytes = 0, 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            ticks += int(fields[11]) + int(fields[12])
            megabytes = max(megabytes, int(fields[21]) * PAGE_MEGABYTES)
    return ticks, megabytes


def order_now() -> int:
    """An order key of this moment, in microseconds."""
    return int(datetime.now(UTC).timestamp() * 1e6)


def names(rows: Sequence[Any]) -> str:
    """The first few, for a message."""
    return ", ".join(str(one) for one in rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
