"""Many sessions in one request: a result per row, nothing logged twice, no bad row in a good one's way."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.activity_tracking.api import blueprints
from services.activity_tracking.api.bulk import FILE
from shared.edge.headers import NDJSON
from shared.edge.request_checks import LONG_AT_ONCE
from shared.edge.row_files import CSV, ROWS
from shared.edge.row_results import BYTES
from tests.support.awaiting import PATIENCE_SECONDS
from tests.support.fakes import Caller, FakeWork, web
from tests.support.small_programme import JOURNEY, PROVIDER, REFERRER, STARTED_ON

BLUEPRINTS = blueprints()

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


def logged(memory: FakeWork) -> int:
    return sum(type(event).__name__ == "SessionLogged" for event in memory.events)


def statuses(answer: Any) -> list[tuple[int, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(one["status"], (one.get("problem") or {}).get("code")) for one in answer.json["results"]]


def test_a_bad_row_never_blocks_a_good_one(memory: FakeWork) -> None:
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


def test_sending_a_file_again_logs_nothing_twice_and_a_mended_row_is_taken(memory: FakeWork) -> None:
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


def test_a_name_said_twice_costs_its_row_and_is_named(memory: FakeWork) -> None:
    twice = json.dumps(GOOD)[:-1] + ', "minutes": 90}'
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", lines(twice, {**GOOD, "reference": "w7-tue"}), kind=NDJSON
    )
    assert statuses(answer) == [(422, "invalid-fields"), (201, None)]
    assert set(answer.json["results"][0]["problem"]["errors"]) == {"minutes"}


def test_a_key_used_again_with_another_file_is_refused(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    caller.post("/sessions", lines(GOOD), kind=NDJSON, key="one")
    other = caller.post("/sessions", lines({**GOOD, "reference": "x"}), kind=NDJSON, key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert logged(memory) == 1


def test_a_reference_names_one_session_in_one_file_and_over_routes(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = caller.post("/sessions", lines(GOOD, GOOD, {**GOOD, "minutes": 90}), kind=NDJSON)
    assert statuses(answer) == [(201, None), (201, None), (409, "already-logged")]
    session = answer.json["results"][0]["session_id"]
    assert f"session {session}" in answer.json["results"][2]["problem"]["detail"]
    alone = {key: value for key, value in GOOD.items() if key != "journey_id"}
    single = caller.post(f"/journeys/{JOURNEY}/sessions", alone)
    assert single.json["session_id"] == session
    other = caller.post(f"/journeys/{JOURNEY}/sessions", {**alone, "minutes": 90})
    assert (other.status_code, other.json["code"]) == (409, "already-logged")
    assert f"session {session}" in other.json["detail"]
    assert logged(memory) == 1


def test_a_row_that_was_logged_says_what_stands_when_it_is_mended(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    first = caller.post("/sessions", lines(GOOD), kind=NDJSON)
    turned = dict(reversed({**GOOD, "reason": None}.items()))
    assert caller.post("/sessions", lines(turned), kind=NDJSON).json["results"] == first.json["results"]
    mended = caller.post("/sessions", lines({**GOOD, "attendance": "late"}), kind=NDJSON)
    assert statuses(mended) == [(409, "already-logged")]
    session = first.json["results"][0]["session_id"]
    assert f"session {session}" in mended.json["results"][0]["problem"]["detail"]
    corrected = {name: GOOD[name] for name in ("activity", "occurred_on", "minutes")}
    path = f"/journeys/{JOURNEY}/sessions/{session}/correction"
    assert caller.post(path, {**corrected, "attendance": "late"}).status_code == 200


# --- keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [f"reference:{GOOD['reference']}", str(GOOD["reference"]), "row|w7-mon"])
def test_no_key_that_a_caller_chooses_is_the_key_of_a_row(memory: FakeWork, key: str) -> None:
    """The file's own key and the row's were one: a 500, and the row could never be logged again."""
    row = json.dumps(GOOD, sort_keys=True)
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    first = caller.post("/sessions", row, kind=NDJSON, key=key)
    assert statuses(first) == [(201, None)]
    assert caller.post("/sessions", row, kind=NDJSON, key=key).json == first.json
    assert statuses(caller.post("/sessions", lines({**GOOD, "reference": "w7-tue"}), kind=NDJSON)) == [
        (201, None)
    ]
    assert logged(memory) == 2


def test_a_colleague_neither_takes_nor_blocks_a_key_or_a_row(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER).become(PROVIDER, "supervisor", "kim")
    first = caller.post("/sessions", lines(GOOD), kind=NDJSON, key="monday")
    caller.become(PROVIDER, "caseworker", "alex")
    other = caller.post("/sessions", lines({**GOOD, "reference": "w7-tue"}), kind=NDJSON, key="monday")
    assert statuses(other) == [(201, None)]
    # The same file again, from a colleague: the organisation's reference names the session that is there.
    again = caller.post("/sessions", lines(GOOD), kind=NDJSON, key="tuesday")
    assert again.json == first.json
    changed = caller.post("/sessions", lines({**GOOD, "minutes": 90}), kind=NDJSON, key="wednesday")
    assert statuses(changed) == [(409, "already-logged")]
    assert logged(memory) == 2


def test_a_command_sent_again_is_known_by_what_it_says_and_not_by_how_it_is_written(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    path = f"/journeys/{JOURNEY}/sessions"
    said = {name: value for name, value in GOOD.items() if name not in ("journey_id", "reference")}
    first = caller.post(path, said, key="k")
    assert first.status_code == 201
    turned = dict(reversed({**said, "reason": None, "reference": None}.items()))
    assert caller.post(path, turned, key="k").json == first.json
    other = caller.post(path, {**said, "minutes": 61}, key="k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert logged(memory) == 1


@pytest.mark.parametrize("duty", ["analyst", "operator", "owner"])
def test_a_stored_answer_is_given_to_nobody_without_the_right(memory: FakeWork, duty: str) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    goal = {"text": "to weld"}
    first = caller.post(f"/journeys/{JOURNEY}/goals", goal, key="k")
    assert first.status_code == 201
    # The same person, whose duty has changed since.
    refused = caller.become(PROVIDER, duty).post(f"/journeys/{JOURNEY}/goals", goal, key="k")
    assert (refused.status_code, refused.json["code"]) == (403, "wrong-duty")
    assert caller.become(PROVIDER).post(f"/journeys/{JOURNEY}/goals", goal, key="k").json == first.json


@pytest.mark.parametrize(
    ("organisation", "duty", "code"),
    [
        (REFERRER, "caseworker", "not-allowed"),
        ("nobody", "supervisor", "not-allowed"),
        (PROVIDER, "analyst", "wrong-duty"),
        (PROVIDER, "operator", "wrong-duty"),
    ],
)
def test_who_may_log_nowhere_is_refused_before_a_byte_is_read(
    memory: FakeWork, organisation: str, duty: str, code: str
) -> None:
    class Watched(io.BytesIO):
        """Counts what is read of it."""

        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            self.taken += len(found)
            return found

    body = Watched(lines(GOOD).encode())
    headers = {
        "Authorization": f"Bearer {organisation}:{duty}",
        "Idempotency-Key": "k",
        "Content-Type": NDJSON,
        "Content-Length": str(len(body.getvalue())),
    }
    answer: Any = web(memory, BLUEPRINTS).post("/sessions", input_stream=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, code)
    assert body.taken == 0
    assert not memory.events


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("", NDJSON, 422, "invalid-fields"),
        ("\n\n", NDJSON, 422, "invalid-fields"),
        ("journey_id,reference\n", CSV, 422, "invalid-fields"),
        (b"\xff\xfe", CSV, 422, "invalid-fields"),
        ("\n" * BYTES, CSV, 422, "invalid-fields"),
        ("\ufeffjourney_id,reference\n".encode("utf-16"), CSV, 422, "invalid-fields"),
        (json.dumps(GOOD), "application/json", 422, "invalid-fields"),
        (json.dumps(GOOD), "application/xml", 415, "unsupported-media-type"),
        ("{}\n" * (ROWS + 1), NDJSON, 413, "body-too-large"),
        ("x" * (BYTES + 1), NDJSON, 413, "body-too-large"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(
    memory: FakeWork, body: Any, kind: str, status: int, code: str
) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", body, kind=kind)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert not memory.events


def test_blank_lines_are_no_rows() -> None:
    rows = FILE.rows_in(b'\n{}\n \t\r\n{"a": 1}\n', NDJSON)
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 4)]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_row_ends_at_a_line_feed_and_nowhere_else(sign: str) -> None:
    row = json.dumps({"reference": f"a{sign}b"}, ensure_ascii=False)
    found = list(FILE.rows_in(f"{row}\r\n{row}\n".encode(), NDJSON))
    assert [one.fields for one in found] == [{"reference": f"a{sign}b"}] * 2


class SlowBody(io.BytesIO):
    """A body that ends when the test lets it."""

    def __init__(self, text: str) -> None:
        super().__init__(text.encode())
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.reached.set()
        assert self.go_on.wait(PATIENCE_SECONDS)
        return super().read(size)


def test_few_files_are_read_at_once_and_of_one_organisation_fewer(memory: FakeWork) -> None:
    application = web(memory, BLUEPRINTS).application

    def send(body: io.BytesIO, organisation: str, key: str) -> Any:
        headers = {"Authorization": f"Bearer {organisation}:caseworker", "Idempotency-Key": key}
        options: Any = {"input_stream": body, "content_length": len(body.getvalue()), "content_type": NDJSON}
        return application.test_client().post("/sessions", headers=headers, **options)

    with ThreadPoolExecutor(LONG_AT_ONCE) as pool:
        bodies = [SlowBody(lines({**GOOD, "reference": f"slow-{number}"})) for number in range(3)]
        try:
            under_way = [pool.submit(send, body, PROVIDER, str(n)) for n, body in enumerate(bodies)]
            assert all(body.reached.wait(PATIENCE_SECONDS) for body in bodies)
            unread = SlowBody(lines(GOOD))
            unread.go_on.set()
            refused = send(unread, PROVIDER, "one-more")
            assert (refused.status_code, refused.json["code"]) == (429, "too-many-requests")
            assert int(refused.headers["Retry-After"]) >= 1
            assert not unread.reached.is_set()
            assert send(unread, REFERRER, "no-right").status_code == 403, "the right is judged first"
        finally:
            for body in bodies:
                body.go_on.set()
        assert [statuses(one.result(PATIENCE_SECONDS)) for one in under_way] == [[(201, None)]] * 3
    for number in range(2 * LONG_AT_ONCE):
        assert statuses(send(io.BytesIO(lines(GOOD).encode()), PROVIDER, f"later-{number}")) == [(201, None)]
        assert send(io.BytesIO(b"x" * (BYTES + 1)), PROVIDER, "too-long").status_code == 413
