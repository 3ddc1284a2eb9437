"""The long run: a thousand kills at random while ten million events pass through; then everything is checked.

    python -m tests.chaos.long             goes on where it was interrupted, or begins
    EVENTS=200000 KILLS=20 python -m …     a shorter one
    FRESH=1                                forgets an interrupted run

A process of its own publishes the ten million as an upstream service does (`feeder`), on journeys that were begun
over HTTP. Clients of all services go on beside it, through outboxes and relays. Every process is killed, feeder,
broker and database among them. What the run remembers is in `chaos-results/long.*`, the stack's data in `long-stack`
there, or in STACK_DIR. Interrupt it at any time, however: the next call goes on. Exit 0 when it is done and every
invariant holds, 1 when one is violated or the stack cannot start, 2 when it was interrupted.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import FrameType

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError
from rich.console import Console

from tests.chaos import feeder, observe
from tests.chaos.awaiting import TimedOut
from tests.chaos.client import Records
from tests.chaos.diary import Diary, Kept
from tests.chaos.feeder import Job
from tests.chaos.invariants import Violation, check_all
from tests.chaos.load import MIX, PROVIDERS, Party
from tests.chaos.stack import CONSUMERS, STREAM, ChaosStack
from tests.chaos.together import together
from tests.chaos.upstream import AT_ONCE, ROWS, trace_of
from tests.chaos.world import FIRST_MOMENT, World
from tools.stack import Settings, broker
from tools.stack.preflight import free_port_base
from tools.stack.processes import SERVICE_PROCESSES, Process
from tools.stack.trouble import Trouble

RESULTS = Path("chaos-results")
BLOCKS = 6
"""Times AT_ONCE journeys, at most, are fed on: each then holds thousands of events, and a batch meets each often."""
EVENTS_A_BLOCK = 50_000
PARTIES = 10
READ_AT_ONCE = 50_000
READ_SECONDS, SAVE_SECONDS, SAY_SECONDS, MEMORY_SECONDS = 1.0, 60.0, 15.0, 60.0
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 0.5, 2.5
SETTLE_SECONDS = 3600.0
RECOVERS_WITHIN = 300.0
FEEDER = "feeder"
BYTES_AN_EVENT = 800
"""On disk, all told, rounded up: 650 in Kafka's log, and what the clients beside leave in MongoDB."""
LIKELY = {
    **dict.fromkeys(CONSUMERS, 4),
    **dict.fromkeys(("intake-web", "activity-tracking-web", "handover-web", "outcome-web", STREAM), 3),
    FEEDER: 2,
    "broker": 1,
    "database": 1,
}
"""How often each process is killed, relative to the others: all wait for broker and database, and feed nothing then."""


