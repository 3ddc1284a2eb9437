"""An operator accepts a replaced topic: the group reads it from where it begins now.

Only the topic over which a process has halted can be accepted, and only as that process saw it: this id, these
partitions, these beginnings. The group applies nothing twice, because it knows every event by its number. Events that
the new log lacks must be republished from their emitter's archive.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.language.errors import Conflict, Unknown
from shared.operations.status import SILENT_SECONDS
from shared.runtime.kafka import Partition
from shared.runtime.topic_identity import offset_id


class Acceptance:
    """Moves a halted group's offsets to where the log begins now."""

    def __init__(self, database: Database[Any]) -> None:
        self._database = database

    def accept(self, session: ClientSession, group: str, topic: str) -> dict[str, Any]:
        """Move the group's offsets to where the topic begins; halted processes read on from there after a restart.

        Returns the moves. Raises Unknown when the group has read no such topic. Raises Conflict when no reporting
        process has halted over it, or it was accepted already.
        """
        read = {"_id": {"$gte": f"{group}:{topic}:", "$lt": f"{group}:{topic};"}}
        if self._database["offsets"].find_one(read, {"_id": 1}, session=session) is None:
            raise Unknown("topic that this group has read")
        logs = [log for log in self._halted_over(session) if (log["group"], log["topic"]) == (group, topic)]
        if not logs:
            raise Conflict(
                "not-halted-over-it", f"No process of {group} that reports has halted over {topic}."
            )
        moved = [
            {"partition": place["partition"], "stood_at": place["stands"], "reads_from": place["begins"]}
            for log in logs
            for place in log["places"]
            if self._moved(session, log, place)
        ]
        if not moved:
            raise Conflict("not-halted-over-it", f"{group} no longer stands where it halted; restart it.")
        return {"group": group, "topic": topic, "moved": sorted(moved, key=lambda one: one["partition"])}

    def _halted_over(self, session: ClientSession) -> Sequence[Mapping[str, Any]]:
        """The topics over which reporting processes have halted. A process reports by the database's clock."""
        since = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": int(SILENT_SECONDS)}}
        condition = {"halted.log": {"$type": "object"}, "$expr": {"$gt": ["$at", since]}}
        found = self._database["processes"].find(condition, {"halted.log": 1}, session=session)
        return [row["halted"]["log"] for row in found]

    def _moved(self, session: ClientSession, log: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
        """Compare and set: an offset moves only if it still stands where the process halted."""
        at = Partition(log["topic"], place["partition"])
        stands = {"_id": offset_id(log["group"], at), "next": place["stands"]}
        changed = {"$set": {"next": place["begins"], "topic": log["identity"]}}
        done = self._database["offsets"].update_one(stands, changed, session=session)
        return done.modified_count == 1
