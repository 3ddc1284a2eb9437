"""Sessions as a JSON array: the same rows and results as a line for each, for clients that send JSON alone."""

import json
from typing import Any

import pytest

from services.activity_tracking.api.bulk import FILE
from shared.edge.headers import JSON, NDJSON
from shared.edge.row_files import ROW_BYTES, ROWS
from shared.language.errors import Refused
from tests.support.fakes import Caller, FakeWork
from tests.support.small_programme import PROVIDER
from tests.unit.services.activity_tracking.test_bulk import BLUEPRINTS, GOOD, lines, logged, statuses

ROWS_SENT: list[Any] = [
    GOOD,
    [1, 2],
    {**GOOD, "reference": "w7-tue", "minutes": 0},
    {key: value for key, value in GOOD.items() if key != "reference"},
    {**GOOD, "reference": "w7-[,]{}"},
    {**GOOD, "reference": "w7-fri"},
]


def test_an_array_comes_to_what_lines_come_to() -> None:
    told = []
    for kind, body in ((NDJSON, lines(*ROWS_SENT)), (JSON, json.dumps(ROWS_SENT, indent=1))):
        told.append([(row.number, row.fields) for row in FILE.rows_in(body.encode(), kind)])
    assert told[0] == told[1]


def test_sent_as_an_array_after_lines_nothing_is_logged_twice(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    first = caller.post("/sessions", lines(*ROWS_SENT), kind=NDJSON)
    again = caller.post("/sessions", ROWS_SENT)
    assert statuses(again) == statuses(first)
    assert [one.get("session_id") for one in again.json["results"]] == [
        one.get("session_id") for one in first.json["results"]
    ]
    assert logged(memory) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[",
        b"[,]",
        b"[{},]",
        b'[{"a": 1}',
        b'[{"a": "1}]',
        b"[{}] x",
        b"[{]}",
        b'[{}"',
        b'"[]"',
        b"[]",
    ],
)
def test_what_is_no_array_of_rows_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        FILE.rows_in(body, JSON)
    assert refused.value.code in ("unreadable-body", "invalid-fields")


def test_no_more_rows_are_held_than_a_file_may_have() -> None:
    with pytest.raises(Refused, match="body-too-large"):
        FILE.rows_in(b"[" + b"{}," * ROWS + b"{}]", JSON)
    long = json.dumps([{"reference": "x" * ROW_BYTES}, GOOD]).encode()
    assert [row.refused is None for row in FILE.rows_in(long, JSON)] == [False, True]
