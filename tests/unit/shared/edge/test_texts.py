"""What a text may hold: every sign of Unicode is judged by its category, and people's names pass."""

import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from services.intake.api.identity_schemas import RegisterParticipantBody
from shared.edge.texts import (
    JOINERS,
    LINE_PATTERN,
    TEXT_PATTERN,
    VARIATIONS,
    is_printable,
    line_field,
    names_participant,
    text_field,
)
from shared.language.signs import is_ignorable

NAMES = [
    *(
        "Åsa Öberg",
        "O'Connor-Smith",
        "D’Angelo",
        "Łukasz Żak",
        "María José",
        "Jean\u2011Luc",
        "Anna\u00a0Maria",
        "Bo 2",
    ),
    *(
        "Nguyễn Thị Minh Khai",
        unicodedata.normalize("NFD", "Nguyễn Thị"),
        "محمد علي",
        "علی\u200cرضا",
        "ئه\u200cحمه\u200cد",
    ),
    *("ئه\u200c", "ትግስት ኃይሉ", "李小龍", "ஸ்ரீ", "क्\u200dष", "Ілля", "ყვარყვარე", "김민준", "x"),
]
PEOPLES_WORDS = [
    "Bli snickare\noch bygga hus",
    "👩\u200d🔧 eller 👨🏽\u200d🍳",
    "50 % – sedan 75 %",
    "Första steget: 1) cv 2) jobb",
    "Jag \u2764\ufe0f trä, 1\ufe0f\u20e3 och \u2764\ufe0f\u200d\U0001f525",
]


class Texts(Schema):
    """The two kinds of text."""

    line = line_field(1, 100)
    text = text_field(1, 100)


def wrong(body: dict[str, Any]) -> set[str]:
    return set(Texts().validate(body))


@pytest.mark.parametrize("name", NAMES)
def test_people_s_names_pass_and_are_kept_as_they_are(name: str) -> None:
    said = RegisterParticipantBody().load({"name": name, "personnummer": None})
    assert said.name == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "\u3164", "\u115f\u1160", "\u200d", "-", "1", "Ada\0", "Ada\ud800", "\u202eadA", "Ada\n"),
        *(
            "\u2800",
            "\uffa0",
            "\u0301",
            "\ufe0f",
            "\u034f",
            "\U000e0100",
            "\u3000",
            "\u17b4",
            "Ada\u034f",
            "1\ufe0f",
        ),
        *("Ada\u2060", "Ada 19850709-9805", "850709-9805", "Ada\u00ad", "Ada\ufeff", "Ada\u200e", "1\u200c2"),
    ],
)
def test_what_is_no_name_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RegisterParticipantBody().load({"name": name, "personnummer": None})
    assert set(refused.value.messages_dict) == {"name"}


@pytest.mark.parametrize("text", PEOPLES_WORDS)
def test_people_s_own_words_pass(text: str) -> None:
    assert wrong({"text": text}) == set()


@pytest.mark.parametrize(
    ("phone", "passes"),
    [
        *(("070-123 45 67", True), ("0701234567", True), ("+46701234567", True), ("0910-1 (mamma)", True)),
        *(("19850709-9805", False), ("850709-9805", False), ("070\0", False), ("\u202e070", False)),
        ("070\ud800", False),
    ],
)
def test_a_telephone_number_is_no_personnummer_and_the_other_way_about(phone: str, passes: bool) -> None:
    body = {"name": "Ada", "personnummer": None, "contact": {"phone": phone}}
    assert bool(RegisterParticipantBody().validate(body)) is not passes


def test_every_sign_that_shows_nothing_is_refused_and_every_other_one_passes() -> None:
    for point in range(sys.maxunicode + 1):
        sign = chr(point)
        category = unicodedata.category(sign)
        no_character = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
        shows = category not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and not no_character
        shows = shows and sign != "\u2800" and not is_ignorable(sign)
        joins = sign in JOINERS or VARIATIONS.match(sign) is not None
        assert is_printable(f"a{sign}b") == (shows or joins), hex(point)
        assert is_printable(sign, lines=True) == (shows or sign == "\n"), hex(point)


@given(st.text(min_size=1, max_size=60))
def test_what_is_published_refuses_nothing_that_passes(text: str) -> None:
    for name, pattern in (("line", LINE_PATTERN), ("text", TEXT_PATTERN)):
        if wrong({name: text}) == set():
            assert re.search(pattern, text)


def test_lines_are_for_somebody_s_own_words_alone() -> None:
    assert wrong({"line": "a\nb", "text": "a\nb"}) == {"line"}
    assert wrong({"line": "a\tb", "text": "a\r\nb"}) == {"line", "text"}


def test_a_case_number_passes_in_a_reference_and_a_child_is_found_in_somebody_s_own_words() -> None:
    number = next(
        f"20170301-{four:04d}" for four in range(10, 10_000) if wrong({"text": f"20170301-{four:04d}"})
    )
    assert wrong({"line": number, "text": number}) == {"text"}
    assert not names_participant(number)


@pytest.mark.parametrize("text", ["\u2800", " ", "\u00a0\u3000", "\u0301", "\u0301 \u20dd"])
def test_a_text_shows_something(text: str) -> None:
    assert wrong({"line": text, "text": text}) == {"line", "text"}


def test_a_long_text_is_refused_for_its_length_and_not_searched() -> None:
    assert Texts().validate({"line": "1 " * 100_000}) == {"line": ["Length must be between 1 and 100."]}
