"""No header, whatever it holds, may end the process that reads it: it is readable, or it is Undecodable."""

from typing import Any

import pytest

from shared.language.codec import Undecodable, read_envelope

WHOLE: dict[str, Any] = {
    "ce_id": b"intake:journey/j-1:1",
    "ce_type": b"journey.intake.referral-accepted.v1",
    "ce_source": b"intake",
    "ce_subject": b"journey/j-1",
    "ce_sequence": b"1",
    "ce_after": b"handover=2",
    "traceparent": b"",
}


def test_a_whole_envelope_is_read() -> None:
    assert read_envelope(list(WHOLE.items())).after == {"handover": 2}


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_sequence"])
def test_a_missing_header_is_named(name: str) -> None:
    headers = [(one, value) for one, value in WHOLE.items() if one != name]
    with pytest.raises(Undecodable, match=name):
        read_envelope(headers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ce_id": None},
        {"ce_sequence": None},
        {"ce_source": None},
        {"traceparent": None},
        {"ce_subject": b"\xff\xfe"},
        {"ce_sequence": b"one"},
        {"ce_sequence": b"0"},
        {"ce_sequence": b"-1"},
        {"ce_sequence": b"9" * 40},
        {"ce_after": b"handover"},
    ],
)
def test_a_header_that_cannot_be_read_makes_the_record_undecodable(wrong: dict[str, Any]) -> None:
    with pytest.raises(Undecodable):
        read_envelope(list({**WHOLE, **wrong}.items()))
