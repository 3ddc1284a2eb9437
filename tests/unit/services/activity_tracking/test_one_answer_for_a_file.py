"""What is wrong with all of a file is said once, and what a spreadsheet spoilt is not taken for something else."""

import json

import pytest

from services.activity_tracking.api import blueprints
from services.activity_tracking.api.bulk import FILE
from shared.edge.headers import NDJSON
from shared.edge.row_files import CSV
from shared.language.errors import Refused
from tests.support.fakes import Caller, FakeWork
from tests.support.small_programme import PROVIDER
from tests.unit.services.activity_tracking.test_spreadsheets import (
    FIRST,
    HEAD,
    ROWS_OF_TWO,
    SECOND,
    SHEET,
    fields,
    row,
)

BLUEPRINTS = blueprints()

ROWS_BELOW = "\n".join(ROWS_OF_TWO)
HEADERS = {
    "sep= of another sign": (f"sep=,\n{SHEET}", "another sign than the line sep="),
    "sep= of a colon": (f"sep=:\n{SHEET.replace(';', ':')}", "sep= takes one of"),
    "sep= of nothing": (f"sep=\n{SHEET}", "sep= takes one of"),
    "a line end in a name": (
        f"{HEAD.replace('minutes', chr(34) + 'minutes' + chr(10) + chr(34))}\n{row()}",
        "A quote is open",
    ),
}


@pytest.mark.parametrize(("body", "told"), HEADERS.values(), ids=HEADERS)
def test_a_header_row_that_does_not_fit_its_file_is_told_how(memory: FakeWork, body: str, told: str) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", body.encode(), kind=CSV)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"header"})
    assert told in answer.json["errors"]["header"][0]
    assert "Expected are" in answer.json["errors"]["header"][-1]
    assert not memory.events


def test_a_tab_may_be_spelt_out() -> None:
    tabs = SHEET.replace(";", "\t")
    assert fields(f"sep=\\t\n{tabs}") == fields(f"sep=\t\n{tabs}") == [FIRST, SECOND]


UNREADABLE = {
    "rows with commas": (CSV, f"{HEAD}\n{ROWS_BELOW.replace(';', ',')}", "invalid-fields"),
    "rows with semicolons": (CSV, f"{HEAD.replace(';', ',')}\n{ROWS_BELOW}", "invalid-fields"),
    "rows with commas, filled up": (
        CSV,
        "\n".join([HEAD, *(f"{one.replace(';', ',')};;;;;;" for one in ROWS_OF_TWO)]),
        "invalid-fields",
    ),
    "CSV as NDJSON": (NDJSON, SHEET, "unreadable-body"),
    "a list as NDJSON": (NDJSON, json.dumps([FIRST, SECOND], indent=1), "unreadable-body"),
    "a cell more in every row": (
        CSV,
        "\n".join([HEAD, *(f"{one};more" for one in ROWS_OF_TWO)]),
        "invalid-fields",
    ),
    "no reference survived": (CSV, "\n".join([HEAD, *[row(reference="1,23457E+11")] * 3]), "invalid-fields"),
}


@pytest.mark.parametrize(("kind", "body", "code"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_fault_of_every_row_is_told_once_and_nothing_is_kept(
    memory: FakeWork, kind: str, body: str, code: str
) -> None:
    caller = Caller(memory, BLUEPRINTS, PROVIDER)
    answer = caller.post("/sessions", body.encode(), kind=kind, key="k")
    assert (answer.status_code >= 400, answer.json["code"]) == (True, code)
    assert answer.json["detail"].startswith("No row of the file can be read.")
    assert caller.post("/sessions", SHEET.encode(), kind=CSV, key="k").json["taken"] == 2


def test_rows_with_faults_of_their_own_are_told_one_by_one() -> None:
    body = "\n".join([HEAD, f"{row()};more", 'b;"2'])
    assert [one.refused is None for one in FILE.rows_in(body.encode(), CSV)] == [False, False]
    assert [one.refused is None for one in FILE.rows_in(b"{broken", NDJSON)] == [False]
    with pytest.raises(Refused):
        FILE.rows_in(b"{broken\n[broken", NDJSON)


@pytest.mark.parametrize(
    "reference", ["1,23457E+11", "1.23457E+11", "#REF!", "#SAKNAS!", "#NAMN?", "#DIV/0!", "#N/A", "#####"]
)
def test_a_reference_that_a_spreadsheet_spoilt_names_no_session(memory: FakeWork, reference: str) -> None:
    """Many long numbers come out as the same one, and the second would pass for the first."""
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", f"{HEAD}\n{row(reference=reference)}\n{row(reference='#12')}".encode(), kind=CSV
    )
    assert [one["status"] for one in answer.json["results"]] == [422, 201]
    assert set(answer.json["results"][0]["problem"]["errors"]) == {"reference"}


def test_a_row_that_cannot_be_read_whole_is_found_again_by_its_reference(memory: FakeWork) -> None:
    twice = json.dumps(FIRST)[:-1]
    rows = (
        f'{twice}, "minut\\u0065s": 5}}',
        f'{twice}, "reference": "another"}}',
        json.dumps({**SECOND, **{f"x{n}": n for n in range(20)}}),
        f'{twice}, "x": {{"mood": 1, "mood": 2}}}}',
    )
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", "\n".join(rows).encode(), kind=NDJSON)
    told = [(one["reference"], set(one["problem"]["errors"])) for one in answer.json["results"]]
    assert told == [
        ("v7-mån", {"minutes"}),
        (None, {"reference"}),
        ("v7-tis", {"row"}),
        ("v7-mån", {"mood"}),
    ]


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "utf-16"])
def test_a_row_of_a_letter_is_a_row_in_every_charset(charset: str) -> None:
    """In UTF-8 the byte of \u00c2 stands before a no-break space, which alone makes no row."""
    for reference in ("v7-l\u00f6r", "v7"):
        body = "\n".join([HEAD, row(reference="a"), "\u00c2", "\u00a0;\u00a0", row(reference=reference)])
        assert [one.line for one in FILE.rows_in(body.encode(charset), CSV)] == [2, 3, 5]
