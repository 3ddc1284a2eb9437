"""Fingerprints: equal for a repetition, unlike for all else, and nothing to guess from without the key."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.language.errors import Halt
from shared.runtime.fingerprint import Fingerprints, fingerprints_from

KEY = bytes(range(32))
PARTS = st.lists(
    st.one_of(st.text(max_size=8), st.sampled_from(["1:a", "a1:", "", "|", "\ud800"])), max_size=4
)


@given(one=PARTS, other=PARTS)
def test_no_two_lists_of_parts_have_one_fingerprint(one: list[str], other: list[str]) -> None:
    fingerprints = Fingerprints(KEY)
    assert (fingerprints.of("row", *one) == fingerprints.of("row", *other)) == (one == other)
    assert fingerprints.of("row", *one) != fingerprints.of("request", *other)


def test_a_fingerprint_is_nothing_that_can_be_made_without_the_key() -> None:
    body = b'{"name": "Kim Exempel", "personnummer": "19900101-2385"}'
    made = Fingerprints(KEY).of("body", body)
    assert made != hashlib.sha256(body).hexdigest()
    assert made != Fingerprints(bytes(32)).of("body", body)


@pytest.mark.parametrize("key", [None, "", "no base64!", base64.b64encode(bytes(31)).decode()])
def test_a_missing_or_wrong_key_says_what_to_do(key: str | None) -> None:
    with pytest.raises(Halt, match="FINGERPRINT_KEY"):
        fingerprints_from(key)


def test_either_base64_is_the_same_key() -> None:
    key = bytes([251, 255] * 16)
    standard, safe = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")
    assert fingerprints_from(standard).of("body", b"x") == fingerprints_from(safe).of("body", b"x")
