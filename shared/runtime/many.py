"""Requests with many rows: the use case of each row, and the reads of all rows of a round, fetched at once.

A row has no idempotency key. The sender's own reference names the row's effect, and the use case finds that again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.language.decision import Subject, Work
from shared.runtime.staged import Staged
from shared.runtime.unit import Unit

UseCase = Callable[[Work], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row that a decision will ask for, and in `leads` the collection and field of the one that it names."""

    collection: str
    key: str
    leads: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """One row. use_case: idempotent by nature. subject, beside, rows: the documents that it reads."""

    use_case: UseCase
    subject: Subject | None = None
    rows: tuple[Wanted, ...] = ()
    beside: tuple[Subject, ...] = ()


@dataclass(slots=True)
class Trial:
    """The effects that the rows tried so far would have, for the rows after them."""

    staged: Staged = field(default_factory=Staged)


def fetch_ahead(wanted: Sequence[Wanted], base: Unit) -> None:
    """Fetch these rows, and those that they name, with one question for each collection."""
    _fetch([(one.collection, one.key) for one in wanted], base)
    named = [(one.leads, base.row(one.collection, one.key)) for one in wanted if one.leads is not None]
    _fetch([(leads[0], str(row[leads[1]])) for leads, row in named if row and row.get(leads[1])], base)


def _fetch(wanted: Sequence[tuple[str, str]], base: Unit) -> None:
    for collection in {name for name, _ in wanted}:
        base.fetch(collection, [key for name, key in wanted if name == collection])
