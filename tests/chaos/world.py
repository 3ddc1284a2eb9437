"""World: one running stack, the load on it, what was struck, and what is seen from outside once it has settled."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from kafka import TopicPartition
from pymongo import MongoClient

from deploy.declaration import declared
from tests.chaos import observe
from tests.chaos.agency import INBOUND, Agency
from tests.chaos.awaiting import until
from tests.chaos.backlog import Backlog
from tests.chaos.client import Client, Command, Records
from tests.chaos.figures import Recount
from tests.chaos.invariants import Seen, Violation
from tests.chaos.load import MIX, Party
from tests.chaos.log import Log, LogReader
from tests.chaos.observe import SERVICES
from tests.chaos.stack import ChaosStack
from tests.chaos.watching import Watching
from tests.support.scrapes import measured
from tools.stack.processes import surroundings
from tools.stack.settings import REPOSITORY
from tools.stack.stack import PROGRAMMES

FIRST_MOMENT = datetime(2017, 3, 1, 12, tzinfo=UTC)
SETTLE_SECONDS = 90.0
RESOLVE_SECONDS = 20.0
IDLE_SECONDS = 1.5


@dataclass
class Evidence:
    """What proves that the fault struck."""

    what: str
    evidence: str


@dataclass
class Recovery:
    """From the end of the fault until all that had been said by then was applied everywhere."""

    thread: threading.Thread
    began: float
    seconds: float | None = None


@dataclass
class Reading:
    """What was read of the log: what it says, up to where, and the figures by it."""

    log: Log
    next: dict[TopicPartition, int]
    recount: Recount


@dataclass
class World:
    """A running stack under load, seen from outside. full: not the shortened run of CI."""

    stack: ChaosStack
    seed: str
    full: bool = True
    random: random.Random = field(default_factory=random.Random)
    evidence: list[Evidence] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    expected_parked: dict[tuple[str, str], int] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(
            self.stack.admin_mongo_uri, tz_aware=True, w="majority"
        )
        self.kafka: dict[str, Any] = {**self.stack.kafka_admin_config(), "api_version": (4, 0)}
        self.backlog = Backlog(self.mongo, self.kafka)
        self.records = Records()
        self.log = Log()
        self.today: date = FIRST_MOMENT.date()
        self.offsets = observe.Offsets(self.stack.admin_mongo_uri)
        self.lines = observe.Lines(self.stack.settings.folder / "logs")
        self.watching = Watching(self.stack, self.kafka)
        self._reader = LogReader(self.kafka, declared().agencies)
        self._recount = Recount()
        self._recovery: Recovery | None = None
        self._ended = 0.0
        self._programme = 2
        self.move_clock(FIRST_MOMENT)

    def close(self) -> None:
        """Let go of the stack, which goes on running."""
        self.watching.close()
        self.offsets.close()
        self.mongo.close()

    def begin(self, number: int) -> None:
        """Begin a scenario: chance of its own, nothing struck yet."""
        self.random = random.Random(f"{self.seed}/{number}")
        self.evidence, self.violations, self.notes = [], [], []
        self._recovery, self._ended = None, time.monotonic()

    # --- what scenarios do ---------------------------------------------------------------------------

    def record_evidence(self, what: str, evidence: str) -> None:
        """Prove that the fault struck: what did, and what was seen of it."""
        self.evidence.append(Evidence(what, evidence))

    def violated(self, invariant: str, subject: str, expected: str, found: str) -> None:
        """Tell of what may not be at this moment, and would no longer be seen when all has settled."""
        self.violations.append(Violation(invariant, subject, expected, found))

    def fault_ended(self) -> None:
        """The fault is over: recovery is measured from here, while load may go on."""
        began = time.monotonic()
        self._recovery = Recovery(threading.Thread(target=self._await_recovery, daemon=True), began)
        self._recovery.thread.start()

    def expect_parked(self, group: str, reason: str, count: int) -> None:
        """From now on so many more (or fewer) events are rightly parked there."""
        slot = group, reason
        self.expected_parked[slot] = self.expected_parked.get(slot, 0) + count

    def move_clock(self, at: datetime) -> None:
        """Move the business clock of every service on; it never goes back."""
        for one in SERVICES:
            self.mongo[one.database]["clock"].update_one({"_id": "clock"}, {"$max": {"at": at}}, upsert=True)
        self.today = at.date()

    def publish_next_programme(self) -> None:
        """Publish the programme anew under its next version, as its owner would; blocks until intake has it."""
        text = (PROGRAMMES / "coactive-2.yaml").read_text(encoding="utf-8")
        self._programme += 1
        file = self.stack.settings.folder / f"coactive-{self._programme}.yaml"
        file.write_text(text.replace("\nversion: 2\n", f"\nversion: {self._programme}\n"), encoding="utf-8")
        command = [sys.executable, "-m", "services.intake.programmes", "publish", str(file)]
        told = {**surroundings(), **self.stack.env_for("intake", "consume")}
        subprocess.run(command, env=told, cwd=REPOSITORY, check=True, capture_output=True)

    def client(self) -> Client:
        """A client of its own connections."""
        chance = random.Random(self.random.getrandbits(64))
        return Client(self.stack.url, self.stack.token, chance)

    def party(
        self,
        name: str,
        stop: threading.Event | None = None,
        *,
        journeys: int = 5,
        pace_seconds: float = 0.0,
        mix: Mapping[str, float] | None = None,
        bulk_rows: int = 12,
    ) -> Party:
        """A client thread that has not been started; `begin` gives journeys that are under way."""
        return Party(
            name=name,
            client=self.client(),
            records=self.records,
            chance=random.Random(self.random.getrandbits(64)),
            today=self.today,
            journeys=journeys,
            pace_seconds=pace_seconds,
            mix=mix or MIX,
            bulk_rows=bulk_rows,
            stop=stop or threading.Event(),
        )

    def conflicts(self) -> int:
        """How many transactions MongoDB has aborted: while nothing dies, because two met on one document."""
        return int(self.mongo.admin.command("serverStatus")["transactions"]["totalAborted"])

    def sent(self, command: Command, within: float = 30.0, client: Client | None = None) -> Command:
        """Send a command until its answer is a lasting one. Raises TimedOut."""
        own = client or self.client()
        self.records.begun(command)
        try:
            self.until(lambda: own.send(command), f"an answer to {command.deed}", within, 0.05)
        finally:
            if client is None:
                own.close()
        return command

    @contextmanager
    def load(
        self,
        *,
        clients: int = 3,
        journeys: int = 5,
        pace_seconds: float = 0.03,
        mix: Mapping[str, float] | None = None,
        bulk_rows: int = 12,
        inbound: bool = True,
    ) -> Iterator[list[Party | Agency]]:
        """Drive commands while the block lasts. journeys: under way for each client; pace_seconds: between commands.

        Raises what a client saw that can never be right (another answer under the same key).
        """
        stop = threading.Event()
        parties: list[Party | Agency] = [
            self.party(
                f"client-{number}",
                stop,
                journeys=journeys,
                pace_seconds=pace_seconds,
                mix=mix,
                bulk_rows=bulk_rows,
            )
            for number in range(clients)
        ]
        if inbound:
            parties.append(
                Agency(
                    client=self.client(),
                    records=self.records,
                    chance=random.Random(self.random.getrandbits(64)),
                    options={**self.stack.kafka_config(INBOUND), "api_version": (4, 0)},
                    pace_seconds=0.4,
                    stop=stop,
                )
            )
        for one in parties:
            one.start()
        try:
            yield parties
        finally:
            stop.set()
            for one in parties:
                one.join(40)
            self._ended = time.monotonic()
        for one in parties:
            if one.failed is not None:
                raise one.failed

    def await_traffic(self, commands: int = 25, within: float = 60.0) -> None:
        """Wait until so many more commands about started journeys have been answered: events flow everywhere."""
        deeds = ("log_session", "log_sessions", "correct_session", "offer", "accept_offer", "exit", "entry")
        before = sum(one.deed in deeds for one in self.records.resolved())
        self.until(
            lambda: sum(one.deed in deeds for one in self.records.resolved()) >= before + commands,
            f"{commands} commands answered",
            within,
        )

    def until(self, holds: Callable[[], Any], what: str, seconds: float = 60.0, pause: float = 0.1) -> Any:
        """Ask until the answer is true, and return it. Raises TimedOut. An error of a client counts as not yet."""
        return until(holds, what, seconds, pause)

    def rest(self, seconds: float) -> None:
        """Let the fault last."""
        threading.Event().wait(seconds)

    def metric(self, process: str, name: str, **labels: str) -> float:
        """A process's own count: the sum over the series that have these labels; 0 where there is none yet."""
        return measured(self.stack, process, name, **labels)

    def died(self, name: str, within: float = 60.0) -> str:
        """Wait until the process has struck itself; returns by what signal, and which process it was."""
        mark = self.stack.mark(name)
        said = self.until(
            lambda: mark.exists() and mark.read_text(encoding="ascii"), f"{name} struck", within
        )
        number, pid, _ = str(said).split()
        return f"{number} of process {pid}"

    def duplicates(self) -> int:
        """How many records of the log say what an earlier one said."""
        self.until(lambda: self._reader.read(self.log), "the log read")
        return self.log.duplicates

    def holders(self, database: str) -> int:
        """How often a partition of that service has been taken over, since the world began."""
        return sum(len(ids) for name, ids in self.offsets.holders.items() if name.startswith(f"{database}/"))

    def recovered_seconds(self) -> float | None:
        """How long recovery took, once it has come to its end."""
        return self._recovery.seconds if self._recovery else None

    def forget(self, topic: str) -> None:
        """The topic was made anew: read it from its beginning."""
        self._reader.forget(topic)

    # --- from the end of the fault to stillness ------------------------------------------------------

    def lag(self) -> dict[str, int]:
        """Records that a group has not applied, by group."""
        return self.backlog.lag()

    def _await_recovery(self) -> None:
        recovery = self._recovery
        assert recovery is not None, "the thread is started with it"
        at = observe.order_now()
        self.until(
            lambda: not any(observe.pending(self.mongo, at).values()), "what was pending published", 600
        )
        ends = self.until(self.backlog.ends, "the ends of the log", 600)
        self.until(lambda: not any(self.backlog.lag(ends).values()), "what was said applied", 600)
        recovery.seconds = time.monotonic() - recovery.began

    def settle(self, within: float = SETTLE_SECONDS) -> float:
        """Wait until nothing is left to do, give what has no lasting answer its answer, and wait again.

        Returns the recovery time in seconds: from `fault_ended`, or from the end of the load where it was not called.
        Raises TimedOut, saying what is left.
        """
        began = self._ended
        deadline = time.monotonic() + within
        waiting = sum(count for (_, reason), count in self.expected_parked.items() if reason == "waiting")
        self.backlog.drained(deadline, waiting)
        drained = time.monotonic() - began
        if unresolved := self.records.unresolved():
            self._resolve(unresolved, time.monotonic() + RESOLVE_SECONDS)
            self.backlog.drained(max(deadline, time.monotonic() + RESOLVE_SECONDS), waiting)
        recovery = self._recovery
        if recovery is None:
            return drained
        recovery.thread.join(max(0.0, deadline - time.monotonic()))
        return time.monotonic() - recovery.began if recovery.seconds is None else recovery.seconds

    def _resolve(self, commands: list[Command], deadline: float) -> None:
        client = self.client()
        wait = threading.Event()
        while commands and time.monotonic() < deadline:
            commands = [one for one in commands if not client.send(one)]
            wait.wait(0.2)
        client.close()

    def read_log(self, within: float = 60.0, most: int = 1 << 60) -> None:
        """Take in what the log says by now, or so many records of it, and count its figures."""

        def count() -> None:
            self._recount.take(self.log, observe.genders(self.mongo))

        self.until(lambda: self._reader.read(self.log, count, most), "the log read", within)
        count()

    @property
    def reading(self) -> Reading:
        """All that has been read of the log, which may be kept, and set again in a later process on the same stack."""
        return Reading(self.log, self._reader.next, self._recount)

    @reading.setter
    def reading(self, kept: Reading) -> None:
        self.log, self._reader.next, self._recount = kept.log, kept.next, kept.recount

    # --- what is seen ----------------------------------------------------------------------------------

    def seen(self, recovery: float, bound: float) -> Seen:
        """Everything that the invariants ask for, of a stack that has settled."""
        shown = self.watching.caught_up()
        self.read_log(600)
        self.lines.read()
        processes = {
            name: one.pid
            for name, one in self.stack.running().items()
            if name not in self.stack.settings.infrastructure
        }
        emitted = observe.emitted(self.mongo)
        return Seen(
            log=self.log,
            groups=observe.groups(self.mongo),
            emitted={key: one for key, one in emitted.items() if key[0] not in self.log.foreign},
            pending=observe.pending(self.mongo),
            offsets=dict(self.offsets.values),
            commands=list(self.records.commands),
            inbound=dict(self.records.inbound),
            unsure=frozenset(self.records.inbound_unsure),
            expected_parked=dict(self.expected_parked),
            blocked=frozenset(self.blocked),
            live=observe.cells(self.mongo),
            recount=self._recount.cells,
            recovery=recovery,
            bound=bound,
            idle=observe.idle(processes, IDLE_SECONDS),
            applied=self.lines.applied,
            timers=observe.timers(self.mongo),
            fired=self.lines.fired,
            due=observe.timers_due(self.mongo),
            shown=shown,
        )
