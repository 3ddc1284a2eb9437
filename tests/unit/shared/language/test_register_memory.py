"""What the register takes in each process that holds it."""

import tracemalloc

from bson import BSON

from shared.language.register import KnownRegister
from shared.language.register_rows import entry_in, rows_of
from tests.support.many_members import MEMBERSHIPS, UNITS, entries

MOST_BYTES = 25_000_000
PART = 8
"""An eighth of the field is measured, with an eighth of the bytes: what is held grows with the entries alone."""


def test_twelve_thousand_units_and_their_memberships_fit_into_a_process() -> None:
    """As a process reads them: from rows of the database, each with texts of its own."""
    units, memberships = UNITS // PART, MEMBERSHIPS // PART
    rows = [
        BSON.encode({"_id": row.key, **row.body})
        for row, _ in (rows_of(one, None) for one in entries(units, memberships))
    ]
    tracemalloc.start()
    try:
        known = KnownRegister().with_entries(entry_in(BSON(row).decode()) for row in rows)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    ids = [f"butik-{number:05d}" for number in range(units)]
    assert sum(known.unit(one) is not None for one in ids) == units
    assert sum(len(known.memberships(u, p)) for u in ids for p in known.programmes_of(u)) == memberships
    assert held <= MOST_BYTES // PART, f"{held * PART / 1e6:.1f} MB"
