"""Rebuilds a projection from the log beside the live one, and swaps it in with nothing lost or counted twice.

    start      a further group folds the log from its beginning into collections of its own, with offsets of its own
    compare    subject by subject and counter by counter, in one snapshot
    swap       1. one transaction sets `swapping` and touches every offset of both groups. A batch under way gets a
                  write conflict; a batch that begins reads `swapping` and changes nothing
               2. each rebuilt collection is renamed over the live one
               3. one transaction gives the live group the rebuilt one's offsets and parked events, and sets `swapped`.
               After a crash between any two, another process finishes it; until then both groups stand still.
    abandon    the rebuilt collections are removed

The live projector then finds its offsets moved, reloads them, and goes on from where the rebuilt one stood. Only
projections are rebuilt so: a service's own state holds its own decisions, which stand in no log but its archive.
Decision: docs/decisions/0021-rename-a-rebuilt-projection-over-the-live-one.md.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from shared.language.errors import Busy, Conflict, Unknown
from shared.runtime.groups import Group
from shared.runtime.parking import parked_id
from shared.runtime.transaction import transact

BUILDING, SWAPPING, SWAPPED, ABANDONED = "building", "swapping", "swapped", "abandoned"
UNDER_WAY = (BUILDING, SWAPPING)
COMPARED_WITHIN = timedelta(minutes=30)
MOST_BEHIND = 10_000
"""Events that the rebuilt projection may lack when it is swapped in; it folds them afterwards."""
NO_SUCH_COLLECTION = 26


def admit(rebuilds: Collection[Any], session: ClientSession, group: Group) -> None:
    """Let a projection's batch pass, in its own transaction. Raises Busy while a swap forbids changes."""
    found = (
        rebuilds.find_one({"_id": group.live or group.name}, {"state": 1, "run": 1}, session=session) or {}
    )
    state = found.get("state")
    if group.run and (state != BUILDING or found.get("run") != group.run):
        raise Busy(f"The rebuild {group.name} is over.")
    if not group.run and state == SWAPPING:
        raise Busy(f"{group.name} is being swapped.")


