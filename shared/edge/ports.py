"""The protocols through which the edge uses the runtime: to run commands, and to read the clock."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Protocol, cast

from flask import Flask, current_app

from shared.language.access import Known
from shared.language.decision import Subject, Vector
from shared.language.errors import Busy, Refused
from shared.language.events import Organisation
from shared.runtime.commands import Again, Answer
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.many import OneOfMany, UseCase
from shared.runtime.reads import Reading

EXTENSION, PROVIDED, OPERATORS = "journeys", "journeys-provided", "journeys-operators"


class RunsCommands(Protocol):
    """Runs the use cases of one service; `shared.runtime.commands.Commands` says what each promises."""

    @property
    def fingerprints(self) -> Fingerprints:
        """The fingerprints by which keys and contents are recognised without being stored."""

    def run(
        self,
        use_case: UseCase,
        *,
        key: str | None,
        body: bytes,
        subject: Subject | None,
        vector: Vector,
        organisation: str = "",
        again: Again | None = None,
    ) -> Answer:
        """Decide and make durable, once per key."""

    def run_rows(
        self, rows: Iterable[OneOfMany], *, organisation: str = "", trial: bool = False
    ) -> Iterator[Answer | Refused | Busy]:
        """Decide the rows of one request, each for itself."""

    def read(
        self, use_case: UseCase, *, subject: Subject | None, vector: Vector, organisation: str = ""
    ) -> Answer:
        """Answer from one snapshot, changing nothing."""

    def account(self, reading: Reading) -> None:
        """Note who read what, before the answer leaves."""

    def judge(self, right: Callable[[Known], None]) -> None:
        """Judge a right that rests on what was published alone."""

    def look_again(self) -> None:
        """Let this process see at once what it has changed in the register."""


class TellsTime(Protocol):
    """The service's clock. driven: operators may move it."""

    driven: bool

    def now(self) -> datetime:
        """The moment, UTC."""

    def move(self, at: datetime) -> datetime:
        """Move a driven clock forward. Returns where it stands."""


def install(
    app: Flask,
    commands: RunsCommands,
    provided: object = None,
    operators: Collection[Organisation] = frozenset(),
) -> None:
    """Give the application what runs its commands, what its own routes need beside a `Work`, and who operates it."""
    app.extensions[EXTENSION] = commands
    app.extensions[PROVIDED] = provided
    app.extensions[OPERATORS] = frozenset(operators)


def operators_of_this_app() -> Collection[Organisation]:
    """The organisations whose operators operate the application that answers this request."""
    return cast(Collection[Organisation], current_app.extensions[OPERATORS])


def commands_of_this_app() -> RunsCommands:
    """The `RunsCommands` of the application that answers this request."""
    return cast(RunsCommands, current_app.extensions[EXTENSION])


def provided_to_this_app() -> object:
    """What the service provides to the routes of the application that answers this request; None: nothing."""
    return cast(object, current_app.extensions[PROVIDED])
