"""What looks the same is the same: the normal form of what others know a thing by."""

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from services.activity_tracking.api.schemas import LogSessionBody
from services.activity_tracking.api.session_row import RowOfSession
from services.intake.api.schemas import ReferBody
from services.intake.records import read
from shared.edge.bodies import read_object
from shared.edge.texts import Reference
from shared.language.signs import is_ignorable, normal_form, shows
from shared.runtime.arrived import Arrived

STEERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NOTHING = [
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad", "\u034f", "\u2060", "\u061c", "\u200e", "\u200f"),
    *("\ufe0e", "\ufe0f", "\U000e0100", "\u180b", "\u180e", "\u17b4", "\u115f", "\u1160", "\u3164", "\uffa0"),
    *("\U000e0041", "\u2065", "\ufff0", "\U0001bca0", "\U0001d173"),
]
BLANKS = [
    " ",
    "\t",
    "\n",
    "\r\n",
    "\u00a0",
    "\u2003",
    "\u2009",
    "\u202f",
    "\u3000",
    "\u2028",
    "\u0085",
    "\u2800",
]
SAME = [
    ("Löp nr 7", unicodedata.normalize("NFD", "Löp nr 7")),
    ("A 1", "A  1"),
    ("A 1", " \u00a0A\u3000\t1\n"),
    ("A-1", "A\u20111"),
    ("A-1", "A\u20101"),
    ("\u00c5-1", "\u212b-1"),
    *(("A-1", f"{one}A{one}-1{one}") for one in NOTHING),
    *(("A 1", f"{one}A{one}{one}1{one}") for one in BLANKS),
]
APART = [
    ("A-1", "a-1"),
    ("A²", "A2"),
    ("A-1", "Ａ-１"),
    ("A-1", "А-1"),
    ("A-1", "A–1"),
    ("A 1", "A1"),
    ("ﬁ", "fi"),
]


class Named(Schema):
    """Something that its reference names."""

    reference = Reference(20, required=True)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_looks_the_same_has_one_normal_form(one: str, other: str) -> None:
    assert normal_form(other) == normal_form(one) == one
    assert Named().load({"reference": other}) == {"reference": one}


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_looks_otherwise_stays_apart(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@given(st.text(max_size=40))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal_form(normal_form(text)) == normal_form(text)


@given(st.lists(st.sampled_from(["Ö", "7", "-", " ", "é", "/"]), min_size=1, max_size=12), st.data())
def test_nothing_that_shows_nothing_makes_another_reference(signs: list[str], data: st.DataObject) -> None:
    plain = "".join(signs)
    mixed = "".join(
        f"{unicodedata.normalize(data.draw(st.sampled_from(['NFC', 'NFD'])), one)}"
        f"{''.join(data.draw(st.lists(st.sampled_from(NOTHING), max_size=2)))}"
        for one in signs
    )
    assert normal_form(f"\u00a0{mixed}\n") == normal_form(plain)


@pytest.mark.parametrize("sign", STEERING)
def test_what_steers_others_is_refused_and_not_left_out(sign: str) -> None:
    with pytest.raises(ValidationError):
        Named().load({"reference": f"A{sign}1"})


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b", "\u2800", "\u3164", "\u0301", "\u200d\ufe0f", "x" * 21, "A\0"]
)
def test_a_reference_shows_something_and_is_no_longer_than_it_may_be(text: str) -> None:
    with pytest.raises(ValidationError):
        Named().load({"reference": text})


def test_every_ignorable_sign_is_left_out_or_refused() -> None:
    for point in range(0x110000):
        sign = chr(point)
        if is_ignorable(sign):
            assert normal_form(f"A{sign}1") == ("A1" if sign not in STEERING else f"A{sign}1"), hex(point)
            assert not shows(sign)


def test_a_long_reference_costs_little() -> None:
    began = time.perf_counter()
    with pytest.raises(ValidationError):
        Named().load({"reference": "A" + "\u0316\u0301" * 500_000})
    assert time.perf_counter() - began < 1


def test_a_reference_names_nobody_behind_what_shows_nothing() -> None:
    with pytest.raises(ValidationError, match="personnummer"):
        Named().load({"reference": "1985\u200b0709\u00ad98\u20600\u034f5"})


# --- every way in -------------------------------------------------------------------------------------------

REFERRAL = {"participant_id": f"h-{'0' * 26}", "programme": "coactive", "municipality": "2482"}
SESSION = {"activity": "work_training", "occurred_on": "2017-03-01", "attendance": "yes", "minutes": 60}


@pytest.mark.parametrize(
    "said", ["AF-1", " AF-1", "AF-1\u00a0", "AF\u2011 1".replace(" ", ""), "A\u200bF-\ufeff1"]
)
def test_a_referral_s_reference_is_the_same_over_http_and_kafka(said: str) -> None:
    value = json.dumps({**REFERRAL, "reference": said}).encode()
    for text in (value, b"\xef\xbb\xbf" + value):
        found = read(Arrived("inbound.any.referrals.v1", 0, 0, [], text))
        assert (found.command.reference, found.echo.reference) == ("AF-1", "AF-1")  # type: ignore[union-attr]
    assert ReferBody().load(read_object(value)).reference == "AF-1"


@pytest.mark.parametrize("said", ["Löp 1", "Lo\u0308p 1", " Löp\u00a01", "L\u200böp  1"])
def test_a_session_s_reference_is_the_same_alone_and_in_a_file(said: str) -> None:
    assert LogSessionBody().load({**SESSION, "reference": said}).reference == "Löp 1"
    row = {**SESSION, "reference": said, "journey_id": f"j-{'0' * 26}"}
    assert RowOfSession().load(row).reference == "Löp 1"
