"""The register as intake changes it: what is said of each entry, and what a programme's file makes of it. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from shared.language import register_events as e
from shared.language.days import day_of
from shared.language.events import Fact
from shared.language.programmes import Participating, Programme
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


def named_in(programme: Programme) -> Iterator[tuple[Unit, Membership]]:
    """The units that a programme's file names, each with its membership from the programme's first day on."""
    for one in programme.organisations:
        yield _unit(one, programme), _membership(one, programme)


def with_first_day(unit: Unit, named: Unit) -> Unit:
    """The unit as it is known, there from the day on which a programme's file needs it."""
    return replace(unit, first_day=min(unit.first_day, named.first_day))


def _unit(one: Participating, programme: Programme) -> Unit:
    site = None if one.municipality is None else Site(municipality=one.municipality)
    return Unit(id=one.id, name=one.name, kind=one.kind, first_day=programme.starts_on, site=site)


def _membership(one: Participating, programme: Programme) -> Membership:
    return Membership(
        id=f"{one.id}@{programme.id}",
        programme=programme.id,
        unit=one.id,
        roles=one.roles,
        first_day=programme.starts_on,
    )
