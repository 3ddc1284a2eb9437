"""Passing over one record of the log: the record at which a group stands, and no other.

The group's stored offset is compared and set. A member that holds the record loses its transaction, reloads and goes on
behind the record. A group that has halted over it sees within a second that it may go on.
"""

from typing import Any

from confluent_kafka import KafkaException
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.language.errors import Busy, Conflict, Unknown
from shared.runtime.kafka import Logs, Partition
from shared.runtime.topic_identity import offset_id


class PassingOver:
    """Moves a group past one record."""

    def __init__(self, database: Database[Any], logs: Logs) -> None:
        self._database = database
        self._logs = logs

    def check(self, group: str, at: Partition, offset: int) -> None:
        """See that there is such a record. Blocks for a round trip to Kafka.

        Raises Unknown when the group has read no such partition, Conflict when nothing is there yet, Busy.
        """
        known = self._database["offsets"].find_one({"_id": offset_id(group, at)}, {"_id": 1})
        if known is None:
            raise Unknown("partition that this group has read")
        try:
            end = self._logs.ends([at])[at]
        except KafkaException as error:
            raise Busy(f"Kafka did not say where {at.topic} ends: {error.args[0].name()}.") from error
        if offset >= end:
            raise Conflict("not-standing-there", f"{at.topic}[{at.partition}] ends before {offset}.")

    def skip(self, session: ClientSession, group: str, at: Partition, offset: int) -> dict[str, Any]:
        """Move the group past the record, if it stands there. Returns from where it reads on. Raises Conflict."""
        done = self._database["offsets"].update_one(
            {"_id": offset_id(group, at), "next": offset}, {"$set": {"next": offset + 1}}, session=session
        )
        if done.modified_count != 1:
            raise Conflict("not-standing-there", f"{group} does not stand at {offset}.")
        return {
            "group": group,
            "topic": at.topic,
            "partition": at.partition,
            "offset": offset,
            "reads_from": offset + 1,
        }
