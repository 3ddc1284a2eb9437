"""Decisions as plain values: the pure domain returns them, and the runtime makes them durable.

Nothing here does I/O. A subject is `<kind>/<id>` (`journey/…`, `output/…`, `participant/…`,
`programme/<id>@<version>`). Its state is one document, and its events are numbered 1, 2, 3 … without holes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NewType, Protocol, TypeVar

import msgspec

from shared.language.events import Fact, Source
from shared.language.messages import Message
from shared.language.programmes import Programmes
from shared.language.register import Register

Subject = NewType("Subject", str)
Vector = Mapping[str, int]
"""{source: how many of its events on this subject have been applied}."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Row:
    """A document of its own, so that no array in a state grows: replaces the row with that key, or is new."""

    collection: str
    key: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Add:
    """Amounts to add to counters of one document; the runtime sums all that one batch adds.

    key: the document; `cells`: {field: amount}. `also`: fields set when the document is new.
    """

    collection: str
    key: str
    cells: Mapping[str, int]
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timer:
    """A command to be given to this subject at `due` (UTC), once, however many instances run."""

    key: str
    due: datetime
    command: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to one organisation, ordered after the earlier ones of this subject.

    It becomes the next change of that organisation's numbered sequence.
    """

    organisation: str
    body: Message


@dataclass(frozen=True, slots=True)
class Notice:
    """The last word on this subject, on a compacted topic of the service's own: a later one takes its place."""

    body: Message


@dataclass(frozen=True, slots=True)
class Change(Generic[S]):
    """The result of a decision. An unchanged `state` and nothing else means: nothing happened.

    removes: rows to remove, each as its collection and key. cancels: keys of timers to remove. An unknown key is no
    error.
    """

    state: S
    events: Sequence[Fact] = ()
    rows: Sequence[Row] = ()
    removes: Sequence[tuple[str, str]] = ()
    adds: Sequence[Add] = ()
    timers: Sequence[Timer] = ()
    cancels: Sequence[str] = ()
    replies: Sequence[Reply] = ()
    notices: Sequence[Notice] = ()


class Received(msgspec.Struct, frozen=True):
    """One event as it reached this service: its body and its origin.

    after: the vector of this subject that its emitter had applied. extra: added by the service's own `enrich` from
    its database, for data that may not travel in an event.
    """

    subject: Subject
    source: Source
    seq: int
    type: str
    body: Fact
    after: Vector
    extra: Any = None


Fold = Callable[[Any, Received, Programmes], Change[Any]]
"""(state or None, event, programmes) -> Change: pure; raises Unready when the event must wait."""

TimerFold = Callable[[Any, Timer, datetime, Programmes], Change[Any]]
"""(state, timer, at) -> Change: pure; a timer that no longer matters returns the state unchanged."""


class Repository(Protocol):
    """Maps one service's states to documents. Satisfied by each service's `repository.py`."""

    collection: str
    """The business collection that holds every subject's state."""

    def write(self, state: Any) -> dict[str, Any]:
        """The state as a document that MongoDB takes (dates as ISO strings, datetimes as they are)."""

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Any:
        """The state that `write` made the document of, now or in an earlier version. Raises StateUnreadable."""


def subject_of(kind: str, key: str) -> Subject:
    """The subject of that kind."""
    return Subject(f"{kind}/{key}")


ARCHIVE = "events"
"""Every event that the service said, sent or not yet; its rows outlive their sending, answers to records by a day."""


def event_id(subject: Subject, number: int) -> str:
    """The key, in ARCHIVE, of the event that this service said of the subject under this number."""
    return f"{subject}:{number:08d}"


def kind_of(subject: Subject) -> str:
    """`journey` of `journey/j-…`."""
    return subject.partition("/")[0]


def key_of(subject: Subject) -> str:
    """`j-…` of `journey/j-…`."""
    return subject.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Skip:
    """The beginning of a page of rows: after the first `rows` of the list.

    beyond: what the list begins after, as where a page has no `Skip`; None: it is whole.
    """

    rows: int
    beyond: Any = None


class Work(Protocol):
    """The data of a use case while it decides one command; everything here shares one transaction.

    Handlers take a Work; tests give them a fake in memory. All reads see one snapshot. Saved states become durable
    together with their events, or not at all.
    """

    @property
    def programmes(self) -> Programmes:
        """Every published version that this service has taken in."""

    @property
    def register(self) -> Register:
        """Who takes part, as this service knows it; a change may take a second to be seen."""

    @property
    def at(self) -> datetime:
        """The moment of the decision, UTC, by the service's clock."""

    def find(self, subject: Subject) -> Any | None:
        """The subject's state, or None."""

    def get(self, subject: Subject) -> Any:
        """The subject's state. Raises Unknown, StateUnreadable."""

    def readable(self, subject: Subject) -> Any | None:
        """The subject's state, or None where this release cannot read it, which is logged. Raises Unknown."""

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """A row saved earlier, or None."""

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: Any, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Rows whose fields equal `where`, ascending by one field, at most `limit`.

        after: the beginning: beyond that value of the field, after the first rows (`Skip`), or, None, at the first. A
        field of `where` may also be one of several, `{"$in": […]}`, or anything but one, `{"$ne": …}`; `$or` holds
        several such conditions. Sees rows that earlier units saved. `order` must be unique among the rows, or pages
        may leave some out.
        """

    def load(self, subjects: Iterable[Subject]) -> None:
        """Fetch these states at once, so that asking for each costs nothing more."""

    def fetch(self, collection: str, keys: Collection[str]) -> None:
        """Fetch these rows at once, whether they are there or not."""

    def revision(self, subject: Subject) -> int:
        """How often commands and timers have changed the subject here; 0 for a new subject."""

    def save(self, subject: Subject, change: Change[S]) -> S:
        """Make the change durable when the use case returns. Returns the new state."""

    def new_id(self, prefix: str) -> str:
        """A random id such as `j-7f3k…`: the prefix, then 26 characters of [0-9a-z] without i, l, o, u."""


Settles = Callable[[Work, Change[Any]], Change[Any]]
"""(work, a timer's change) -> the change with its effects on other subjects, which it saves itself."""


@dataclass(frozen=True, slots=True)
class TimerUseCase:
    """Carries out timers that need more than their own subject.

    of: what a timer is about; due timers about the same are carried out together. carry_out: (work, these timers) ->
    None; saves what it decides.
    """

    of: Callable[[Timer], str]
    carry_out: Callable[[Work, Sequence[Timer]], None]
