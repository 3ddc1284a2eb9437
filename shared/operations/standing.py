"""The report of each process, stored where the web process and operators can read it.

Only the halted process knows of a halt, and its health page is not reachable for everybody. So every consumer process
writes one document of its own every few seconds. It writes less often where measuring would take more than 2 % of the
processor's time. A document that is no longer renewed shows that its process is gone.
"""

import os
import socket
import time
from collections.abc import Callable
from threading import Event
from typing import Any

import structlog
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from shared.runtime.progress import Progress

EVERY_SECONDS = 2.0
SELDOM_SECONDS = 8.0
SHARE = 50
FORGOTTEN_SECONDS = 3600

log = structlog.get_logger()


class Reporter:
    """Writes how one process stands, in one thread. standing: what only the process itself knows; must not block."""

    def __init__(
        self,
        *,
        database: Database[Any],
        progress: Progress,
        standing: Callable[[], dict[str, Any]],
        role: str,
        stop: Event,
    ) -> None:
        self.progressed_at = time.monotonic()
        self._processes = database.get_collection("processes", write_concern=WriteConcern(1))
        self._progress = progress
        self._standing = standing
        self._stop = stop
        self._who = {
            "_id": f"{progress.group}@{socket.gethostname()}:{os.getpid()}",
            "group": progress.group,
            "role": role,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }

    def run(self) -> None:
        """Report until told to stop; then say goodbye, so that nobody takes a stop for a crash."""
        pause = 0.0
        while not self._stop.wait(pause):
            began = time.thread_time()
            self.report()
            self.progressed_at = time.monotonic()
            pause = min(SELDOM_SECONDS, max(EVERY_SECONDS, SHARE * (time.thread_time() - began)))
        try:
            self._processes.delete_one({"_id": self._who["_id"]})
        except PyMongoError as error:
            log.info("goodbye-failed", error=type(error).__name__)

    def report(self) -> None:
        """Write one document, with the database's time. An unknown value is None, with the reason beside it."""
        said = {**self._progress.measure(), **self._standing(), **self._who}
        dated = [{"$replaceWith": {"$mergeObjects": [{"$literal": said}, {"at": "$$NOW"}]}}]
        try:
            self._processes.update_one({"_id": self._who["_id"]}, dated, upsert=True)
        except PyMongoError as error:
            log.warning("report-failed", error=type(error).__name__)
