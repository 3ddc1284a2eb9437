"""What the versions of a programme make of the register: whom they name, with which roles, and from when to when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from services.intake.domain.register import named_by
from shared.language.programmes import Participating
from tests.support.intake_work import COACTIVE

PUBLISHED = (date(2016, 2, 1), date(2016, 9, 1), date(2017, 3, 1))


def told(*versions: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], date, date | None]]:
    """{organisation: roles, first day, last day} of these versions, each {organisation: roles}."""
    programmes = [
        replace(
            COACTIVE,
            version=number,
            organisations=tuple(Participating(id=one, name=one, roles=roles) for one, roles in named.items()),
        )
        for number, named in enumerate(versions, start=1)
    ]
    found = named_by(list(zip(programmes, PUBLISHED, strict=False)))
    return {unit.id: (one.roles, one.first_day, one.last_day) for unit, one in found}


def test_the_newest_version_that_names_a_unit_says_its_roles() -> None:
    found = told({"shop": ("provider", "owner")}, {"shop": ("provider",)}, {"shop": ("provider", "receiver")})
    assert found == {"shop": (("provider", "receiver"), COACTIVE.starts_on, None)}


def test_a_unit_that_a_later_version_leaves_out_has_left_the_day_before() -> None:
    both, one = {"shop": ("provider",), "cafe": ("provider",)}, {"cafe": ("provider",)}
    found = told(both, one, one)
    assert found["shop"][2] == date(2016, 8, 31)
    assert found["cafe"][2] is None


def test_a_unit_that_came_back_has_not_left() -> None:
    found = told({"shop": ("provider",)}, {"cafe": ("provider",)}, {"shop": ("receiver",)})
    assert found["shop"] == (("receiver",), COACTIVE.starts_on, None)
    assert found["cafe"][2] == date(2017, 2, 28)