class LongRun:
    """One run on one stack."""

    def __init__(self, diary: Diary, kept: Kept, world: World, console: Console) -> None:
        self._diary = diary
        self._kept = kept
        self._world = world
        self._console = console
        self._chance = random.Random()
        self._job = world.stack.settings.folder / "feeder.json"
        self._dead: set[str] = set()
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._before = diary.seconds, diary.fed

    def run(self) -> None:
        """Feed and kill until enough of both is done. Blocks for hours; saves what it does as it goes."""
        if not self._diary.journeys:
            self._begin_journeys()
        self._feed()
        pause = threading.Event()
        last = dict.fromkeys((self._save, self._note_memory, self._maybe_kill), 0.0)
        last[self._say] = time.monotonic()
        every = {
            self._save: SAVE_SECONDS,
            self._say: SAY_SECONDS,
            self._note_memory: MEMORY_SECONDS,
        }
        self._began = time.monotonic()
        self._before = self._diary.seconds, feeder.fed(self._job) * ROWS
        reading = threading.Thread(target=self._read_along, daemon=True)
        reading.start()
        try:
            with self._world.load(clients=2, journeys=6, pace_seconds=0.15, mix={**MIX, "log_sessions": 3}):
                while not self._enough():
                    every[self._maybe_kill] = self._chance.uniform(LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS)
                    self._progressed()
                    self._revive()
                    for act, seconds in every.items():
                        if time.monotonic() - last[act] > seconds:
                            act()
                            last[act] = time.monotonic()
                    pause.wait(0.1)
        finally:
            self._stop.set()
            self._progressed()
            self._kept.write(self._diary, self._world.records)
        self._note_memory()
        self._world.stack.stop(FEEDER)
        reading.join()

    def _begin_journeys(self) -> None:
        """Over HTTP, as any other: what is fed comes after their start."""
        journeys = max(1, min(BLOCKS, self._diary.events // EVENTS_A_BLOCK)) * AT_ONCE
        self._console.print(f"beginning {journeys} journeys")
        parties: list[Party] = [self._world.party(f"first-{number}") for number in range(PARTIES)]
        begun: list[tuple[str, dict[str, int]]] = []

        def begin(party: Party) -> None:
            begun.extend((one.journey, dict(one.seen)) for one in party.begin(journeys // PARTIES, 1200))

        together(partial(begin, party) for party in parties)
        self._diary.journeys = begun
        self._kept.write(self._diary, self._world.records)

    def job(self) -> Job:
        """What the feeder is told."""
        stack = self._world.stack
        return Job(
            seed=self._diary.seed,
            journeys=self._diary.journeys,
            provider=PROVIDERS[0],
            moment=FIRST_MOMENT.isoformat(),
            chunks=self._diary.events // ROWS,
            mongo=stack.admin_mongo_uri,
            kafka=stack.kafka_config("activity-tracking"),
        )

    def _feed(self) -> None:
        """Start the feeder; it counts as ready when the broker is."""
        stack = self._world.stack
        self.job().write(self._job)
        command = (sys.executable, "-m", "tests.chaos.feeder", str(self._job))
        port = stack.settings.port("broker")
        stack.beside(Process(FEEDER, "an upstream source", command, {}, port, port, None))

    def _progressed(self) -> None:
        self._diary.fed = feeder.fed(self._job) * ROWS
        self._diary.seconds = self._before[0] + time.monotonic() - self._began

    def _enough(self) -> bool:
        return self._diary.fed >= self._diary.events and self._diary.kills_done >= self._diary.kills

    def _maybe_kill(self) -> None:
        share = min(1.0, self._diary.fed / self._diary.events)
        if self._diary.kills_done >= self._diary.kills * share:
            return
        name = self._chance.choices(list(LIKELY), list(LIKELY.values()))[0]
        if self._world.stack.entries()[name].state == "ready":
            self._world.stack.kill(name, signal.SIGKILL)
            self._diary.killed[name] = self._diary.killed.get(name, 0) + 1
            self._dead.add(name)

    def _revive(self) -> None:
        """Whoever supervises holds back a service that dies often; these died of us."""
        entries = self._world.stack.entries()
        for name in self._dead & {name for name in entries if entries[name].state != "ready"}:
            if entries[name].state == "failing" and name in SERVICE_PROCESSES:
                self._world.stack.at_once(name)
            self._dead.discard(name)

    def _read_along(self) -> None:
        """What the log says by now, so that little is left for the end; in a thread of its own, for it may lag."""
        saved = time.monotonic()
        while not self._stop.wait(READ_SECONDS):
            try:
                self._world.read_log(READ_SECONDS, READ_AT_ONCE)
            except (PyMongoError, KafkaError, OSError, TimedOut):
                continue
            if time.monotonic() - saved > SAVE_SECONDS:
                self._kept.write_reading(self._world.reading)
                saved = time.monotonic()

    def _save(self) -> None:
        self._kept.write(self._diary, self._world.records)

    def _note_memory(self) -> None:
        """Megabytes of each process, of the broker and the database too, and of this one."""
        running = {name: one.pid for name, one in self._world.stack.running().items()}
        now = {one.name: round(one.megabytes) for one in observe.idle(running, 0.01)}
        self._diary.memory.append((self._diary.fed, {**now, "this process": own_megabytes()}))

    def _say(self) -> None:
        diary, (seconds, fed) = self._diary, self._before
        rate = (diary.fed - fed) / max(1.0, diary.seconds - seconds)
        left = (diary.events - diary.fed) / max(1.0, rate) / 60
        self._console.print(
            f"{diary.fed:>10,} of {diary.events:,} events, {diary.kills_done} of {diary.kills} kills, {rate:,.0f} "
            f"events/s, {self._world.log.records:,} read, {diary.seconds / 60:.0f} min, {left:.0f} to go",
            highlight=False,
            soft_wrap=True,
        )

    def check(self) -> list[str]:
        """Settle and check every invariant; what was fed is known by arithmetic."""
        self._world.fault_ended()
        self._world.stack.ordinary()
        recovery = self._world.settle(SETTLE_SECONDS)
        self._kept.write(self._diary, self._world.records)
        answered = Records()
        self._kept.recall(answered)
        self._world.read_log(SETTLE_SECONDS)
        upstream, chunks = self.job().upstream(), self._diary.fed // ROWS
        seen = self._world.seen(recovery, RECOVERS_WITHIN)
        seen.commands = [*seen.commands, *answered.commands]
        seen.emitted = {**seen.emitted, **upstream.emitted(chunks)}
        found = check_all(seen)
        for number in range(chunks):
            times = seen.log.traces.get((trace_of(self._diary.seed, number), upstream.type), 0)
            if times != ROWS:
                found["G6"].append(Violation("G6", f"chunk {number}", f"{ROWS} sessions", str(times)))
        for name, violations in found.items():
            self._console.print(f"{name}: {'holds' if not violations else f'{len(violations)} violations'}")
        self._diary.sizes = self._sizes()
        self._console.print(
            f"{seen.log.records:,} records in the log, {seen.log.duplicates:,} of them duplicates; recovered in "
            f"{recovery:.0f} s; {len(seen.commands):,} commands",
            soft_wrap=True,
        )
        return [str(one) for violations in found.values() for one in violations[:20]]

    def _sizes(self) -> dict[str, float]:
        """Bytes an event: on disk, in the archive's documents with their indexes, and in Kafka's log."""
        world = self._world
        archive = world.mongo["activity_tracking"].command("collStats", "events")
        topic = self.job().upstream().topic
        data = broker.folder_of(world.stack.settings, "broker") / "data"
        held = sum(one.stat().st_size for one in data.glob(f"{topic}-*/*.log"))
        count = sum(end for at, end in world.backlog.ends().items() if at.topic == topic)
        events = max(1, archive["count"])
        return {
            "archived events": archive["count"],
            "bytes an archived event": archive["size"] / events,
            "on disk": archive["storageSize"] / events,
            "of its indexes": archive["totalIndexSize"] / events,
            "records in the topic": count,
            "bytes a record": held / max(1, count),
        }


def own_megabytes() -> int:
    """Resident megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * observe.PAGE_MEGABYTES)


def begin(kept: Kept) -> Diary:
    """The interrupted run, or a new one as the environment says."""
    diary = None if os.environ.get("FRESH") == "1" else kept.read()
    if diary is not None:
        return diary
    folder = Path(os.environ.get("STACK_DIR") or RESULTS) / "long-stack"
    shutil.rmtree(folder, ignore_errors=True)
    kept.forget()
    events = max(ROWS, int(os.environ.get("EVENTS") or 10_000_000) // ROWS * ROWS)
    folder.mkdir(parents=True, mode=0o700)
    if (free := shutil.disk_usage(folder).free) < events * BYTES_AN_EVENT:
        sys.exit(
            f"{events:,} events need {events * BYTES_AN_EVENT / 1e9:.0f} GB in {folder}; {free / 1e9:.0f} are free"
        )
    return Diary(
        seed=os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6)),
        events=events,
        kills=int(os.environ.get("KILLS") or 1000),
        folder=str(folder.resolve()),
        port=int(os.environ.get("STACK_PORT_BASE") or free_port_base(20_000, 30_000)),
    )


def _interrupted(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def show(console: Console, diary: Diary) -> None:
    """What it came to."""
    for problem in diary.problems:
        console.print(problem, style="red", highlight=False)
    # At a tenth every process has warmed up.
    for fed, megabytes in [diary.memory[number] for number in (0, len(diary.memory) // 10, -1)]:
        told = ", ".join(f"{name} {size}" for name, size in sorted(megabytes.items()))
        console.print(f"megabytes at {fed:,} events: {told}", highlight=False, soft_wrap=True)
    console.print(", ".join(f"{name} {value:,.0f}" for name, value in diary.sizes.items()), highlight=False)
    console.print(
        f"{diary.fed:,} events, {diary.kills_done} kills, {diary.seconds / 60:.0f} min, "
        f"{diary.fed / max(1.0, diary.seconds):,.0f} events/s, started {diary.begun} times: {diary.killed}",
        highlight=False,
        soft_wrap=True,
    )


def main() -> int:
    """Go on, or begin."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    console = Console()
    kept = Kept(RESULTS / "long.json")
    diary = begin(kept)
    diary.begun += 1
    settings = Settings(diary.port, Path(diary.folder), log_level="WARNING")
    console.print(
        f"SEED={diary.seed}, start {diary.begun}: {diary.fed:,} events and {diary.kills_done} kills done"
    )
    with ChaosStack(settings) as stack:
        world = World(stack, f"{diary.seed}/{diary.begun}")
        if (reading := kept.read_reading()) is not None:
            world.reading = reading
        world.log.keeps_causes = False
        world.begin(0)
        kept.go_on(world.records)
        run = LongRun(diary, kept, world, console)
        try:
            run.run()
            diary.problems = run.check()
        except KeyboardInterrupt:
            kept.write(diary, world.records)
            console.print("interrupted: the next call goes on")
            return 2
        diary.done = True
        kept.write(diary, world.records)
        world.close()
    show(console, diary)
    if not diary.problems:
        shutil.rmtree(diary.folder, ignore_errors=True)
    return 1 if diary.problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"{trouble}")
