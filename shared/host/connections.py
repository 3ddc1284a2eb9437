"""One process's connection to its database, and the indexes that every service's database has."""

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from pymongo import ASCENDING, IndexModel, MongoClient
from pymongo.errors import PyMongoError

from shared.operations.standing import FORGOTTEN_SECONDS
from shared.runtime.channels import Channels
from shared.runtime.clock import Clock
from shared.runtime.outgoing import FORGET_AT
from shared.runtime.parts import Parts, Service
from shared.runtime.published import Published
from shared.runtime.restored import NotCompared, require_compared
from shared.runtime.settings import Settings

IDEMPOTENCY_SECONDS = 7 * 24 * 3600

log = structlog.get_logger()

RUNTIME_INDEXES: Mapping[str, list[IndexModel]] = {
    # the relay's only query: what is unpublished, in order
    "events": [
        IndexModel(
            [("pend", ASCENDING), ("ts", ASCENDING)], partialFilterExpression={"pend": {"$exists": True}}
        ),
        # published answers to records of agencies are forgotten after a day; events never are
        IndexModel(
            [(FORGET_AT, ASCENDING)],
            expireAfterSeconds=0,
            partialFilterExpression={FORGET_AT: {"$exists": True}},
        ),
    ],
    # draining a subject; counting, listing and healing, the longest parked first; waking what waited for a programme
    "parked": [
        IndexModel([("group", ASCENDING), ("subject", ASCENDING)]),
        IndexModel([("group", ASCENDING), ("reason", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("needs", ASCENDING)], sparse=True),
    ],
    # what is due, oldest first
    "timers": [IndexModel([("due", ASCENDING)])],
    # idempotency keys are forgotten after a week
    "commands": [IndexModel([("at", ASCENDING)], expireAfterSeconds=IDEMPOTENCY_SECONDS)],
    # what each group has asked for; how its processes stand, forgotten when they are gone for an hour
    "asked": [IndexModel([("group", ASCENDING), ("at", ASCENDING)])],
    "processes": [
        IndexModel([("group", ASCENDING)]),
        IndexModel([("at", ASCENDING)], expireAfterSeconds=FORGOTTEN_SECONDS),
    ],
    # the newest version of a programme
    "programmes": [IndexModel([("programme", ASCENDING), ("version", ASCENDING)])],
    "register": [
        # what a process has not seen yet of the register
        IndexModel([("at", ASCENDING)]),
        # a unit's memberships in a programme
        IndexModel([("unit", ASCENDING), ("programme", ASCENDING)], sparse=True),
        # pages of a programme's role map
        IndexModel([("programme", ASCENDING), ("_id", ASCENDING)], sparse=True),
    ],
}


def connect(service: Service, settings: Settings) -> Parts:
    """Connect one process. Blocks until the database answers; creates the indexes that are missing."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongodb_uri,
        tz_aware=True,
        w="majority",
        appname=f"{service.database}",
        serverSelectionTimeoutMS=5000,
        maxPoolSize=32,
    )
    database = client[service.database]
    return Parts(
        service=service,
        settings=settings,
        client=client,
        clock=Clock(database, driven=settings.driven_clock),
        published=Published(database),
        channels=Channels(database),
        stop=threading.Event(),
    )


def prepare(parts: Parts) -> None:
    """Create the missing indexes, and look at what was published; waits for the database as long as it takes.

    So the first request finds a register of thousands of units in memory, and the collector passes over it. Ends the
    process where the database was restored and nobody has compared it with the log.
    """
    create_indexes(parts)
    _awaited(parts, parts.published.look)


def create_indexes(parts: Parts) -> None:
    """Create the missing indexes; waits for the database as long as it takes.

    Ends the process where the database was restored and nobody has compared it with the log.
    """
    database = parts.client[parts.service.database]

    def create() -> None:
        require_compared(database)
        for collection, models in (*RUNTIME_INDEXES.items(), *parts.service.indexes.items()):
            database[collection].create_indexes(models)

    try:
        _awaited(parts, create)
    except NotCompared as reason:
        sys.exit(str(reason))


def _awaited(parts: Parts, do: Callable[[], None]) -> None:
    """Do it as soon as the database answers, or the process is told to stop."""
    while not parts.stop.is_set():
        try:
            do()
        except PyMongoError as error:
            log.warning("database-awaited", error=type(error).__name__)
            parts.stop.wait(1)
        else:
            return
