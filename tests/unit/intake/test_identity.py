"""Personnummer: read where one belongs, found wherever else one hides."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.identity import normal_form
from shared.checks import holds_personnummer

WRITTEN = [
    "199001019802",
    "19900101-9802",
    "9001019802",
    "900101-9802",
    "900101+9802",
    "900101 9802",
    " 900101-9802 ",
    "900101\u20139802",
    "AF-900101-9802",
    "AF/19900101-9802/2",
    "9001.0198.02",
    "\uff19\uff10\uff10\uff11\uff10\uff11\uff0d\uff19\uff18\uff10\uff12",
]


def _luhn(nine: str) -> str:
    doubled = [int(digit) * (2 - index % 2) for index, digit in enumerate(nine)]
    return str(-sum(one // 10 + one % 10 for one in doubled) % 10)


@pytest.mark.parametrize("text", WRITTEN)
def test_a_personnummer_is_found_however_it_is_written(text: str) -> None:
    assert holds_personnummer(text)


@given(
    st.dates(min_value=date(1925, 1, 1), max_value=date(2015, 12, 31)),
    st.integers(1, 999),
    st.booleans(),
    st.sampled_from(["", "-", "+"]),
    st.booleans(),
)
def test_every_personnummer_and_coordination_number_is_found(
    born: date, number: int, coordination: bool, separator: str, century: bool
) -> None:
    day = born.day + 60 * coordination
    six = f"{born.year % 100:02d}{born.month:02d}{day:02d}"
    nine = f"{six}{number:03d}"
    prefix = str(born.year // 100) if century else ""
    assert holds_personnummer(f"{prefix}{six}{separator}{number:03d}{_luhn(nine)}")


@pytest.mark.parametrize(
    "text",
    ["", "AF-2016-000123", "900101-9803", "901301-9802", "1234567890123", "900101-98", "af-1", "2016-03-01"],
)
def test_other_references_are_left_alone(text: str) -> None:
    assert not holds_personnummer(text)


@pytest.mark.parametrize("text", ["900101-9802", "199001019802", "19900101-9802", " 900101-9802 "])
def test_a_personnummer_has_one_normal_form(text: str) -> None:
    assert normal_form(text) == "199001019802"


@pytest.mark.parametrize("text", ["", "900101-9803", "19900230-9802", "Ada", "900101-980", "\u0669001019802"])
def test_what_is_none_has_none(text: str) -> None:
    assert normal_form(text) is None
