"""Entries as the rows that hold them: documents of their own, so that no state grows with their number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared.language.decision import Row

Entry = TypeVar("Entry")


def as_row(collection: str, key: str, entry: Any) -> Row:
    """An entry as its row: days become ISO strings, moments stay as they are."""
    return Row(collection, key, msgspec.to_builtins(entry, builtin_types=(datetime,)))


def entry_of(kind: type[Entry], row: Mapping[str, Any]) -> Entry:
    """The entry that `as_row` made the row of."""
    return msgspec.convert(row, kind)
