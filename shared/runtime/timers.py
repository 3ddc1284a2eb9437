"""Timers: deadlines and reminders, stored with the state that wants them, each carried out once.

A timer is removed in the transaction of its own effect. An instance that finds it gone does nothing. So a timer takes
effect once, however many instances run and whenever one crashes.

Many fall due at one moment: months end, and so do days. So timers share a transaction, a batch at a time. A batch that
fails is carried out again, each timer alone.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from shared.runtime.unit import Apart, Unit
from shared.telemetry.metrics import metric
from shared.telemetry.traces import start_trace

CHUNK = 200
TOGETHER = 50
"""Timers that share one transaction, at most."""
SHARED_TRIES = 3
"""So often a shared transaction is tried; then each timer goes alone, so that one conflict holds up no others."""
LOOK_SECONDS, LOOK_DRIVEN_SECONDS = 0.5, 0.2
PUT_OFF_SECONDS = 60.0
AGAIN = "again_at"
"""The field with the time at which a postponed timer is tried again; real time, UTC."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Due:
    """A due timer as it is stored. trace: of what set it."""

    timer: Timer
    subject: Subject
    trace: str


def _due(row: Mapping[str, Any]) -> _Due:
    timer = Timer(row["_id"], row["due"], row["command"], row["body"])
    return _Due(timer, Subject(row["subject"]), row.get("trace", ""))


@dataclass(slots=True)
class _Batch:
    """Timers for one transaction. use_case: what carries them out, all at once; None: each has a fold of its own."""

    use_case: TimerUseCase | None
    timers: list[_Due] = field(default_factory=list)


def _look_seconds(clock: Clock) -> float:
    """How often to look while the clock stands still."""
    return LOOK_DRIVEN_SECONDS if clock.driven else LOOK_SECONDS


def _batches(rows: Iterable[Mapping[str, Any]], use_cases: Mapping[str, TimerUseCase]) -> Iterable[_Batch]:
    """Due timers in batches, the oldest first; those of a use case that belong together, together."""
    found: list[_Batch] = []
    open_: dict[tuple[str, str], _Batch] = {}
    for row in rows:
        one = _due(row)
        use_case = use_cases.get(one.timer.command)
        key = ("", "") if use_case is None else (one.timer.command, use_case.of(one.timer))
        batch = open_.get(key)
        if batch is None or len(batch.timers) == TOGETHER:
            batch = open_[key] = _Batch(use_case)
            found.append(batch)
        batch.timers.append(one)
    return found


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
        while not self._stop.is_set():
            try:
                if not self.fire_due():
                    self._stop.wait(_look_seconds(self._clock))
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
        if at == looked_at and time.monotonic() - looked < _look_seconds(self._clock):
            return 0
        due = {"due": {"$lte": at}, AGAIN: {"$not": {"$gt": datetime.now(UTC)}}}
        rows = self._database["timers"].find(due, sort=[("due", 1)], limit=CHUNK)
        fired = sum(self._carry_out(batch) for batch in _batches(rows, self._use_cases))
        metric("journey_timers_fired_total").inc(fired)
        if not fired:
            self._looked = (at, time.monotonic())
        return fired

    def _carry_out(self, batch: _Batch) -> int:
        """Carry out timers, in as few transactions as may be. Returns how many had an effect."""
        fired, rest = 0, batch.timers
        while rest:
            count, ended = self._together(batch.use_case, rest)
            fired, rest = fired + count, rest[ended:]
        return fired

    def _together(self, use_case: TimerUseCase | None, due: Sequence[_Due]) -> tuple[int, int]:
        """Carry out the first of these timers in one transaction.

        Returns how many had an effect, and how many need no more.
        """
        attempts = 0

        def work(session: ClientSession) -> tuple[Sequence[_Due], int]:
            nonlocal attempts
            attempts += 1
            if attempts > SHARED_TRIES and len(due) > 1:
                raise Apart
            at = self._clock.now(session)
            stored = self._database["timers"].find(
                {"_id": {"$in": [one.timer.key for one in due]}}, session=session
            )
            now = {row["_id"]: _due(row) for row in stored}
            # A transaction may read the clock as it was a moment ago, and real time may go back a little. What is not
            # due would decide nothing, and be gone.
            there = [
                now[one.timer.key]
                for one in due
                if one.timer.key in now and now[one.timer.key].timer.due <= at
            ]
            if not there:
                return (), len(due)
            unit = Unit(self._database, session, self._repository, self._published, self._source, lambda: at)
            if use_case is None:
                done = self._fold(unit, there)
            else:
                start_trace(there[0].trace)
                use_case.carry_out(unit, [one.timer for one in there])
                done = there
            gone = {"_id": {"$in": [one.timer.key for one in done]}}
            self._database["timers"].delete_many(gone, session=session)
            unit.flush()
            left = {one.timer.key for one in there[len(done) :]}
            return done, next((n for n, one in enumerate(due) if one.timer.key in left), len(due))

        try:
            done, ended = transact(self._client, work)
        except Exception as error:
            if len(due) > 1:
                log.info("timers-parted", timers=len(due), cause=type(error).__name__)
                return sum(self._together(use_case, [one])[0] for one in due), len(due)
            if isinstance(error, (Busy, PyMongoError)):
                raise
            # One timer must not hold up those behind it.
            self._put_off(due[0], error)
            return 0, 1
        for one in done:
            start_trace(one.trace)
            log.info("timer-fired", command=one.timer.command, subject=one.subject)
        return len(done), ended

    def _fold(self, unit: Unit, due: Sequence[_Due]) -> Sequence[_Due]:
        """Fold timers one after the other, up to the first that must see the effects of others stored.

        Such is one that an earlier one cancelled or set anew.
        """
        unit.load({one.subject for one in due})
        for number, one in enumerate(due):
            if ("timers", one.timer.key) in unit.staged.puts:
                return due[:number]
            start_trace(one.trace)
            branch = unit.branch()
            try:
                state = branch.get(one.subject)
                change = self._folds[one.timer.command](
                    state, one.timer, branch.at, self._published.programmes
                )
                branch.save(one.subject, change if self._settles is None else self._settles(branch, change))
            except Apart:
                return due[:number]
            unit.join(branch)
        return due

    def _put_off(self, one: _Due, error: Exception) -> None:
        timer, subject = one.timer, one.subject
        again = datetime.now(UTC) + timedelta(seconds=PUT_OFF_SECONDS)
        self._database["timers"].update_one({"_id": timer.key, "due": timer.due}, {"$set": {AGAIN: again}})
        log.error(
            "timer-put-off",
            command=timer.command,
            kind=kind_of(subject),
            cause=error.why if isinstance(error, StateUnreadable) else type(error).__name__,
        )
