"""How entries of the register become durable, and what a programme's file makes of those whom it names.

No rule lives here. A version of a programme carries rules only. A file may still name organisations: what the register
does not hold yet becomes a unit and its membership, from the programme's first day on. Whatever the register holds
stays as it is.
"""

from collections.abc import Sequence
from datetime import date

from services.intake.domain.register import Said, done_to, fact_of, named_by, stand_row, with_first_day
from shared.language.decision import Change, Row, Work
from shared.language.events import Organisation
from shared.language.programmes import Programme
from shared.language.register import Entry, Membership, Unit
from shared.language.register_rows import COUNT, COUNTS, rows_of, subject_of_entry

MOST_MEMBERSHIPS = 100
"""Of one unit in one programme; each ends before the next begins."""
MOST_PROGRAMMES = 500
"""Of one unit."""
OF_UNITS = "unit_memberships"
"""What a unit is a member of, found by key: `{programmes}` by `<unit>`, and `{ids}` by `<unit>@<programme>`."""


def register_members(work: Work, versions: Sequence[tuple[Programme, date]]) -> list[Membership]:
    """Register whom the versions of one programme name, as far as the register does not hold them.

    versions: the older first, each with the day of its publication. Returns the memberships that are new.
    """
    new = []
    said = Said(why=f"Named in the file of {versions[-1][0].key}.")
    for unit, membership in named_by(versions):
        known: Unit | None = work.find(subject_of_entry(unit))
        anew = unit if known is None else with_first_day(known, unit)
        if anew != known:
            keep_entry(work, anew, known, said)
        if not memberships_of(work, membership.unit, membership.programme):
            keep_entry(work, membership, None, said)
            new.append(membership)
    return new


def held_otherwise(work: Work, programme: Programme) -> list[Organisation]:
    """The organisations that the file names with other roles than they hold in the register, which stands."""
    found = []
    for one in programme.organisations:
        held = {role for had in memberships_of(work, one.id, programme.id) for role in had.roles}
        if held and held != set(one.roles):
            found.append(one.id)
    return found


def memberships_of(work: Work, unit: str, programme: str) -> list[Membership]:
    """The unit's memberships in the programme, at most MOST_MEMBERSHIPS, as this transaction sees them."""
    row = work.row(OF_UNITS, f"{unit}@{programme}")
    return [work.get(one) for one in (row["ids"] if row else ())]


def programmes_of(work: Work, unit: str) -> list[str]:
    """The programmes in which the unit has or had a membership, as this transaction sees them."""
    row = work.row(OF_UNITS, unit)
    return row["programmes"] if row else []


def keep_entry(
    work: Work, entry: Entry, before: Entry | None, said: Said, beside: Sequence[Row] = ()
) -> None:
    """Make an entry durable as it is now, and tell every service.

    said: why, and who says it; no event has it. beside: rows that change with the entry.
    """
    subject, what = subject_of_entry(entry), done_to(entry, before)
    held, count = rows_of(entry, work.row(COUNTS, COUNT))
    rows = [*beside, held, count, stand_row(entry, what, said, count.body["at"], work.at)]
    if isinstance(entry, Membership) and before is None:
        rows += _of_unit(work, entry)
    work.save(subject, Change(entry, events=(fact_of(entry, what, work.at),), rows=tuple(rows)))


def _of_unit(work: Work, entry: Membership) -> list[Row]:
    key = f"{entry.unit}@{entry.programme}"
    known, programmes = work.row(OF_UNITS, key), programmes_of(work, entry.unit)
    ids = [*(known["ids"] if known else ()), subject_of_entry(entry)]
    rows = [Row(OF_UNITS, key, {"ids": ids})]
    if entry.programme not in programmes:
        rows.append(Row(OF_UNITS, entry.unit, {"programmes": [*programmes, entry.programme]}))
    return rows
