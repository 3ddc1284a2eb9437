"""The register as intake changes it: what is said of each entry, and what a programme's file makes of it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from shared.language import register_events as e
from shared.language.days import day_of, days_after
from shared.language.events import Fact, Organisation
from shared.language.programmes import Programme
from shared.language.register import Entry, LegalPerson, Membership, Site, Unit


def begun(entry: Entry, at: datetime) -> Fact:
    """What is said of an entry that is new."""
    on = day_of(at)
    match entry:
        case LegalPerson():
            return e.LegalPersonRegistered(occurred_on=on, recorded_at=at, legal_person=entry)
        case Unit():
            return e.UnitRegistered(occurred_on=on, recorded_at=at, unit=entry)
        case Membership():
            return e.MembershipBegun(occurred_on=on, recorded_at=at, membership=entry)


def changed(entry: Entry, at: datetime) -> Fact:
    """What is said of an entry that is another than it was."""
    on = day_of(at)
    match entry:
        case LegalPerson():
            return e.LegalPersonChanged(occurred_on=on, recorded_at=at, legal_person=entry)
        case Unit():
            return e.UnitChanged(occurred_on=on, recorded_at=at, unit=entry)
        case Membership():
            return e.MembershipChanged(occurred_on=on, recorded_at=at, membership=entry)


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
                id=f"{said.id}@{programme.id}",
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
