"""Many sessions in one request: a result per row, nothing logged twice, no bad row in a good one's way."""

import json
from typing import Any

import pytest

from services.activity_tracking.api import BLUEPRINTS
from services.activity_tracking.api.bulk import CSV, NDJSON, read_csv, read_ndjson
from tests.support.memory import Caller, Memory
from tests.support.toytown import JOURNEY, PROVIDER, REFERRER, STARTED_ON

ON = STARTED_ON.isoformat()
GOOD = {
    "journey_id": JOURNEY,
    "reference": "w7-mon",
    "activity": "work_training",
    "occurred_on": ON,
    "attendance": "yes",
    "minutes": 60,
}


def lines(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def logged(memory: Memory) -> int:
    return sum(type(event).__name__ == "SessionLogged" for event in memory.events)


def statuses(answer: Any) -> list[tuple[int, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(one["status"], (one.get("problem") or {}).get("code")) for one in answer.json["results"]]


def test_a_bad_row_never_blocks_a_good_one(memory: Memory) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions",
        lines(
            GOOD,
            "{broken",
            [1, 2],
            {**GOOD, "reference": "w7-tue", "minutes": 0},
            {**GOOD, "reference": "w7-wed", "mood": "fine"},
            {**GOOD, "journey_id": f"j-{'1' * 26}", "reference": "w7-thu"},
            {key: value for key, value in GOOD.items() if key != "reference"},
            {**GOOD, "reference": "19640823-3234"},
            {**GOOD, "reference": "w7-fri"},
        ),
        kind=NDJSON,
    )
    assert statuses(answer) == [
        (201, None),
        (400, "unreadable-body"),
        (422, "invalid-fields"),
        (422, "invalid-fields"),
        (422, "invalid-fields"),
        (404, "not-found"),
        (422, "invalid-fields"),
        (422, "invalid-fields"),
        (201, None),
    ]
    results = answer.json["results"]
    assert [one["row"] for one in results] == list(range(1, 10))
    assert set(results[4]["problem"]["errors"]) == {"mood"}
    assert results[0]["session_id"] != results[8]["session_id"]
    assert logged(memory) == 2


def test_sending_a_file_again_logs_nothing_twice_and_a_mended_row_is_taken(memory: Memory) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    wrong = {**GOOD, "reference": "w7-tue", "activity": "sleeping"}
    first = caller.post("/sessions", lines(GOOD, wrong), kind=NDJSON, key="one")
    again = caller.post("/sessions", lines(GOOD, wrong), kind=NDJSON, key="one")
    assert first.json == again.json
    mended = caller.post(
        "/sessions", lines(GOOD, {**wrong, "activity": "work_training"}), kind=NDJSON, key="two"
    )
    assert statuses(mended) == [(201, None), (201, None)]
    assert mended.json["results"][0] == first.json["results"][0]
    assert logged(memory) == 2


def test_a_key_used_again_with_another_file_is_refused(memory: Memory) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    caller.post("/sessions", lines(GOOD), kind=NDJSON, key="one")
    other = caller.post("/sessions", lines({**GOOD, "reference": "x"}), kind=NDJSON, key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert logged(memory) == 1


def test_a_reference_names_one_session_in_one_file_and_over_routes(memory: Memory) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = caller.post("/sessions", lines(GOOD, GOOD, {**GOOD, "minutes": 90}), kind=NDJSON)
    assert statuses(answer) == [(201, None), (201, None), (422, "idempotency-key-reused")]
    alone = {key: value for key, value in GOOD.items() if key != "journey_id"}
    single = caller.post(f"/journeys/{JOURNEY}/sessions", alone)
    assert single.json["session_id"] == answer.json["results"][0]["session_id"]
    other = caller.post(f"/journeys/{JOURNEY}/sessions", {**alone, "minutes": 90})
    assert (other.status_code, other.json["code"]) == (409, "already-logged")
    assert logged(memory) == 1


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_with_a_header_row_in_any_order_of_columns(memory: Memory, delimiter: str) -> None:
    rows = [
        ["minutes", "reference", "journey_id", "activity", "attendance", "occurred_on", "reason"],
        ["60", "w7-mon", JOURNEY, "work_training", "yes", ON, ""],
        ["0", "w7-tue", JOURNEY, "work_training", "no", ON, "ill"],
        ["sixty", "w7-wed", JOURNEY, "work_training", "yes", ON, ""],
        ["60", "w7-thu", JOURNEY, "work_training", "yes", ON, "", "more"],
    ]
    text = "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows)
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", text.encode(), kind="text/csv; charset=utf-8"
    )
    assert statuses(answer) == [
        (201, None),
        (201, None),
        (422, "invalid-fields"),
        (422, "invalid-fields"),
    ]
    assert set(answer.json["results"][2]["problem"]["errors"]) == {"minutes"}


def test_a_row_that_another_organisation_may_not_log_is_forbidden(memory: Memory) -> None:
    answer = Caller(memory, BLUEPRINTS, REFERRER).post("/sessions", lines(GOOD), kind=NDJSON)
    assert statuses(answer) == [(403, "not-allowed")]
    assert logged(memory) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("", NDJSON, 422, "invalid-fields"),
        ("\n\n", NDJSON, 422, "invalid-fields"),
        ("journey_id,reference\n", CSV, 422, "invalid-fields"),
        (b"\xff\xfe", CSV, 400, "unreadable-body"),
        (json.dumps(GOOD), "application/json", 415, "unsupported-media-type"),
        ("{}\n" * 1001, NDJSON, 413, "body-too-large"),
        ("x" * ((1 << 20) + 1), NDJSON, 413, "body-too-large"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(
    memory: Memory, body: Any, kind: str, status: int, code: str
) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", body, kind=kind)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert not memory.events


def test_a_row_that_is_no_csv_ends_the_file_with_a_result() -> None:
    rows = list(read_csv('reference,minutes\na,1\nb,"2'))
    assert [row.refused and row.refused.code for row in rows] == [None, "unreadable-body"]
    assert rows[0].fields == {"reference": "a", "minutes": 1}


def test_blank_lines_are_no_rows() -> None:
    assert [row.number for row in read_ndjson('\n{}\n\n{"a": 1}\n')] == [1, 2]
