"""Files made to cost: what they cost is bounded, whatever is in them.

Memory is what Python held at most while the request was answered; time is the processor's, in a process that is traced
by nobody, so that a busy machine changes little.
"""

import gc
import json
import time
import tracemalloc
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.activity_tracking.api import BLUEPRINTS
from services.activity_tracking.api.bulk import BYTES
from services.activity_tracking.api.rows import COLUMNS, CSV, NDJSON, ROWS, read_rows
from shared.admission import BODY_LIMIT_BYTES
from shared.errors import Refused
from tests.support.memory import Memory, web
from tests.support.toytown import JOURNEY, PROVIDER, STARTED_ON

MOST_MEMORY_BYTES = 20 * (1 << 20)
MOST_SECONDS = 1.0
GOOD = {
    "journey_id": JOURNEY,
    "activity": "work_training",
    "occurred_on": STARTED_ON.isoformat(),
    "attendance": "yes",
    "minutes": 60,
}


def filled(piece: bytes, size: int = BYTES) -> bytes:
    return piece * (size // len(piece))


WIDE = {f"a{n}": 0 for n in range(200)}
FILES = {
    "a header of half a million columns": (CSV, b"," * 524_288 + b"\n" + b"a\n" * 1_500),
    "as many columns as cells": (CSV, b"," * 524_288 + b"\n" + b"\n".join([b"a"] * 262_143)),
    "a thousand columns": (CSV, b",".join([b"a"] * 1_000) + b"\n" + filled(b"a\n", 900_000)),
    "rows of commas": (CSV, b"reference\n" + b"\n".join([b"," * 1_000] * 1_000)),
    "one row of commas": (CSV, b"reference\n" + b"," * 1_000_000),
    "tiny CSV rows": (CSV, b"reference\n" + filled(b"1\n", 1_000_000)),
    "an open quote": (CSV, b'reference\n"' + filled(b"1\n", 1_000_000)),
    "quotes alone": (CSV, b"reference\n" + filled(b'"', 1_000_000)),
    "tiny NDJSON rows": (NDJSON, b"1\n" * 524_288),
    "rows that begin an object": (NDJSON, filled(b"{\n")),
    "blank rows": (NDJSON, filled(b" \n")),
    "no row but line feeds": (NDJSON, filled(b"\n")),
    "one deep row": (NDJSON, b"[" * BYTES),
    "a thousand deep rows": (NDJSON, b"\n".join([b'{"a":' + b"[" * 1_000] * 1_000)),
    "a thousand deep whole rows": (NDJSON, b"\n".join([b'{"a":' + b"[" * 500 + b"]" * 500 + b"}"] * 1_000)),
    "a thousand wide rows": (NDJSON, b"\n".join([json.dumps(WIDE)[:1_000].encode()] * 1_000)),
    "wide whole rows": (NDJSON, b"\n".join([json.dumps(WIDE).encode()] * 500)),
    "lists of nothing": (NDJSON, b"\n".join([b'{"a":[' + b"[]," * 330 + b"[]]}"] * 1_000)),
    "five thousand digits": (NDJSON, b"\n".join([b'{"minutes":' + b"9" * 4_000 + b"}"] * 250)),
    "one huge number": (NDJSON, b'{"minutes":' + b"9" * 1_000_000 + b"}"),
    "a thousand rows that are wrong in every column": (
        NDJSON,
        b"\n".join([json.dumps({name: [{}] for name in COLUMNS}).encode()] * 1_000),
    ),
    "bytes that are no text": (NDJSON, filled(b"\xff\xfe\n")),
}


@pytest.fixture(name="client")
def _client(memory: Memory) -> FlaskClient:
    return web(memory, BLUEPRINTS)


def send(client: FlaskClient, kind: str, body: bytes, *, chunked: bool = False) -> Any:
    headers = {
        "Authorization": f"Bearer {PROVIDER}:supervisor",
        "Idempotency-Key": "k",
        "Content-Type": kind,
    }
    return client.post(
        "/sessions",
        data=body,
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""} if chunked else {},
    )


