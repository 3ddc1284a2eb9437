"""The long run: a thousand kills at random while ten million events pass through; then everything is checked.

    python -m tests.chaos.long             goes on where it was interrupted, or begins
    EVENTS=200000 KILLS=40 python -m …     a shorter one
    FRESH=1                                forgets an interrupted run

What it remembers is in `chaos-results/long.json`, the stack's data in `long-stack` there, or in STACK_DIR. Interrupt it
at any time, however: the next call goes on. Exit 0 when it is done and every invariant holds, 1 when one is violated,
2 when it was interrupted.
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

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError
from rich.console import Console

from deploy.local import Settings
from deploy.local.preflight import free_port_base
from tests.chaos import observe
from tests.chaos.awaiting import Never
from tests.chaos.diary import Diary, Kept
from tests.chaos.feeder import ROWS, Feeder, trace_of
from tests.chaos.invariants import Violation, check_all
from tests.chaos.load import EVENT, MIX, PROVIDERS, Party
from tests.chaos.stack import CONSUMERS, ChaosStack
from tests.chaos.together import together
from tests.chaos.world import World

RESULTS = Path("chaos-results")
MOST_JOURNEYS, LEAST_JOURNEYS = 1200, 60
MOST_BEHIND = 40_000
"""Events unpublished or unread beyond which nothing more is given: memory and patience are bounded."""
READ_EVERY = 200_000
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 5.0
SAVE_SECONDS = 5.0
SETTLE_SECONDS = 3600.0
RECOVERS_WITHIN = 300.0
KILLABLE = (
    *CONSUMERS,
    "intake-web",
    "activity-tracking-web",
    "handover-web",
    "outcome-web",
    "broker",
    "database",
)


class LongRun:
    """One run on one stack."""

    def __init__(self, diary: Diary, kept: Kept, world: World, console: Console) -> None:
        self._diary = diary
        self._kept = kept
        self._world = world
        self._console = console
        self._chance = random.Random()
        self._stop = threading.Event()
        self._behind = 0
        self._read_at = diary.chunks * ROWS
        self._trouble: list[BaseException] = []

    def run(self) -> None:
        """Feed and kill until enough of both is done. Blocks for hours; saves what it does as it goes."""
        if not self._diary.journeys:
            self._begin_journeys()
        uri = self._world.stack.env_for("activity-tracking")["MONGODB_URI"]
        feeder = Feeder(uri, self._diary.seed, self._diary.journeys, PROVIDERS[0], self._world.today)
        thread = threading.Thread(target=self._feed, args=(feeder,), daemon=True)
        began, before, saved = time.monotonic(), self._diary.seconds, 0.0
        quiet = {**MIX, "log_sessions": 0.5}
        with self._world.load(clients=2, journeys=6, pace_seconds=0.15, mix=quiet):
            thread.start()
            try:
                while not self._enough() and not self._trouble:
                    self._maybe_kill()
                    self._look()
                    self._diary.seconds = before + time.monotonic() - began
                    if time.monotonic() - saved > SAVE_SECONDS:
                        self._kept.write(self._diary, self._world.records)
                        self._say()
                        saved = time.monotonic()
            finally:
                self._stop.set()
                thread.join(60)
                self._kept.write(self._diary, self._world.records)
        feeder.close()
        if self._trouble:
            raise self._trouble[0]

    def _begin_journeys(self) -> None:
        journeys = max(LEAST_JOURNEYS, min(MOST_JOURNEYS, self._diary.events // 2000))
        self._console.print(f"beginning {journeys} journeys")
        parties: list[Party] = [self._world.party(f"first-{number}") for number in range(6)]
        begun: list[str] = []
        together(
            partial(
                lambda party: begun.extend(one.journey for one in party.begin(journeys // 6, 1200)), party
            )
            for party in parties
        )
        self._diary.journeys = begun
        self._kept.write(self._diary, self._world.records)

    def _enough(self) -> bool:
        return self._diary.chunks * ROWS >= self._diary.events and self._diary.kills_done >= self._diary.kills

    def _feed(self, feeder: Feeder) -> None:
        try:
            while not self._stop.is_set() and self._diary.chunks * ROWS < self._diary.events:
                if self._behind > MOST_BEHIND:
                    self._stop.wait(0.2)
                elif feeder.give(self._diary.chunks, self._stop):
                    self._diary.chunks += 1
        except BaseException as error:  # noqa: BLE001 - raised by the run itself
            self._trouble.append(error)

    def _maybe_kill(self) -> None:
        share = self._diary.chunks * ROWS / self._diary.events
        due = self._diary.kills_done < self._diary.kills * min(1.0, share)
        self._stop.wait(self._chance.uniform(LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS) if due else 0.5)
        if not due:
            return
        name = self._chance.choice(KILLABLE)
        if self._world.stack.entries()[name].state == "ready":
            self._world.stack.kill(name, signal.SIGKILL)
            self._diary.killed[name] = self._diary.killed.get(name, 0) + 1

    def _look(self) -> None:
        """How far behind the stack is; and now and then what the log says, so that little is left for the end."""
        try:
            self._behind = sum(observe.pending(self._world.mongo).values()) + max(self._world.lag().values())
            if self._diary.chunks * ROWS - self._read_at > READ_EVERY:
                self._read_at = self._diary.chunks * ROWS
                self._world.read_log()
        except (PyMongoError, KafkaError, OSError, Never):
            return

    def _say(self) -> None:
        events = self._diary.chunks * ROWS
        rate = events / max(1.0, self._diary.seconds)
        left = (self._diary.events - events) / max(1.0, rate) / 60
        self._console.print(
            f"{events:>10,} of {self._diary.events:,} events, {self._diary.kills_done} of {self._diary.kills} kills, "
            f"{rate:,.0f} events/s, {self._behind:,} behind, {self._diary.seconds / 60:.0f} min, {left:.0f} min to go",
            highlight=False,
        )

    def check(self) -> list[str]:
        """Settle and check every invariant; the feeder's chunks are commands as well."""
        self._world.over()
        self._world.stack.ordinary()
        recovery = self._world.settle(SETTLE_SECONDS)
        seen = self._world.seen(recovery, RECOVERS_WITHIN)
        found = check_all(seen)
        for number in range(self._diary.chunks):
            times = seen.log.traces.get((trace_of(self._diary.seed, number), EVENT["log_sessions"]), 0)
            if times != ROWS:
                found["G6"].append(Violation("G6", f"chunk {number}", f"{ROWS} sessions", str(times)))
        for name, violations in found.items():
            self._console.print(f"{name}: {'holds' if not violations else f'{len(violations)} violations'}")
        self._console.print(
            f"{seen.log.records:,} records in the log, {seen.log.duplicates:,} of them duplicates"
        )
        return [str(one) for violations in found.values() for one in violations[:20]]


