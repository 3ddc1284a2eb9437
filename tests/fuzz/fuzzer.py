"""The one shape of all fuzzers, and how one is driven: known harm first, then chance, until its time is up."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from tests.fuzz.findings import Counts, Findings, Outcome, Problem
from tests.fuzz.world import World

LOOK_SECONDS = 2.0
SMALLER_TRIES = 24
SMALLER_SECONDS = 12.0


class Trial(Protocol):
    """One thing to send, or several in a row."""

    def simpler(self) -> Iterator[Self]:
        """Trials with one part less; none when nothing can be left out."""

    def __str__(self) -> str:
        """What makes it again, in a form that can be read."""


T = TypeVar("T", bound=Trial)


class Broken(Exception):
    """The stack no longer does its work because of what was sent: nothing more is learnt on it.

    lost: what came of the batch; guilty: the trial at which it stands.
    """

    def __init__(self, said: str, lost: Outcome, guilty: Trial) -> None:
        super().__init__(said)
        self.lost = lost
        self.guilty = guilty


class Fuzzer(ABC, Generic[T]):
    """Sends trials of one kind and judges what comes of them."""

    name: ClassVar[str]
    batch: ClassVar[int] = 1
    """How many trials go together."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance

    def prepare(self) -> None:
        """Make what it needs on the running stack. Nothing, unless a fuzzer says otherwise."""

    @abstractmethod
    def known(self) -> Sequence[T]:
        """What has done harm before: always sent first."""

    @abstractmethod
    def generated(self) -> T:
        """The next trial of the seed's."""

    @abstractmethod
    def attempt(self, trials: Sequence[T]) -> Outcome:
        """Send them and judge. Raises Broken when the stack no longer works."""

    def finish(self) -> Outcome:
        """What is judged once, at the end. Nothing, unless a fuzzer says otherwise."""
        return Outcome()


class Driver:
    """Drives one fuzzer for its time."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def drive(self, fuzzer: Fuzzer[T], seconds: float) -> Counts:
        """Known trials all, then generated ones until the seconds are up. Returns what was counted."""
        counts = Counts(fuzzer.name)
        began = time.monotonic()
        looked = began
        sent: Sequence[T] = ()
        fuzzer.prepare()
        try:
            known = fuzzer.known()
            for sent in self._batches(fuzzer, known, seconds):
                outcome = fuzzer.attempt(sent)
                if counts.sent < len(known):
                    counts.known_refused += outcome.refused
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    outcome.problems += fuzzer.world.watch.look()
                self._judge(fuzzer, sent, outcome, counts, began)
                if self._findings.enough:
                    break
            last = fuzzer.finish()
            last.problems += fuzzer.world.watch.look()
            self._judge(fuzzer, sent, last, counts, began)
        except Broken as broken:
            fuzzer.world.broken = True
            counts.cut_short = str(broken)
            self._judge(fuzzer, (), broken.lost, counts, began, broken.guilty)
        counts.seconds = time.monotonic() - began
        counts.megabytes = dict(fuzzer.world.watch.peaks)
        return counts

    @staticmethod
    def _batches(fuzzer: Fuzzer[T], known: Sequence[T], seconds: float) -> Iterator[Sequence[T]]:
        """Those that are known, all; then generated ones for so long."""
        for at in range(0, len(known), fuzzer.batch):
            yield known[at : at + fuzzer.batch]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield [fuzzer.generated() for _ in range(fuzzer.batch)]

    def _judge(
        self,
        fuzzer: Fuzzer[T],
        trials: Sequence[T],
        outcome: Outcome,
        counts: Counts,
        began: float,
        guilty: Trial | None = None,
    ) -> None:
        counts.outcome.add(outcome)
        for problem in outcome.problems:
            if self._findings.new(fuzzer.name, problem.kind):
                smallest: Sequence[Trial] = (
                    [guilty] if guilty else self._smallest(fuzzer, trials, problem.kind)
                )
                self._note(fuzzer, problem, "\n".join(map(str, smallest)), began)

    def _note(self, fuzzer: Fuzzer[T], problem: Problem, trial: str, began: float) -> None:
        finding = self._findings.keep(fuzzer.name, problem, trial, time.monotonic() - began)
        fuzzer.world.say(f"[red]found[/] {fuzzer.name}: {finding.kind} ({finding.seconds:.0f} s)")

    @staticmethod
    def _smallest(fuzzer: Fuzzer[T], trials: Sequence[T], kind: str) -> Sequence[Trial]:
        """One trial that does the same alone, with as little in it as a few tries leave; all, where none does."""
        until = time.monotonic() + SMALLER_SECONDS
        tries = 0

        def same(one: T) -> bool:
            nonlocal tries
            tries += 1
            in_time = tries <= SMALLER_TRIES and time.monotonic() < until
            return in_time and any(problem.kind == kind for problem in fuzzer.attempt([one]).problems)

        if fuzzer.world.broken or kind.startswith(("process", "memory")):
            return trials
        guilty = trials[0] if len(trials) == 1 else next((one for one in trials if same(one)), None)
        if guilty is None:
            return trials
        while smaller := next((one for one in guilty.simpler() if same(one)), None):
            guilty = smaller
        return [guilty]
