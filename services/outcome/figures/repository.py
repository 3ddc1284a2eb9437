"""Reads what the projector keeps: sums over shards, and what happened last."""

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from services.outcome.figures.cells import DAYS

NEWEST = 12

INDEXES: dict[str, list[IndexModel]] = {
    # all shards of one programme's cells, in pages too
    "cells": [IndexModel([("programme", ASCENDING), ("_id", ASCENDING)])],
    # a programme's days in their order: the key begins with the programme and the day
    DAYS: [IndexModel([("programme", ASCENDING), ("_id", ASCENDING)])],
    # newest: the subjects of one programme that changed last
    "figure_journeys": [IndexModel([("state.programme", ASCENDING), ("state.newest_at", DESCENDING)])],
}


def read_cells(
    database: Database[dict[str, Any]], programme: str, session: ClientSession | None = None
) -> Mapping[str, int]:
    """The programme's cells, each summed over its shards, as one consistent read. Blocks; a retry is safe."""
    sums: list[dict[str, Any]] = [
        {"$match": {"programme": programme}},
        {"$group": {"_id": "$cell", "n": {"$sum": "$n"}}},
    ]
    return {row["_id"]: int(row["n"]) for row in database["cells"].aggregate(sums, session=session)}


def newest(database: Database[dict[str, Any]], programme: str) -> list[dict[str, Any]]:
    """What changed last, newest first: [{type, recorded_at}], at most 12; never whose. Blocks; a retry is safe."""
    fields = {"_id": 0, "type": "$state.newest_type", "recorded_at": "$state.newest_at"}
    told = {"state.programme": programme, "state.newest_at": {"$type": "date"}}
    found = database["figure_journeys"].find(told, fields)
    return list(found.sort("state.newest_at", DESCENDING).limit(NEWEST))
