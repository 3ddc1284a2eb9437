"""Who takes part: legal persons, their units, and the units that are members of programmes.

Source: docs/field.md, Role map.

A unit (a shop, an employment office, a school) holds roles in a programme through memberships, each from a first day to
a last one. Whether it held a role is asked for the day of an act, so what has ended is kept. Intake owns the register;
every other service keeps it from the events of `journey.register.v1`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from shared.language.events import Code, Municipality, Organisation
from shared.language.personal_numbers import check_digit_fits

UnitKind = Literal[
    "employment_service",
    "social_insurance",
    "social_services",
    "labour_market_unit",
    "disability_care",
    "probation",
    "health_care",
    "school",
    "provider",
    "association",
    "local_group",
    "employer",
    "umbrella_company",
    "platform_cooperative",
    "owner",
    "funder",
    "coordination_association",
]


NUMBER_DIGITS = 10
LEAST_THIRD_DIGIT = 2
"""An organisation number's third digit is at least 2, so that none is a personal identity number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a unit is: its municipality, and its visiting address where it has one."""

    municipality: Municipality
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many people a unit can have in one activity at a time, from a first day to a last one, both included."""

    activity: Code
    people: int
    first_day: date
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate that the unit holds, and the last day on which it is valid."""

    code: Code
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalPerson:
    """A company, an association, an authority. number: its organisation number, ten digits; it may come later."""

    id: Organisation
    name: str
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A part of a legal person that acts: it holds roles, and tokens name it.

    kind: None where nobody has said it yet. parent: a unit above it. function_address: reaches a function, never a
    person. last_day: None while it goes on.
    """

    id: Organisation
    name: str
    kind: UnitKind | None
    first_day: date
    last_day: date | None = None
    legal_person: Organisation | None = None
    parent: Organisation | None = None
    site: Site | None = None
    function_address: str | None = None
    capacities: tuple[Capacity, ...] = ()
    certificates: tuple[Certificate, ...] = ()

    def is_there(self, on: date) -> bool:
        """Whether the unit exists on that day."""
        return within(on, self.first_day, self.last_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A unit's roles in one programme, from a first day to a last one, both included.

    municipalities: where it has them; none means everywhere in the programme. shared_with: units with which it has the
    roles together; none means that they are its own.
    """

    id: str
    programme: Code
    unit: Organisation
    roles: tuple[Code, ...]
    first_day: date
    last_day: date | None = None
    municipalities: tuple[Municipality, ...] = ()
    shared_with: tuple[Organisation, ...] = ()

    def holds(self, on: date, municipality: Municipality | None = None) -> bool:
        """Whether the membership is in force on that day; in that municipality, where one is asked for."""
        if municipality is not None and self.municipalities and municipality not in self.municipalities:
            return False
        return within(on, self.first_day, self.last_day)


Entry = LegalPerson | Unit | Membership
KINDS: Mapping[str, type[LegalPerson] | type[Unit] | type[Membership]] = {
    "legal-person": LegalPerson,
    "unit": Unit,
    "membership": Membership,
}
"""What the register holds, by the kind of its subject."""


def kind_of_entry(entry: Entry) -> str:
    """The kind of subject that the entry is."""
    return next(name for name, one in KINDS.items() if isinstance(entry, one))


class Register(Protocol):
    """Who takes part, as one service knows it. Each question costs a look-up, whatever the number of members."""

    def unit(self, unit: Organisation) -> Unit | None:
        """The unit, or None."""

    def memberships(self, unit: Organisation, programme: Code) -> Sequence[Membership]:
        """The unit's memberships in the programme, those that have ended too, by first day."""

    def programmes_of(self, unit: Organisation) -> Collection[Code]:
        """The programmes in which the unit has or had a membership."""

    def holders(self, programme: Code, role: Code) -> Collection[Organisation]:
        """The units that hold or held the role in the programme, or were said to."""


