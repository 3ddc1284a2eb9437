"""A hash chain over the audit of reads: each seal covers a bounded batch of rows and names the seal before it.

A row is sealed once it is older than the grace period, which is longer than the slowest insert. An administrator who
changes, removes or adds a sealed row breaks the chain, and `verify` names the first faulty batch. If somebody removes
the newest seals together with their rows, only a later hash kept elsewhere shows it. So each hash is logged, and the
sealer remembers the last one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from shared.runtime.reads import READS, SEALS, audit_database, moment_of

GRACE_SECONDS = 20.0
BATCH = 1000
SEALS_AT_ONCE = 200
"""Seals that one call of `verify` walks over: 200,000 rows at most."""

Fault = Literal[
    "a seal is missing", "a seal was altered", "rows are missing", "rows were added", "rows were altered"
]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a walk over part of the chain.

    through: the last seal that holds; hash: its hash. fault: what is wrong with the seal after it; None while all
    holds. since, until: the moments between which the faulty rows lie. more: whether seals follow that were not
    walked over.
    """

    seals: int
    rows: int
    through: int
    hash: str
    fault: Fault | None
    since: datetime | None
    until: datetime | None
    more: bool


class Seals:
    """Seals one service's rows, and walks the chain. Blocks; raises PyMongoError; a retry is safe."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], database: str, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        kept = client[audit_database(database)]
        self._grace = timedelta(seconds=grace_seconds)
        self._seals = kept.get_collection(SEALS, read_concern=ReadConcern("majority"))
        self._rows = kept.get_collection(
            READS,
            codec_options=CodecOptions(document_class=RawBSONDocument),
            read_concern=ReadConcern("majority"),
        )

    def seal(self, now: datetime) -> dict[str, Any] | None:
        """Seal the next batch that is old enough. Returns the seal; None when there is none, or another was first."""
        head = self._seals.find_one(sort=[("_id", DESCENDING)])
        after = head["upto"] if head else ""
        until = key_before(now - self._grace)
        rows = list(
            self._rows.find({"_id": {"$gt": after, "$lt": until}}, sort=[("_id", ASCENDING)], limit=BATCH)
        )
        if not rows:
            return None
        seal: dict[str, Any] = {
            "_id": head["_id"] + 1 if head else 1,
            "previous": head["hash"] if head else "",
            "after": after,
            "upto": rows[-1]["_id"],
            "rows": len(rows),
            "digest": _digest(rows),
            "sealed_at": now.isoformat(),
        }
        seal["hash"] = _hash(seal)
        try:
            self._seals.insert_one(seal)
        except DuplicateKeyError:
            return None
        return seal

    def settled(self, after: str, now: datetime, limit: int) -> list[Mapping[str, Any]]:
        """Key, reader and subject of the next rows after the key `after`. No row can still be inserted before them."""
        until = key_before(now - self._grace)
        shown = {"person": 1, "organisation": 1, "subject": 1}
        span = {"_id": {"$gt": after, "$lt": until}}
        return list(self._rows.find(span, shown, sort=[("_id", ASCENDING)], limit=limit))

    def head(self) -> tuple[int, str] | None:
        """Number and hash of the newest seal."""
        found = self._seals.find_one(sort=[("_id", DESCENDING)])
        return (found["_id"], found["hash"]) if found else None

    def holds(self, number: int, known_hash: str) -> bool:
        """Whether the seal of that number still has this hash."""
        return self._seals.find_one({"_id": number, "hash": known_hash}, {"_id": 1}) is not None

    def unsealed_seconds(self, now: datetime) -> float:
        """The age of the oldest row that no seal covers yet, in seconds; 0 when there is none."""
        head = self._seals.find_one(sort=[("_id", DESCENDING)])
        after = head["upto"] if head else ""
        oldest = self._rows.find_one({"_id": {"$gt": after}}, sort=[("_id", ASCENDING)])
        return 0.0 if oldest is None else max(0.0, (now - moment_of(oldest["_id"])).total_seconds())

    def verify(self, after: int, limit: int = SEALS_AT_ONCE) -> Found:
        """Check the seals after number `after`, at most `limit`, up to the first that does not hold."""
        before = self._seals.find_one({"_id": after})
        if after and before is None:
            return Found(0, 0, after, "", "a seal is missing", None, None, more=False)
        through, last_hash, upto = after, before["hash"] if before else "", before["upto"] if before else ""
        rows = 0
        walked = list(self._seals.find({"_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=limit + 1))
        for seal in walked[:limit]:
            fault = self._fault(seal, through, last_hash, upto)
            if fault is not None:
                since = moment_of(upto) if upto else None
                until = moment_of(seal["upto"]) if fault.startswith("rows") else None
                return Found(through - after, rows, through, last_hash, fault, since, until, more=False)
            through, last_hash, upto = seal["_id"], seal["hash"], seal["upto"]
            rows += seal["rows"]
        return Found(through - after, rows, through, last_hash, None, None, None, more=len(walked) > limit)

    def _fault(self, seal: Mapping[str, Any], through: int, last_hash: str, upto: str) -> Fault | None:
        if seal["_id"] != through + 1:
            return "a seal is missing"
        if seal["previous"] != last_hash or seal["after"] != upto or seal["hash"] != _hash(seal):
            return "a seal was altered"
        covered = list(
            self._rows.find(
                {"_id": {"$gt": seal["after"], "$lte": seal["upto"]}},
                sort=[("_id", ASCENDING)],
                limit=seal["rows"] + 1,
            )
        )
        if len(covered) < seal["rows"]:
            return "rows are missing"
        if len(covered) > seal["rows"]:
            return "rows were added"
        return None if _digest(covered) == seal["digest"] else "rows were altered"


def key_before(moment: datetime) -> str:
    """A key that sorts before every row of that moment."""
    return f"{int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)):016x}"


def _digest(rows: Iterable[Any]) -> str:
    """SHA-256 over the rows' BSON bytes, each of which begins with its length."""
    found = hashlib.sha256()
    for row in rows:
        found.update(row.raw)
    return found.hexdigest()


def _hash(seal: Mapping[str, Any]) -> str:
    said = [seal[name] for name in ("_id", "previous", "after", "upto", "rows", "digest", "sealed_at")]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
