"""How a service keeps the register: a row an entry, and a count that rises with every change.

By the count a process fetches what is new and nothing else. Whoever changes the register writes the count, so two
changes at the same moment come one after the other.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.language.decision import Row, Subject
from shared.language.register import KINDS, Entry, Membership, kind_of_entry

REGISTER = "register"
"""Rows by subject: `kind`, the entry's `body`, `n`, the number of the event that said so, and `at`, the count then."""
COUNTS = "register_counts"
COUNT = "register"
"""Names the one row of `COUNTS`, `{at}`."""


def subject_of_entry(entry: Entry) -> Subject:
    """The entry's subject, such as `unit/kafe-solrosen`."""
    return Subject(f"{kind_of_entry(entry)}/{entry.id}")


def rows_of(entry: Entry, count: Mapping[str, Any] | None, number: int = 0) -> tuple[Row, Row]:
    """The entry's row, and the count after it. count: the row of the count as it is, or None."""
    at = 1 + (count["at"] if count else 0)
    body: dict[str, Any] = {
        "kind": kind_of_entry(entry),
        "n": number,
        "at": at,
        "body": msgspec.to_builtins(entry),
    }
    if isinstance(entry, Membership):
        body |= {"unit": entry.unit, "programme": entry.programme}
    return Row(REGISTER, subject_of_entry(entry), body), Row(COUNTS, COUNT, {"at": at})


def entry_in(row: Mapping[str, Any]) -> Entry:
    """The entry that the row holds."""
    return msgspec.convert(row["body"], KINDS[row["kind"]])
