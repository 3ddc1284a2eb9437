"""Timers: deadlines and reminders, stored with the state that wants them, each carried out once.

A timer is removed in the transaction of its own effect. An instance that finds it gone does nothing. So a timer takes
effect once, however many instances run and whenever one crashes.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Event
from types import MappingProxyType
from typing import Any

import structlog
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language.decision import Repository, Settles, Subject, Timer, TimerFold, TimerUseCase, kind_of
from shared.language.errors import Busy, StateUnreadable
from shared.runtime.clock import Clock
from shared.runtime.published import Published
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from shared.telemetry.metrics import metric
from shared.telemetry.traces import start_trace

CHUNK = 200
LOOK_SECONDS = 0.5
PUT_OFF_SECONDS = 60.0
AGAIN = "again_at"
"""The field with the time at which a postponed timer is tried again; real time, UTC."""

log = structlog.get_logger()


class Timers:
    """Carries out one service's timers, in one thread."""

    def __init__(
        self,
        *,
        client: MongoClient[dict[str, Any]],
        database: str,
        repository: Repository,
        published: Published,
        source: str,
        folds: Mapping[str, TimerFold],
        clock: Clock,
        stop: Event,
        settles: Settles | None = None,
        use_cases: Mapping[str, TimerUseCase] = MappingProxyType({}),
    ) -> None:
        self.progressed_at = time.monotonic()
        self._client = client
        self._database = client[database]
        self._repository = repository
        self._published = published
        self._source = source
        self._folds = folds
        self._clock = clock
        self._stop = stop
        self._settles = settles
        self._use_cases = use_cases
        self._looked: tuple[datetime | None, float] = (None, 0.0)

    def run(self) -> None:
        """Fire due timers until told to stop."""
        idle = 0.2 if self._clock.driven else LOOK_SECONDS
        while not self._stop.is_set():
            try:
                if not self.fire_due():
                    self._stop.wait(idle)
            except (Busy, PyMongoError) as error:
                log.warning("timers-failed", error=type(error).__name__)
                self._stop.wait(0.5)
            self.progressed_at = time.monotonic()

    def fire_due(self) -> int:
        """Fire the timers that are due, the oldest first. Returns how many.

        Looks less often while the clock stands still.

        A timer that fails, and not because of the database, is postponed by a minute of real time; the next one goes
        on.
        """
        at = self._clock.now()
        looked_at, looked = self._looked
        if at == looked_at and time.monotonic() - looked < LOOK_SECONDS:
            return 0
        self._looked = (at, time.monotonic())
        due = {"due": {"$lte": at}, AGAIN: {"$not": {"$gt": datetime.now(UTC)}}}
        rows = list(self._database["timers"].find(due, sort=[("due", 1)], limit=CHUNK))
        fired = sum(self._fire(row) for row in rows)
        metric("journey_timers_fired_total").inc(fired)
        return fired

    def _fire(self, row: Mapping[str, Any]) -> bool:
        start_trace(row.get("trace", ""))
        timer = Timer(row["_id"], row["due"], row["command"], row["body"])
        subject = Subject(row["subject"])

        def work(session: ClientSession) -> bool:
            at = self._clock.now(session)
            if at < timer.due:
                # A transaction may read the clock as it was a moment ago, and real time may go back a little. What is
                # not due would decide nothing, and be gone.
                return False
            gone = self._database["timers"].delete_one({"_id": timer.key, "due": timer.due}, session=session)
            if gone.deleted_count == 0:
                return False
            unit = Unit(self._database, session, self._repository, self._published, self._source, lambda: at)
            if timer.command in self._use_cases:
                self._use_cases[timer.command](unit, timer)
            else:
                change = self._folds[timer.command](unit.get(subject), timer, at, self._published.programmes)
                unit.save(subject, change if self._settles is None else self._settles(unit, change))
            unit.flush()
            return True

        try:
            fired = transact(self._client, work)
        except (Busy, PyMongoError):
            raise
        except Exception as error:  # noqa: BLE001 - one timer must not hold up those behind it
            self._put_off(timer, subject, error)
            return False
        if fired:
            log.info("timer-fired", command=timer.command, subject=subject)
        return fired

    def _put_off(self, timer: Timer, subject: Subject, error: Exception) -> None:
        again = datetime.now(UTC) + timedelta(seconds=PUT_OFF_SECONDS)
        self._database["timers"].update_one({"_id": timer.key, "due": timer.due}, {"$set": {AGAIN: again}})
        log.error(
            "timer-put-off",
            command=timer.command,
            kind=kind_of(subject),
            cause=error.why if isinstance(error, StateUnreadable) else type(error).__name__,
        )
