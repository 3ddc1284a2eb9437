"""What comes back for a sheet: counts, lines, and the refused rows as a sheet of their own."""

import csv
import io
from typing import Any

import pytest

from services.activity_tracking.api.columns import COLUMNS
from shared.edge.columns import TOLD
from shared.edge.headers import NDJSON
from shared.edge.row_files import CSV
from tests.support.fakes import Caller, FakeWork
from tests.support.small_programme import PROVIDER
from tests.unit.services.activity_tracking.test_spreadsheets import BLUEPRINTS, HEAD, SHEET, row

# --- what comes back ---------------------------------------------------------------------------------------


def sent(caller: Caller, *rows: str, path: str = "/sessions", **how: str) -> Any:
    return caller.post(path, "\n".join(["", HEAD, *rows]).encode(), kind=CSV, **how)


def test_the_answer_counts_and_names_line_and_reference(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = sent(
        caller,
        row(),
        ";;;;",
        row(reference="v7-ons", minutes="x"),
        row(reference="19900101-2385"),
        row(reference="v7-tor", activity="sleeping"),
        row(reference="v7-fre", journey_id=f"j-{'1' * 26}"),
        f"{row(reference='v7-lör')};more",
    )
    said = answer.json
    assert (said["rows"], said["taken"], said["refused"], said["dry_run"]) == (6, 1, 5, False)
    assert [(one["row"], one["line"], one["status"], one["reference"]) for one in said["results"]] == [
        (1, 3, 201, "v7-mån"),
        (2, 5, 422, "v7-ons"),
        (3, 6, 422, None),
        (4, 7, 422, "v7-tor"),
        (5, 8, 404, "v7-fre"),
        (6, 9, 422, "v7-lör"),
    ]
    assert "2385" not in answer.text


def test_no_name_of_a_field_that_may_identify_somebody_is_repeated(memory: FakeWork) -> None:
    body = '{"reference": "a", "19900101-2385": 1, "mood": 2}'
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", body, kind=NDJSON)
    assert set(answer.json["results"][0]["problem"]["errors"]) > {"mood", "row", "journey_id"}
    assert "2385" not in answer.text


def test_the_refused_rows_come_as_a_sheet_that_runs_nothing(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = sent(
        caller,
        row(),
        row(reference="=1+1", minutes="x", attendance="maybe"),
        row(reference="'@x", activity="sleeping"),
        accept=CSV,
    )
    assert (answer.status_code, answer.mimetype) == (200, CSV)
    assert answer.data.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [(one["line"], one["row"], one["reference"], one["status"], one["code"]) for one in table] == [
        ("4", "2", "'=1+1", "422", "invalid-fields"),
        ("5", "3", "'@x", "422", "invalid-fields"),
    ]
    assert (table[0]["minutes"], table[0]["attendance"]) == ("x", "maybe")
    assert "minutes:" in table[0]["wrong"]
    assert "attendance:" in table[0]["wrong"]
    assert "activity:" in table[1]["wrong"]


def test_the_sheet_of_refused_rows_is_mended_where_it_stands_and_sent_again(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = sent(caller, row(reference="=1+1", minutes="x"), row(reference="r-2", minutes="y"), accept=CSV)
    mended = answer.data.replace(b";x;", b";60;").replace(b";y;", b";30;")
    again = caller.post("/sessions", mended, kind=CSV)
    assert [(one["reference"], one["status"]) for one in again.json["results"]] == [
        ("=1+1", 201),
        ("r-2", 201),
    ]


def test_a_column_that_is_named_as_one_of_that_sheet_is_the_sender_s_own(memory: FakeWork) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", f"{HEAD};status\n{row()};ok".encode(), kind=CSV
    )
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"header"})


def test_what_names_somebody_is_left_out_of_the_sheet(memory: FakeWork) -> None:
    answer = sent(Caller(memory, BLUEPRINTS, PROVIDER), row(reference="850709-9805", minutes="x"), accept=CSV)
    assert "9805" not in answer.text


def test_a_sheet_of_nothing_refused_has_its_header_row_alone(memory: FakeWork) -> None:
    answer = sent(Caller(memory, BLUEPRINTS, PROVIDER), row(), accept=CSV)
    assert answer.data.decode("utf-8-sig").splitlines() == [";".join((*COLUMNS, *TOLD))]


def test_a_dry_run_judges_by_every_rule_and_logs_nothing(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    rows = (
        row(),
        row(),
        row(minutes="90"),
        row(reference="v7-tis", activity="sleeping"),
        row(reference="v7-ons", occurred_on="2099-01-01"),
        row(reference="v7-tor", journey_id=f"j-{'1' * 26}"),
    )
    tried = sent(caller, *rows, path="/sessions?dry_run=true").json
    assert not memory.events
    assert tried["dry_run"]
    assert {one.get("session_id") for one in tried["results"]} == {None}
    real = sent(caller, *rows).json
    assert len(memory.events) == 1
    assert not real["dry_run"]
    for one in (tried, real):
        assert (one["rows"], one["taken"], one["refused"]) == (6, 2, 4)
        assert [each["status"] for each in one["results"]] == [201, 201, 409, 422, 422, 404]
    # And what stands by now is known to the next.
    assert [
        one["status"]
        for one in sent(caller, row(minutes="90"), path="/sessions?dry_run=true").json["results"]
    ] == [409]


def test_a_dry_run_uses_no_key_up_and_gives_no_right(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    body = f"{HEAD}\n{row()}".encode()
    assert caller.post("/sessions?dry_run=true", b"{}", kind=NDJSON, key="k").status_code == 200
    assert caller.post("/sessions?dry_run=false", body, kind=CSV, key="k").json["taken"] == 1
    refused = caller.become(PROVIDER, "analyst").post("/sessions?dry_run=true", body, kind=CSV)
    assert refused.status_code == 403


@pytest.mark.parametrize("said", ["1", "yes", "", "TRUE"])
def test_a_dry_run_is_asked_for_in_one_way(memory: FakeWork, said: str) -> None:
    answer = sent(Caller(memory, BLUEPRINTS, PROVIDER), row(), path=f"/sessions?dry_run={said}")
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"dry_run"})
    assert not memory.events


def test_a_file_under_its_key_is_known_by_what_it_says(memory: FakeWork) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    first = caller.post("/sessions", SHEET.encode(), kind=CSV, key="k")
    again = caller.post("/sessions", SHEET.replace(";", "\t").encode("utf-16"), kind=CSV, key="k")
    assert again.json == first.json
    other = caller.post("/sessions", SHEET.replace("180", "181").encode(), kind=CSV, key="k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