class Rebuilds:
    """The rebuilds of one service's projections: orders and progress. Blocks; raises PyMongoError."""

    def __init__(self, client: MongoClient[Any], database: str, groups: Mapping[str, Group]) -> None:
        self._client = client
        self._database: Database[Any] = client[database]
        self._rebuilds = self._database["rebuilds"]
        self._groups = {name: group for name, group in groups.items() if group.is_projection}

    def group(self, name: str) -> Group:
        """The projection of that name. Raises Unknown."""
        if name not in self._groups:
            raise Unknown("projection")
        return self._groups[name]

    def find(self, name: str) -> dict[str, Any] | None:
        """The document of the projection's latest rebuild, or None."""
        found: dict[str, Any] | None = self._rebuilds.find_one({"_id": self.group(name).name})
        return found

    # --- what an operator asks for, each inside the transaction of the order -----------------------------

    def start(self, session: ClientSession, name: str, reason: str, at: datetime) -> dict[str, Any]:
        """Begin a rebuild. Raises Conflict while one is under way."""
        before = self._rebuilds.find_one({"_id": self.group(name).name}, session=session) or {"run": 0}
        if before.get("state") in UNDER_WAY:
            raise Conflict("rebuild-under-way", f"Run {before['run']} of {name} is {before['state']}.")
        document = {
            "_id": name,
            "run": before["run"] + 1,
            "state": BUILDING,
            "reason": reason,
            "began_at": at,
            "ended_at": None,
            "progress": None,
            "compare_asked_at": None,
            "compared": None,
            "halted": None,
        }
        self._rebuilds.replace_one({"_id": name}, document, upsert=True, session=session)
        return document

    def ask_to_compare(self, session: ClientSession, name: str, at: datetime) -> dict[str, Any]:
        """Request a comparison with the live projection. Raises Conflict."""
        found = self._building(session, name)
        self._rebuilds.update_one({"_id": name}, {"$set": {"compare_asked_at": at}}, session=session)
        return {**found, "compare_asked_at": at}

    def swap(self, session: ClientSession, name: str, at: datetime, *, accept: bool) -> dict[str, Any]:
        """Fence both groups; the projector then swaps the rebuilt projection in.

        accept: True to swap although they differ. Raises Conflict when it is behind, was not compared lately, or
        differs.
        """
        found = self._building(session, name)
        self._check(found, at, accept=accept)
        live = self.group(name)
        rebuilt = live.beside(found["run"])
        lacking = self._offsets(session, live.name).keys() - self._offsets(session, rebuilt.name).keys()
        behind = found["progress"]["lag"] if found["progress"] else None
        if lacking or behind is None or behind > MOST_BEHIND:
            raise Conflict("rebuild-behind", f"It lacks {behind} events that the log holds.")
        self._fence(session, live, rebuilt)
        self._rebuilds.update_one(
            {"_id": name}, {"$set": {"state": SWAPPING, "swapping_at": at}}, session=session
        )
        return {**found, "state": SWAPPING}

    def abandon(self, session: ClientSession, name: str, at: datetime) -> dict[str, Any]:
        """Abandon the rebuild; the projector removes the rebuilt collections.

        Raises Conflict when none is being built.
        """
        found = self._building(session, name)
        self._fence(session, self.group(name).beside(found["run"]))
        changed = {"state": ABANDONED, "ended_at": at}
        self._rebuilds.update_one({"_id": name}, {"$set": changed}, session=session)
        return {**found, **changed}

    def _fence(self, session: ClientSession, *groups: Group) -> None:
        """Give every batch of these groups under way a write conflict: it starts again and reads the new state."""
        for group in groups:
            prefix = {"_id": {"$gte": f"{group.name}:", "$lt": f"{group.name};"}}
            self._database["offsets"].update_many(prefix, {"$inc": {"fence": 1}}, session=session)

    def _building(self, session: ClientSession, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self._rebuilds.find_one(
            {"_id": self.group(name).name}, session=session
        )
        if found is None or found["state"] != BUILDING:
            raise Conflict("no-rebuild", f"There is none of {name} that is being built.")
        return found

    def _check(self, found: Mapping[str, Any], at: datetime, *, accept: bool) -> None:
        compared = found["compared"]
        if compared is None or compared["at"] < at - COMPARED_WITHIN:
            raise Conflict("rebuild-uncompared", "Compare them first, at most half an hour before the swap.")
        if compared["differs"] and not accept:
            raise Conflict(
                "rebuild-differs", "See what differs, and accept it if that is what was to be mended."
            )

    # --- what the projector carries out -----------------------------------------------------------------

    def report(self, name: str, run: int, told: Mapping[str, Any]) -> None:
        """Store the progress of the run; does nothing once the run is over."""
        self._rebuilds.update_one({"_id": name, "run": run, "state": BUILDING}, {"$set": dict(told)})

    def finish_swap(self, name: str, moment: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Steps 2 and 3 of a swap; safe to repeat, and for several at once."""
        found = self.find(name)
        if found is None or found["state"] != SWAPPING:
            return
        live = self.group(name)
        rebuilt = live.beside(found["run"])
        for collection, beside in rebuilt.renamed.items():
            try:
                self._database[beside].rename(collection, dropTarget=True)
            except OperationFailure as error:
                # Renamed already, before a crash or by another process of the group.
                if error.code != NO_SUCH_COLLECTION:
                    raise

        def work(session: ClientSession) -> None:
            now = self._rebuilds.find_one({"_id": name}, session=session)
            if now is not None and now["state"] == SWAPPING and now["run"] == found["run"]:
                self._take_over(session, live, rebuilt)
                changed = {"state": SWAPPED, "ended_at": moment()}
                self._rebuilds.update_one({"_id": name}, {"$set": changed}, session=session)

        transact(self._client, work)

    def _take_over(self, session: ClientSession, live: Group, rebuilt: Group) -> None:
        offsets, parked = self._database["offsets"], self._database["parked"]
        moves = [
            UpdateOne({"_id": f"{live.name}:{at}"}, {"$set": place}, upsert=True)
            for at, place in self._offsets(session, rebuilt.name).items()
        ]
        if moves:
            offsets.bulk_write(moves, ordered=False, session=session)
        self._forget_offsets(rebuilt, session)
        for name in ("asked", "parked"):
            self._database[name].delete_many({"group": live.name}, session=session)
        rows = [taken_over(row, live.name) for row in parked.find({"group": rebuilt.name}, session=session)]
        if rows:
            parked.bulk_write(
                [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows],
                ordered=False,
                session=session,
            )
        parked.delete_many({"group": rebuilt.name}, session=session)

    def remove(self, name: str, run: int) -> None:
        """Remove the collections of a run that is over; safe to repeat."""
        rebuilt = self.group(name).beside(run)
        for collection in rebuilt.renamed.values():
            self._database.drop_collection(collection)
        self._database["parked"].delete_many({"group": rebuilt.name})
        self._forget_offsets(rebuilt, None)

    def _forget_offsets(self, group: Group, session: ClientSession | None) -> None:
        prefix = {"_id": {"$gte": f"{group.name}:", "$lt": f"{group.name};"}}
        self._database["offsets"].delete_many(prefix, session=session)

    def _offsets(self, session: ClientSession, name: str) -> dict[str, dict[str, Any]]:
        """{`topic:partition`: the next offset and the topic's id}."""
        rows = self._database["offsets"].find(
            {"_id": {"$gte": f"{name}:", "$lt": f"{name};"}}, {"next": 1, "topic": 1}, session=session
        )
        return {row.pop("_id")[len(name) + 1 :]: row for row in rows}


def taken_over(row: Mapping[str, Any], group: str) -> dict[str, Any]:
    """A parked event under the live group's name."""
    if row.get("source"):
        identity = parked_id(group, row["subject"], row["source"], row["seq"])
    else:
        topic, partition, offset = row["subject"].partition("/")[2].rsplit(":", 2)
        identity = parked_id(group, topic, partition, offset)
    return {**row, "_id": identity, "group": group}