def within(on: date, first_day: date, last_day: date | None) -> bool:
    """Whether the day lies between both days, which are included; last_day: None has no end."""
    return first_day <= on and (last_day is None or on <= last_day)


def overlap(one: Capacity | Membership, other: Capacity | Membership) -> bool:
    """Whether some day lies in both."""
    return within(one.first_day, other.first_day, other.last_day) or within(
        other.first_day, one.first_day, one.last_day
    )


def is_organisation_number(digits: str) -> bool:
    """Whether ten digits are a Swedish organisation number: a check digit (Luhn), and a third digit of at least 2.

    Source: Skatteverket, Organisationsnummer (SKV 709).
    """
    if len(digits) != NUMBER_DIGITS or not (digits.isascii() and digits.isdecimal()):
        return False
    return int(digits[2]) >= LEAST_THIRD_DIGIT and check_digit_fits(digits)


class KnownRegister:
    """A register in memory, put together entry by entry. Satisfies `Register`."""

    def __init__(self, units: Iterable[Unit] = (), memberships: Iterable[Membership] = ()) -> None:
        self._units: dict[Organisation, Unit] = {}
        self._legal_persons: dict[Organisation, LegalPerson] = {}
        self._memberships: dict[str, Membership] = {}
        self._by_unit: dict[Organisation, dict[Code, tuple[Membership, ...]]] = {}
        self._holders: dict[tuple[Code, Code], dict[Organisation, None]] = {}
        for unit in units:
            self.put_unit(unit)
        for membership in memberships:
            self.put_membership(membership)

    def with_entries(self, entries: Iterable[Entry]) -> "KnownRegister":
        """Another register, with these entries as they are now; this one stays as it is for who reads it."""
        after = KnownRegister()
        after._units = dict(self._units)
        after._legal_persons = dict(self._legal_persons)
        after._memberships = dict(self._memberships)
        after._by_unit = dict(self._by_unit)
        after._holders = {held: dict(units) for held, units in self._holders.items()}
        for entry in entries:
            after.put(entry)
        return after

    def put(self, entry: Entry) -> None:
        """Hold the entry as it is now, in the place of what was known of it."""
        match entry:
            case Unit():
                self.put_unit(entry)
            case Membership():
                self.put_membership(entry)
            case LegalPerson():
                self._legal_persons[entry.id] = entry

    def put_unit(self, unit: Unit) -> None:
        """Hold the unit as it is now, in the place of what was known of it."""
        self._units[unit.id] = unit

    def put_membership(self, membership: Membership) -> None:
        """Hold the membership as it is now, in the place of what was known of it."""
        before = self._memberships.get(membership.id)
        if before is not None:
            self._replace(before, ())
        self._memberships[membership.id] = membership
        for role in membership.roles:
            self._holders.setdefault((membership.programme, role), {})[membership.unit] = None
        self._replace(membership, (membership,))

    def _replace(self, old: Membership, new: tuple[Membership, ...]) -> None:
        mine = dict(self._by_unit.get(old.unit, {}))
        kept = [one for one in mine.get(old.programme, ()) if one.id != old.id]
        found = tuple(sorted((*kept, *new), key=lambda one: (one.first_day, one.id)))
        if found:
            mine[old.programme] = found
        else:
            mine.pop(old.programme, None)
        self._by_unit[old.unit] = mine

    def unit(self, unit: Organisation) -> Unit | None:
        """The unit, or None."""
        return self._units.get(unit)

    def memberships(self, unit: Organisation, programme: Code) -> Sequence[Membership]:
        """The unit's memberships in the programme, those that have ended too, by first day."""
        return self._by_unit.get(unit, {}).get(programme, ())

    def programmes_of(self, unit: Organisation) -> Collection[Code]:
        """The programmes in which the unit has or had a membership."""
        return self._by_unit.get(unit, {}).keys()

    def holders(self, programme: Code, role: Code) -> Collection[Organisation]:
        """The units that hold or held the role in the programme, or were said to."""
        return tuple(self._holders.get((programme, role), ()))
