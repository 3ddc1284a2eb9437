"""A personnummer is read where one belongs."""

import pytest

from services.intake.identity import normal_form


@pytest.mark.parametrize("text", ["900101-9802", "199001019802", "19900101-9802", " 900101-9802 "])
def test_a_personnummer_has_one_normal_form(text: str) -> None:
    assert normal_form(text) == "199001019802"


@pytest.mark.parametrize("text", ["", "900101-9803", "19900230-9802", "Ada", "900101-980", "\u0669001019802"])
def test_what_is_none_has_none(text: str) -> None:
    assert normal_form(text) is None
