"""Files made to cost: what they cost is bounded, whatever is in them.

FakeWork is the most that Python held while the request was answered. Time is the processor's, in a process that nobody
traces, so that a busy machine changes little.
"""

import gc
import itertools
import json
import time
import tracemalloc
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.activity_tracking.api import blueprints
from services.activity_tracking.api.bulk import FILE
from services.activity_tracking.api.columns import COLUMNS
from shared.edge.bodies import BODY_LIMIT_BYTES
from shared.edge.headers import NDJSON
from shared.edge.row_files import CSV, ROWS
from shared.edge.row_results import BYTES
from shared.language.errors import Refused
from tests.support.fakes import FakeWork, web
from tests.support.small_programme import JOURNEY, PROVIDER, STARTED_ON

BLUEPRINTS = blueprints()

MIB = 1 << 20
MOST_MEMORY_A_MIB = 6 * MIB
MEMORY_A_ROW = 2048
MOST_SECONDS_A_MIB = 1.0
FLOOR_MEMORY_BYTES = 4 * MIB
FLOOR_SECONDS = 0.1
SECONDS_A_ROW = 0.0005
"""Of a row that is answered: all that is wrong with it is found and told."""
GOOD = {
    "journey_id": JOURNEY,
    "activity": "work_training",
    "occurred_on": STARTED_ON.isoformat(),
    "attendance": "yes",
    "minutes": 1,
}


