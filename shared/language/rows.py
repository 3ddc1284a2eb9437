"""Entries as the rows that hold them: documents of their own, so that no state grows with their number."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared.language.decision import Row, Work

AT_ONCE = 500
"""Rows that are read at once."""

Entry = TypeVar("Entry")


def as_row(collection: str, key: str, entry: Any) -> Row:
    """An entry as its row: days become ISO strings, moments stay as they are."""
    return Row(collection, key, msgspec.to_builtins(entry, builtin_types=(datetime,)))


def entry_of(kind: type[Entry], row: Mapping[str, Any]) -> Entry:
    """The entry that `as_row` made the row of."""
    return msgspec.convert(row, kind)


def every_row(
    work: Work,
    collection: str,
    where: Mapping[str, Any],
    *,
    order: str,
    after: Any = None,
    at_once: int = AT_ONCE,
) -> Iterator[Mapping[str, Any]]:
    """All rows whose fields equal `where`, ascending by one field, as `Work.rows` has it; read page by page.

    at_once: rows of a page.
    """
    while rows := work.rows(collection, where, order=order, after=after, limit=at_once):
        yield from rows
        if len(rows) < at_once:
            return
        after = rows[-1][order]
