"""The status of one service, on one page: whether an operator is needed, and where.

Everything comes from the service's own database, so the status can be read even when every consumer is down. The
reports of its processes are then old, and the status says so.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.database import Database

from shared.operations.parked import REASONS, WITHHELD, scrubbed, shown_subject
from shared.operations.rebuild import UNDER_WAY
from shared.runtime.clock import Clock
from shared.runtime.groups import Group
from shared.runtime.messages import SHARDS
from shared.runtime.progress import PENDING, outbox_age_seconds
from shared.runtime.quarantine import quarantined_keys

SILENT_SECONDS = 30.0
"""A process without a report for this long counts as silent. It is longer than Kafka may delay a measurement."""
MOST_COUNTED = 100_000
MOST_KEYS = 50


class Status:
    """Reads how one service stands. Blocks; a retry is safe. Counts go no further than 100,000.

    kafka: the addresses at which the service looks for the brokers, as configured.
    """

    def __init__(
        self, database: Database[Any], groups: Mapping[str, Group], clock: Clock, kafka: Sequence[str]
    ) -> None:
        self._database = database
        self._groups = groups
        self._clock = clock
        self._kafka = list(kafka)

    def read(self, at: datetime) -> dict[str, Any]:
        """Everything. at: now, real time, UTC. Raises PyMongoError."""
        processes = list(self._database["processes"].find(sort=[("group", ASCENDING), ("_id", ASCENDING)]))
        business = self._clock.now()
        due = {"due": {"$lte": business}}
        timers = self._database["timers"]
        oldest = timers.find_one(due, {"due": 1}, sort=[("due", ASCENDING)])
        return {
            "at": at.isoformat(),
            "clock": business.isoformat(),
            "kafka": self._kafka,
            "groups": [
                self._group(name, [one for one in processes if one["group"] == name], at)
                for name in self._groups
            ],
            "outbox": {
                "pending": self._database["events"].count_documents(PENDING, limit=MOST_COUNTED),
                "oldest_seconds": round(outbox_age_seconds(self._database, at.timestamp()), 1),
                "leases": self._leases(at),
                "refused": [
                    _quarantined(one) for one in quarantined_keys(self._database, SHARDS)[:MOST_KEYS]
                ],
            },
            "timers": {
                "due": timers.count_documents(due, limit=MOST_COUNTED),
                "oldest_seconds": _seconds(business, oldest["due"]) if oldest else 0.0,
                "planned": timers.estimated_document_count(),
            },
        }

    def _group(self, name: str, processes: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, Any]:
        parked = self._database["parked"]
        condition = {"group": name, "reason": "waiting"}
        oldest = parked.find_one(condition, {"at": 1}, sort=[("at", ASCENDING)])
        asked = self._database["asked"].find({"group": name, "times": {"$gt": 0}}, limit=MOST_COUNTED)
        told = [_process(one, at) for one in processes]
        heard = [one for one in told if not one["silent"]]
        lags = [one["lag"] for one in heard if one["lag"] is not None]
        return {
            "group": name,
            "lag": max(lags) if lags else None,
            "waiting": self._count(name, "waiting"),
            "poison": self._count(name, "poison"),
            "blocked": self._count(name, "blocked"),
            "unreadable": self._count(name, "unreadable"),
            "wait_oldest_seconds": _seconds(at, oldest["at"]) if oldest else 0.0,
            "requests_open": sum(1 for _ in asked),
            "rebuild": self._rebuild(name),
            "processes": told,
        }

    def _rebuild(self, group: str) -> dict[str, Any] | None:
        found = self._database["rebuilds"].find_one({"_id": group, "state": {"$in": list(UNDER_WAY)}})
        if found is None:
            return None
        percent = found["progress"]["percent"] if found["progress"] else 0.0
        return {"run": found["run"], "state": found["state"], "percent": percent, "halted": found["halted"]}

    def _count(self, group: str, reason: str) -> int:
        assert reason in REASONS, reason
        condition = {"group": group, "reason": reason}
        return self._database["parked"].count_documents(condition, limit=MOST_COUNTED)

    def _leases(self, at: datetime) -> list[dict[str, Any]]:
        found = {
            row["_id"]: row for row in self._database["leases"].find({"_id": {"$in": list(range(SHARDS))}})
        }
        return [_lease(shard, found.get(shard, {}), at) for shard in range(SHARDS)]


def _quarantined(key: Mapping[str, Any]) -> dict[str, Any]:
    """A quarantined key, without a participant's handle."""
    subject = shown_subject(key["subject"])
    event = key["event"] if subject == key["subject"] else WITHHELD
    return {**key, "subject": subject, "event": event, "error": scrubbed(key["error"] or "") or None}


def _lease(shard: int, row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    until = row.get("until")
    held = bool(row.get("owner")) and until is not None and until > at
    return {
        "shard": shard,
        "holder": row.get("owner") if held else None,
        "until": until.isoformat() if held and until else None,
    }


def _process(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    age = _seconds(at, row["at"])
    halted = row["halted"]
    return {
        "process": row["_id"],
        "role": row["role"],
        "host": row["host"],
        "pid": row["pid"],
        "heard_seconds": age,
        "silent": age > SILENT_SECONDS,
        "lag": row["lag"],
        "trouble": (row.get("unanswered") or {}).get("kafka"),
        "stuck": row["stuck"],
        "failing": row["failing"],
        "halted": None if halted is None else _halted(halted),
    }


def _halted(halt: Mapping[str, Any]) -> dict[str, Any]:
    log = halt.get("log")
    return {
        "cause": scrubbed(halt["cause"]),
        "cure": scrubbed(halt["cure"]),
        "over": None if log is None else {"group": log["group"], "topic": log["topic"]},
    }


def _seconds(now: datetime, then: datetime) -> float:
    return round(max(0.0, (now - then).total_seconds()), 1)