def filled(piece: bytes, size: int = BYTES) -> bytes:
    return piece * (size // len(piece))


WIDE = {f"a{n}": 0 for n in range(200)}
HEAD = ",".join(COLUMNS).encode() + b"\n"
FILES = {
    "a header of two million columns": (CSV, b"," * 2_000_000 + b"x\n" + b"a\n" * 1_500),
    "as many columns as cells": (CSV, b"," * 2_000_000 + b"x\n" + b"\n".join([b"a"] * 500_000)),
    "two thousand columns": (CSV, b",".join([b"a"] * 2_000) + b"\n" + filled(b"a\n", 3_500_000)),
    "rows of commas": (CSV, HEAD + b"\n".join([b"," * 1_000] * 4_000)),
    "rows of commas and a sign": (CSV, HEAD + b"\n".join([b"," * 1_000 + b"a"] * 4_000)),
    "one row of commas": (CSV, HEAD + b"," * 4_000_000),
    "one row of commas before another": (CSV, HEAD + b"," * 4_000_000 + b"\na\n"),
    "tiny rows of commas": (CSV, HEAD + filled(b",\n", 4_000_000)),
    "rows of no-break spaces": (CSV, HEAD + filled(b"\xc2\xa0;\n", 4_000_000)),
    "rows of other blanks": (CSV, HEAD + filled("\u3000\n".encode(), 4_000_000)),
    "as many rows as may be, of other blanks": (CSV, HEAD + "\u3000,\u2003\n".encode() * ROWS),
    "blanks that end nowhere": (CSV, HEAD + filled(b" ;", 4_000_000)),
    "line feeds behind a sign": (CSV, HEAD + b"a" + filled(b"\n", 4_000_000)),
    "carriage returns alone": (CSV, filled(b"a\r")),
    "rows of more cells than columns": (CSV, HEAD + b"\n".join([b"a," * 200] * ROWS)),
    "tiny CSV rows": (CSV, HEAD + filled(b"1\n", 4_000_000)),
    "as many CSV rows as may be, all wrong": (CSV, HEAD + b"\n".join([b"?,?,?,?,?,?,?"] * ROWS)),
    "an open quote": (CSV, HEAD + b'"' + filled(b"1\n", 4_000_000)),
    "quotes alone": (CSV, HEAD + filled(b'"', 4_000_000)),
    "quotes and signs": (CSV, HEAD + filled(b'"a"b', 4_000_000)),
    "UTF-16": (CSV, b"\xff\xfe" + (HEAD.decode() + "1\n" * 1_000_000).encode("utf-16-le")),
    "signs beyond the first plane, in UTF-16": (
        CSV,
        b"\xff\xfe" + filled("\U0001f600".encode("utf-16-le"))[:-2],
    ),
    "a charset to be guessed": (CSV, HEAD + filled(b"\xe5\n", 4_000_000)),
    "tiny NDJSON rows": (NDJSON, filled(b"1\n")),
    "rows that begin an object": (NDJSON, filled(b"{\n")),
    "blank rows": (NDJSON, filled(b" \n")),
    "no row but line feeds": (NDJSON, filled(b"\n")),
    "one deep row": (NDJSON, b"[" * BYTES),
    "deep rows": (NDJSON, b"\n".join([b'{"a":' + b"[" * 1_000] * 4_000)),
    "deep whole rows": (NDJSON, b"\n".join([b'{"a":' + b"[" * 500 + b"]" * 500 + b"}"] * 4_000)),
    "wide rows": (NDJSON, b"\n".join([json.dumps(WIDE)[:1_000].encode()] * 4_000)),
    "wide whole rows": (NDJSON, b"\n".join([json.dumps(WIDE).encode()] * 2_000)),
    "rows that say a name again and again": (
        NDJSON,
        b"\n".join([b'{"a":0' + b',"a":0' * 150 + b"}"] * 4_000),
    ),
    "rows that say many names twice": (
        NDJSON,
        b"\n".join([json.dumps(WIDE).encode()[:-1] + b"," + json.dumps(WIDE).encode()[1:]] * 1_000),
    ),
    "lists of nothing": (NDJSON, b"\n".join([b'{"a":[' + b"[]," * 330 + b"[]]}"] * 4_000)),
    "five thousand digits": (NDJSON, b"\n".join([b'{"minutes":' + b"9" * 4_000 + b"}"] * 1_000)),
    "one huge number": (NDJSON, b'{"minutes":' + b"9" * 4_000_000 + b"}"),
    "as many rows as may be that are wrong in every column": (
        NDJSON,
        b"\n".join([json.dumps({name: [{}] for name in COLUMNS}).encode()] * ROWS),
    ),
    "bytes that are no text": (NDJSON, filled(b"\xff\xfe\n")),
}
"""Each about as long as a file may be, or as full of rows."""


KEYS = itertools.count()


@pytest.fixture(name="client")
def _client(memory: FakeWork) -> FlaskClient:
    return web(memory, BLUEPRINTS)


def send(client: FlaskClient, kind: str, body: bytes, *, chunked: bool = False) -> Any:
    headers = {
        "Authorization": f"Bearer {PROVIDER}:supervisor",
        "Idempotency-Key": f"k{next(KEYS)}",
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
    client: FlaskClient, memory: FakeWork, kind: str, body: bytes
) -> None:
    assert len(body) <= BYTES
    send(client, NDJSON, b"{}")
    mib = len(body) / MIB
    before = time.process_time()
    answer = send(client, kind, body)
    spent = time.process_time() - before
    assert answer.status_code in (200, 400, 413, 422), answer.text[:200]
    assert not memory.events
    assert len(answer.data) <= 4 * BYTES
    rows = len(answer.json.get("results", ()))
    del answer
    gc.collect()
    tracemalloc.start()
    try:
        send(client, kind, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < FLOOR_MEMORY_BYTES + MOST_MEMORY_A_MIB * mib + MEMORY_A_ROW * rows, f"{peak / MIB:.0f} MiB"
    assert spent < FLOOR_SECONDS + MOST_SECONDS_A_MIB * mib + SECONDS_A_ROW * rows, f"{spent:.1f} s"


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

    body = Counted(HEAD + b"1\n" * 500_000)
    with pytest.raises(Refused, match="body-too-large"):
        FILE.rows_in(body, kind)
    assert Counted.cut <= 2 * (ROWS + 2), "once to see what it is written in, once to read it"


@pytest.mark.parametrize("rows", [2_100, 100])
def test_a_file_in_chunks_is_had_whole_or_refused_and_never_cut(
    client: FlaskClient, memory: FakeWork, rows: int
) -> None:
    """2,100 rows of 2.1 kB are over the limit: chunked, they were cut and the rest was never spoken of."""
    padded = [
        json.dumps({**GOOD, "reference": f"r{n}"}) + " " * (2_000 if rows > 100 else 0) for n in range(rows)
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


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
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
    columns = ["reference", *GOOD, "reason"]
    nothing = {"reason": ""} if kind == CSV else {}
    good = [{"reference": f"g{n}", **GOOD, **nothing} for n in range(len(bad) + 1)]
    said = [
        (",".join(str(one[name]) for name in columns) if kind == CSV else json.dumps(one)).encode()
        for one in good
    ]
    rows = [row for pair in zip(said, [*bad, b""], strict=True) for row in pair]
    body = (b"\xef\xbb\xbf" if marked else b"") + end.join(
        ([",".join(columns).encode()] if kind == CSV else []) + rows
    )
    found = list(FILE.rows_in(body, kind))
    taken = [one.fields.get("reference") for one in found if one.refused is None]
    assert [one for one in taken if str(one).startswith("g")] == [one["reference"] for one in good]
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    if kind == NDJSON:
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
def test_json_made_to_cost_costs_little(client: FlaskClient, memory: FakeWork, body: bytes) -> None:
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
    # A second for a MiB; the floor is what any request may cost on a busy machine.
    assert spent < max(FLOOR_SECONDS, len(body) / MIB)
    assert peak < FLOOR_MEMORY_BYTES + MIB
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
