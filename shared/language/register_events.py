"""What intake says of the register. Each event holds the whole entry as it is then, so the last one says all.

They are on a topic of their own, `journey.register.v1`, of one partition, which is never compacted: who took part on a
day long ago is answered from it. Why something was changed, and by whom, stays with intake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.language.events import REGISTER_TOPIC, Fact, event
from shared.language.register import Entry, LegalPerson, Membership, Unit

F = TypeVar("F", bound=Fact)


def _register_event(thing: str, subject: str) -> Callable[[type[F]], type[F]]:
    return event("intake", thing, subject=subject, topic=REGISTER_TOPIC)


@_register_event("legal-person-registered", "legal-person")
@dataclass(frozen=True, slots=True, kw_only=True)
class LegalPersonRegistered(Fact):
    """A legal person came into the register."""

    legal_person: LegalPerson


@_register_event("legal-person-changed", "legal-person")
@dataclass(frozen=True, slots=True, kw_only=True)
class LegalPersonChanged(Fact):
    """What the register says of a legal person changed; this is the whole of it as it is now."""

    legal_person: LegalPerson


@_register_event("unit-registered", "unit")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRegistered(Fact):
    """A unit came into the register."""

    unit: Unit


@_register_event("unit-changed", "unit")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnitChanged(Fact):
    """What the register says of a unit changed; this is the whole of it as it is now."""

    unit: Unit


@_register_event("unit-ended", "unit")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEnded(Fact):
    """A unit got its last day; this is the whole of it as it is now."""

    unit: Unit


@_register_event("membership-begun", "membership")
@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipBegun(Fact):
    """A unit holds roles in a programme from a first day on."""

    membership: Membership


@_register_event("membership-changed", "membership")
@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged(Fact):
    """What the register says of a membership changed; this is the whole of it as it is now."""

    membership: Membership


@_register_event("membership-ended", "membership")
@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipEnded(Fact):
    """A membership got its last day; this is the whole of it as it is now."""

    membership: Membership


EntryFact = (
    LegalPersonRegistered
    | LegalPersonChanged
    | UnitRegistered
    | UnitChanged
    | UnitEnded
    | MembershipBegun
    | MembershipChanged
    | MembershipEnded
)


def entry_of(fact: EntryFact) -> Entry:
    """What the register holds after the event."""
    match fact:
        case LegalPersonRegistered() | LegalPersonChanged():
            return fact.legal_person
        case UnitRegistered() | UnitChanged() | UnitEnded():
            return fact.unit
        case _:
            return fact.membership
