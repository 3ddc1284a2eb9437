"""A trace context comes from outside: whatever it holds, what is logged and said next goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.traces import current_traceparent, read_trace, resume_trace, start_trace, trace_id

GOOD = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@given(st.none() | st.binary(max_size=70))
def test_a_header_is_a_trace_context_or_none(header: bytes | None) -> None:
    assert read_trace(header) == ""


def test_a_good_one_is_read_and_continued() -> None:
    assert read_trace(GOOD.encode()) == GOOD
    assert start_trace(GOOD)[3:35] == "a" * 32
    resume_trace(GOOD)
    assert trace_id() == "a" * 32


@pytest.mark.parametrize("wrong", ["", "x", "00", "---", GOOD + "-", GOOD.upper(), "00-\n" + GOOD[4:]])
def test_what_is_none_begins_a_new_one(wrong: str) -> None:
    resume_trace(wrong)
    assert len(trace_id()) == 32
    assert current_traceparent() != wrong
