"""A register of the field's size: thousands of units with a place in programmes, as services keep them."""

from collections.abc import Iterator
from datetime import date

from shared.language.register import Capacity, Entry, LegalPerson, Membership, Site, Unit

UNITS, MEMBERSHIPS = 12_000, 15_000
FIRST_DAY = date(2016, 2, 1)


def entries(units: int = UNITS, memberships: int = MEMBERSHIPS) -> Iterator[Entry]:
    """Shops of legal persons that have three each; every fourth has a place in a second programme."""
    for number in range(units):
        company = f"bolag-{number // 3:05d}"
        if number % 3 == 0:
            yield LegalPerson(id=company, name=f"Arbetsintegrerande Bolaget {number} AB", number=None)
        yield Unit(
            id=f"butik-{number:05d}",
            name=f"Butiken på gatan nummer {number}",
            kind="provider",
            first_day=FIRST_DAY,
            legal_person=company,
            site=Site(municipality="2482", address=f"Storgatan {number}, 931 30 Skellefteå"),
            function_address=f"butik-{number:05d}@example.org",
            capacities=(Capacity(activity="work_training", people=8, first_day=FIRST_DAY),),
        )
    for number in range(memberships):
        unit, programme = f"butik-{number % units:05d}", "coactive" if number < units else "steget"
        yield Membership(
            id=f"{unit}@{programme}",
            programme=programme,
            unit=unit,
            roles=("provider",),
            first_day=FIRST_DAY,
            municipalities=("2482",),
        )
