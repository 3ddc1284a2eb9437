"""Volume: many sessions in one command, given in this process by the service's own use case and its own runtime.

HTTP costs milliseconds a command; ten million events would take days. Here a command logs hundreds of sessions in one
transaction, under one key, and each as `POST /sessions` would: the same handler, domain, unit of work and outbox.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from datetime import date
from typing import Any

from pymongo import MongoClient

from services.activity_tracking import handlers
from services.activity_tracking.app import SERVICE
from services.activity_tracking.domain.sessions import LogSession
from shared.access import Actor
from shared.errors import Busy, NotYetSeen
from shared.events import JourneyId
from shared.runtime.change import Work
from shared.runtime.clock import Clock
from shared.runtime.commands import Commands
from shared.runtime.programmes import PublishedProgrammes
from shared.telemetry import start_trace

ROWS = 400
AT_ONCE = 40
"""Journeys that one command touches: few enough that it rarely meets the consumer on one of them."""


def trace_of(seed: str, number: int) -> str:
    """The trace under which chunk `number` is found in the log; the same whoever asks."""
    return f"{random.Random(f'{seed}/chunk/{number}').getrandbits(128) | 1:032x}"


class Feeder:
    """Gives chunks by number; the same number is given once, however often it is tried.

    uri: of activity tracking's own user. journeys: under way, at `provider`.
    """

    def __init__(self, uri: str, seed: str, journeys: Sequence[str], provider: str, on: date) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            uri, tz_aware=True, w="majority", serverSelectionTimeoutMS=5000
        )
        database = self._client[SERVICE.database]
        self._commands = Commands(
            client=self._client,
            database=SERVICE.database,
            repository=SERVICE.repository,
            programmes=PublishedProgrammes(database),
            source=SERVICE.source,
            clock=Clock(database, driven=True),
            waiters=1,
        )
        self._seed = seed
        self._journeys = journeys
        self._actor = Actor("feeder", provider, "supervisor")
        self._on = on

    def give(self, number: int, stop: threading.Event) -> bool:
        """Log the chunk's sessions, again and again until it is answered. Returns False when told to stop before."""
        chance = random.Random(f"{self._seed}/chunk/{number}")
        some = [chance.choice(self._journeys) for _ in range(AT_ONCE)]
        rows = [(chance.choice(some), 1 + chance.randrange(1400)) for _ in range(ROWS)]

        def use_case(work: Work) -> dict[str, Any]:
            for journey, minutes in rows:
                said = LogSession(
                    activity="work_training", occurred_on=self._on, attendance="yes", minutes=minutes
                )
                handlers.log_session(work, self._actor, JourneyId(journey), said)
            return {"rows": len(rows)}

        while not stop.is_set():
            start_trace(f"00-{trace_of(self._seed, number)}-00f067aa0ba902b7-01")
            try:
                self._commands.run(
                    use_case, key=f"feeder:{number}", body=str(number).encode(), subject=None, vector={}
                )
                return True
            except (Busy, NotYetSeen):
                stop.wait(0.5)
        return False

    def close(self) -> None:
        """Let go of the database."""
        self._client.close()