def begin(kept: Kept) -> Diary:
    """The interrupted run, or a new one as the environment says."""
    diary = None if os.environ.get("FRESH") == "1" else kept.read()
    if diary is not None:
        return diary
    folder = Path(os.environ.get("STACK_DIR") or RESULTS) / "long-stack"
    shutil.rmtree(folder, ignore_errors=True)
    kept.forget()
    return Diary(
        seed=os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6)),
        events=int(os.environ.get("EVENTS") or 10_000_000),
        kills=int(os.environ.get("KILLS") or 1000),
        folder=str(folder.resolve()),
    )


def main() -> int:
    """Go on, or begin."""
    console = Console()
    kept = Kept(RESULTS / "long.json")
    diary = begin(kept)
    diary.begun += 1
    port = int(os.environ.get("STACK_PORT_BASE") or free_port_base(20_000, 30_000))
    settings = Settings(port, Path(diary.folder), log_level="WARNING")
    console.print(
        f"SEED={diary.seed}, start {diary.begun}: {diary.chunks * ROWS:,} events and {diary.kills_done} kills done"
    )
    with ChaosStack(settings) as stack:
        world = World(stack, f"{diary.seed}/{diary.begun}")
        world.log.keeps_causes = False
        world.begin(0)
        kept.recall(world.records)
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
    for problem in diary.problems:
        console.print(problem, style="red", highlight=False)
    if not diary.problems:
        shutil.rmtree(diary.folder, ignore_errors=True)
    minutes = diary.seconds / 60
    console.print(
        f"{diary.chunks * ROWS:,} events, {diary.kills_done} kills, {minutes:.0f} min: {diary.killed}"
    )
    return 1 if diary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
