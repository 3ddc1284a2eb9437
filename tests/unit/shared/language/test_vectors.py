"""What a caller says that it has seen, in the header Journey-Vector: of our services, each once, and countable."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.request_checks import caller_vector
from shared.language.codec import MOST_SEQUENCE, vector_text
from shared.language.errors import Refused
from shared.language.events import SOURCES

APP = Flask(__name__)


def read(text: str) -> dict[str, int]:
    with APP.test_request_context(headers={"Journey-Vector": text}):
        return dict(caller_vector())


@given(st.dictionaries(st.sampled_from(SOURCES), st.integers(0, MOST_SEQUENCE - 1)))
def test_a_vector_is_read_as_it_was_given(vector: dict[str, int]) -> None:
    assert read(vector_text(vector)) == vector


@pytest.mark.parametrize(
    "text",
    [
        "intake",
        "intake=",
        "intake=-1",
        "intake=+1",
        "intake=1.0",
        "intake=1e3",
        "intake=\u0663",
        f"intake={MOST_SEQUENCE}",
        "intake=" + "9" * 5_000,
        "nobody=1",
        "$where=1",
        "=1",
        "intake=1,intake=2",
        "intake=1,,outcome=2",
        "intake=1," * 10_000,
        ",".join(f"{source}=1" for source in (*SOURCES, *SOURCES)),
    ],
)
def test_a_vector_that_is_none_is_refused_where_it_is_read(text: str) -> None:
    with pytest.raises(Refused, match="invalid-header"):
        read(text)
