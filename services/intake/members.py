"""What a programme's file says of who takes part, made into entries of the register, once. No rule lives here.

A version of a programme carries rules only. A file may still name organisations: what the register does not hold yet
becomes a unit and its membership, from the programme's first day on. Whatever the register holds stays as it is.
"""

from collections.abc import Sequence
from datetime import date

from services.intake.domain.register import begun, changed, named_by, with_first_day
from shared.language.decision import Change, Work
from shared.language.events import Organisation
from shared.language.programmes import Programme
from shared.language.register import Entry, Membership, Unit
from shared.language.register_rows import COUNT, COUNTS, REGISTER, rows_of, subject_of_entry

MOST_MEMBERSHIPS = 100
"""Of one unit in one programme; each ends before the next begins."""


def register_members(work: Work, versions: Sequence[tuple[Programme, date]]) -> list[Membership]:
    """Register whom the versions of one programme name, as far as the register does not hold them.

    versions: the older first, each with the day of its publication. Returns the memberships that are new.
    """
    new = []
    for unit, membership in named_by(versions):
        known: Unit | None = work.find(subject_of_entry(unit))
        anew = unit if known is None else with_first_day(known, unit)
        if anew != known:
            keep_entry(work, anew, known)
        if not memberships_of(work, membership.unit, membership.programme):
            keep_entry(work, membership, None)
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
    """The unit's memberships in the programme that earlier decisions saved, by their ids; a handful."""
    where = {"unit": unit, "programme": programme}
    rows = work.rows(REGISTER, where, order="_id", after=None, limit=MOST_MEMBERSHIPS)
    return [work.get(row["_id"]) for row in rows]


def keep_entry(work: Work, entry: Entry, before: Entry | None) -> None:
    """Make an entry durable as it is now, and tell every service."""
    fact = begun(entry, work.at) if before is None else changed(entry, work.at)
    rows = rows_of(entry, work.row(COUNTS, COUNT))
    work.save(subject_of_entry(entry), Change(entry, events=(fact,), rows=rows))