@pytest.mark.parametrize(("kind", "body"), FILES.values(), ids=FILES.keys())
def test_a_file_made_to_cost_costs_little(
    client: FlaskClient, memory: Memory, kind: str, body: bytes
) -> None:
    assert len(body) <= BYTES
    send(client, NDJSON, b"{}")
    before = time.process_time()
    answer = send(client, kind, body)
    spent = time.process_time() - before
    assert answer.status_code in (200, 400, 413, 422), answer.text[:200]
    assert not memory.events
    assert len(answer.data) <= 4 * BYTES
    gc.collect()
    tracemalloc.start()
    try:
        send(client, kind, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY_BYTES
    assert spent < MOST_SECONDS


@pytest.mark.parametrize("kind", [CSV, NDJSON])
def test_of_too_many_rows_no_more_are_looked_at_than_there_may_be(kind: str) -> None:
    class Counted(bytes):
        """Counts how often a line is cut off it."""

        cut = 0

        def __getitem__(self, wanted: Any) -> Any:
            type(self).cut += 1
            return super().__getitem__(wanted)

        def removeprefix(self, _: Any, /) -> bytes:
            return self

        def rstrip(self, _: Any = None, /) -> bytes:
            return self

    body = Counted(b"reference\n" + b"1\n" * 500_000)
    with pytest.raises(Refused, match="body-too-large"):
        read_rows(body, kind)
    assert Counted.cut <= ROWS + 2


@pytest.mark.parametrize("rows", [900, 100])
def test_a_file_in_chunks_is_had_whole_or_refused_and_never_cut(
    client: FlaskClient, memory: Memory, rows: int
) -> None:
    """900 rows of 2.1 kB are over the limit: chunked, they were cut and the rest was never spoken of."""
    padded = [
        json.dumps({**GOOD, "reference": f"r{n}"}) + " " * (2_000 if rows == 900 else 0) for n in range(rows)
    ]
    body = "\n".join(padded).encode()
    answer = send(client, NDJSON, body, chunked=True)
    if len(body) > BYTES:
        assert (answer.status_code, answer.json["code"]) == (413, "body-too-large")
        assert not memory.events
    else:
        assert [one["status"] for one in answer.json["results"]] == [201] * rows


CELLS = st.text(st.sampled_from("a1,;\"'\\ \t\r\x00\x0b\x85\u2028\ud7ffå[{}]:"), max_size=12)
BAD_ROWS = st.one_of(
    CELLS.map(str.encode),
    st.binary(max_size=40).map(lambda row: row.replace(b"\n", b"")),
    st.integers(1, 6_000).map(lambda size: b"[" * size),
    st.integers(1, 6_000).map(lambda size: b'{"reference":"' + b"x" * size + b'"}'),
    st.integers(1, 6_000).map(lambda size: b'"' * size),
    st.integers(1, 6_000).map(lambda digits: b'{"minutes":' + b"7" * digits + b"}"),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bad=st.lists(BAD_ROWS, max_size=8),
    kind=st.sampled_from([CSV, NDJSON]),
    chunked=st.booleans(),
    end=st.sampled_from([b"\n", b"\r\n"]),
    marked=st.booleans(),
)
def test_every_good_row_is_taken_whatever_lies_between(
    bad: list[bytes], kind: str, chunked: bool, end: bytes, marked: bool
) -> None:
    columns = ["reference", *GOOD]
    good = [{"reference": f"g{n}", **GOOD} for n in range(len(bad) + 1)]
    said = [
        (",".join(str(one[name]) for name in columns) if kind == CSV else json.dumps(one)).encode()
        for one in good
    ]
    rows = [row for pair in zip(said, [*bad, b""], strict=True) for row in pair]
    body = (b"\xef\xbb\xbf" if marked else b"") + end.join(
        ([",".join(columns).encode()] if kind == CSV else []) + rows
    )
    found = list(read_rows(body, kind))
    taken = [one.fields.get("reference") for one in found if one.refused is None]
    assert [one for one in taken if str(one).startswith("g")] == [one["reference"] for one in good]
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert len(found) == len(good) + sum(1 for row in bad if row.strip())


# --- JSON, as every other route takes it -----------------------------------------------------------------

OBJECTS = {
    "many unknown fields": json.dumps({f"a{n}": 0 for n in range(5_000)}).encode(),
    "lists of nothing": b'{"text":[' + b"[]," * 21_000 + b"[]]}",
    "a long text": b'{"text":"' + b"1" * 65_000 + b'"}',
    "a text of blanks and digits": b'{"text":"' + b"1 " * 32_000 + b'"}',
    "a long number": b'{"text":' + b"9" * 65_000 + b"}",
    "a long fraction": b'{"text":0.' + b"9" * 65_000 + b"}",
    "brackets alone": b"[" * 65_536,
    "one name again and again": b'{"text":0' + b',"text":0' * 7_000 + b"}",
}


def say(client: FlaskClient, body: bytes, **environ: Any) -> Any:
    headers = {
        "Authorization": f"Bearer {PROVIDER}:supervisor",
        "Idempotency-Key": "k",
        "Content-Type": "application/json",
    }
    return client.post(f"/journeys/{JOURNEY}/goals", data=body, headers=headers, environ_overrides=environ)


@pytest.mark.parametrize("body", OBJECTS.values(), ids=OBJECTS.keys())
def test_json_made_to_cost_costs_little(client: FlaskClient, memory: Memory, body: bytes) -> None:
    assert len(body) <= BODY_LIMIT_BYTES
    say(client, b"{}")
    before = time.process_time()
    answer = say(client, body)
    spent = time.process_time() - before
    assert answer.status_code in (400, 422), answer.text[:200]
    gc.collect()
    tracemalloc.start()
    try:
        say(client, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A second and 20 MiB for a MiB; the floor is what any request may cost on a busy machine.
    assert spent < max(0.1, len(body) / BYTES)
    assert peak < MOST_MEMORY_BYTES / 4
    assert not memory.events


def test_no_depth_is_one_too_many(client: FlaskClient) -> None:
    """Read a second time, further down in the stack, what was just shallow enough was one too deep, and a 500."""
    for depth in range(800, 1_010):
        answer = say(client, b'{"text":' + b"[" * depth + b"]" * depth + b"}")
        assert answer.status_code in (400, 422), (depth, answer.text)


@pytest.mark.parametrize("size", [BODY_LIMIT_BYTES, BODY_LIMIT_BYTES + 1, 100_000])
def test_json_in_chunks_is_had_whole_or_refused_for_its_size(client: FlaskClient, size: int) -> None:
    body = b'{"text":"learn to weld"' + b" " * (size - 24) + b"}"
    assert len(body) == size
    answer = say(client, body, **{"wsgi.input_terminated": True, "CONTENT_LENGTH": ""})
    wanted = 201 if size <= BODY_LIMIT_BYTES else 413
    assert answer.status_code == wanted, answer.text


def test_a_length_that_lies_is_refused(client: FlaskClient) -> None:
    answer = say(client, b'{"text":"learn to weld"}', CONTENT_LENGTH="60")
    assert (answer.status_code, answer.json["code"]) == (400, "unreadable-body")
