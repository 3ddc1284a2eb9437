"""The audit of operators: person, time, reason and outcome. Each change adds a row; no service may alter one."""

from collections.abc import Mapping
from typing import Any

from pymongo import DESCENDING, MongoClient

from shared.language.decision import Skip
from shared.operations.parked import read_cursor, scrubbed, shown_subject, write_cursor
from shared.runtime.reads import OPERATORS, audit_database


class AuditRows:
    """Reads the audit rows of one service. Blocks; a retry is safe."""

    def __init__(self, client: MongoClient[dict[str, Any]], database: str) -> None:
        self._rows = client[audit_database(database)][OPERATORS]

    def page(self, *, after: str | Skip | None, limit: int) -> dict[str, Any]:
        """A page, the latest first. Raises Refused for a cursor that is none."""
        condition: dict[str, Any] = {}
        skip = after.rows if isinstance(after, Skip) else 0
        if after is not None and not isinstance(after, Skip):
            moment, identity = read_cursor(after)
            condition["$or"] = [{"at": {"$lt": moment}}, {"at": moment, "_id": {"$lt": identity}}]
        found = list(
            self._rows.find(condition, sort=[("at", DESCENDING), ("_id", DESCENDING)], skip=skip, limit=limit)
        )
        return {
            "audit": [_shown(row) for row in found],
            "next_cursor": write_cursor(found[-1]) if len(found) == limit else None,
        }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": row["at"].isoformat(),
        "person": row["person"],
        "organisation": row["organisation"],
        "did": row["did"],
        "subject": shown_subject(row["subject"]),
        "reason": scrubbed(row["reason"]),
        "came_to": row["came_to"],
    }
