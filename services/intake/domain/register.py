"""The register as intake changes it: what is said of an entry, what stays of it, what a file makes of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from shared.language import register_events as e
from shared.language.access import Actor
from shared.language.days import day_of, days_after
from shared.language.decision import Row
from shared.language.events import Fact, Organisation
from shared.language.programmes import Programme
from shared.language.register import KINDS, Entry, LegalPerson, Membership, Site, Unit
from shared.language.register_rows import subject_of_entry

Doing = Literal["registered", "changed", "ended"]

HISTORY = "register_history"
"""A row for each time that something was said of an entry: `Stand`, by `<subject>:<number>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Why something is said of an entry, and who says it; None: a programme's file. It leaves intake in no event."""

    why: str
    by: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """An entry as it was said once. number: the register's count then, which rises with every change. at: UTC."""

    subject: str
    number: int
    what: Doing
    said: Mapping[str, Any]
    why: str
    organisation: Organisation | None
    person: str | None
    at: datetime

    @property
    def entry(self) -> Entry:
        """The entry as it was then."""
        return msgspec.convert(self.said, KINDS[self.subject.partition("/")[0]])


def stand_key(subject: str, number: int) -> str:
    """The key of a row of HISTORY; the keys of one subject sort by number."""
    return f"{subject}:{number:08d}"


def stand_row(entry: Entry, what: Doing, said: Said, number: int, at: datetime) -> Row:
    """The row that keeps what is said of the entry now."""
    subject, by = subject_of_entry(entry), said.by
    stand = Stand(
        subject=subject,
        number=number,
        what=what,
        said=msgspec.to_builtins(entry),
        why=said.why,
        organisation=None if by is None else by.organisation,
        person=None if by is None else by.person,
        at=at,
    )
    body = msgspec.to_builtins(stand, builtin_types=(datetime,))
    return Row(HISTORY, stand_key(subject, number), body)


def done_to(entry: Entry, before: Entry | None) -> Doing:
    """What becomes of an entry by being as it is now. It ends when its last day is set, or set anew."""
    if before is None:
        return "registered"
    if isinstance(entry, LegalPerson) or isinstance(before, LegalPerson):
        return "changed"
    return "ended" if entry.last_day not in (None, before.last_day) else "changed"


def fact_of(entry: Entry, what: Doing, at: datetime) -> Fact:
    """What every service is told of the entry."""
    on = day_of(at)
    match entry:
        case LegalPerson():
            person = e.LegalPersonRegistered if what == "registered" else e.LegalPersonChanged
            return person(occurred_on=on, recorded_at=at, legal_person=entry)
        case Unit():
            return UNIT_FACTS[what](occurred_on=on, recorded_at=at, unit=entry)
        case Membership():
            return MEMBERSHIP_FACTS[what](occurred_on=on, recorded_at=at, membership=entry)


UNIT_FACTS: Mapping[Doing, type[e.UnitRegistered] | type[e.UnitChanged] | type[e.UnitEnded]] = {
    "registered": e.UnitRegistered,
    "changed": e.UnitChanged,
    "ended": e.UnitEnded,
}
MEMBERSHIP_FACTS: Mapping[
    Doing, type[e.MembershipBegun] | type[e.MembershipChanged] | type[e.MembershipEnded]
] = {
    "registered": e.MembershipBegun,
    "changed": e.MembershipChanged,
    "ended": e.MembershipEnded,
}


def named_by(versions: Sequence[tuple[Programme, date]]) -> Iterator[tuple[Unit, Membership]]:
    """The units that the versions of one programme name, each with its membership.

    versions: the older first, each with the day of its publication. A membership begins on the programme's first day,
    and has the roles of the newest version that names the unit. It ended where a later version names it no more.
    """
    newest: dict[Organisation, int] = {}
    for place, (programme, _) in enumerate(versions):
        newest |= {one.id: place for one in programme.organisations}
    for organisation, place in newest.items():
        programme, _ = versions[place]
        said = next(one for one in programme.organisations if one.id == organisation)
        naming = [one for one, _ in versions if any(said.id == named.id for named in one.organisations)]
        first_day = min(one.starts_on for one in naming)
        dropped_on = versions[place + 1][1] if place + 1 < len(versions) else None
        site = None if said.municipality is None else Site(municipality=said.municipality)
        yield (
            Unit(id=said.id, name=said.name, kind=said.kind, first_day=first_day, site=site),
            Membership(
                id=membership_id(said.id, programme.id),
                programme=programme.id,
                unit=said.id,
                roles=said.roles,
                first_day=first_day,
                last_day=None if dropped_on is None else days_after(dropped_on, -1),
            ),
        )


def with_first_day(unit: Unit, named: Unit) -> Unit:
    """The unit as it is known, there from the day on which a programme's file needs it."""
    return replace(unit, first_day=min(unit.first_day, named.first_day))


def membership_id(unit: Organisation, programme: str) -> str:
    """The id of a membership for which nobody names another."""
    return f"{unit}@{programme}"
