"""CSV as spreadsheets write it: taken where it can only mean one thing, else answered once, with what was expected."""

import csv
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.activity_tracking.api import blueprints
from services.activity_tracking.api.bulk import FILE
from services.activity_tracking.api.columns import COLUMNS, NAMES
from shared.edge.columns import guarded, text_of
from shared.edge.headers import NDJSON
from shared.edge.row_files import CSV, ROW_BYTES, ROWS
from shared.language.errors import Invalid, Refused
from tests.support.fakes import Caller, FakeWork
from tests.support.small_programme import JOURNEY, PROVIDER, STARTED_ON

BLUEPRINTS = blueprints()


ON = STARTED_ON.isoformat()


HEAD = ";".join(COLUMNS)


FIRST = {
    "journey_id": JOURNEY,
    "reference": "v7-mån",
    "activity": "work_training",
    "occurred_on": ON,
    "attendance": "yes",
    "minutes": 180,
}


SECOND = {**FIRST, "reference": "v7-tis", "attendance": "no", "minutes": 0, "reason": "ill"}


def row(**changed: str) -> str:
    said = {**{name: str(value) for name, value in FIRST.items()}, **changed}
    return ";".join(said.get(name, "") for name in COLUMNS)


ROWS_OF_TWO = [row(), row(reference="v7-tis", attendance="no", minutes="0", reason="ill")]


SHEET = "\n".join([HEAD, *ROWS_OF_TWO, ""])


SWEDISH = ";".join(NAMES[name][0] for name in COLUMNS)


def fields(body: str | bytes, charset: str | None = None) -> list[dict[str, Any]]:
    rows = list(FILE.rows_in(body if isinstance(body, bytes) else body.encode(), CSV, charset))
    assert not [one.refused for one in rows if one.refused is not None]
    return [one.fields for one in rows]


TAKEN: dict[str, str | bytes] = {
    "as it is": SHEET,
    "a mark": b"\xef\xbb\xbf" + SHEET.encode(),
    "commas": SHEET.replace(";", ","),
    "tabs": SHEET.replace(";", "\t"),
    "Windows' line ends": SHEET.replace("\n", "\r\n"),
    "an old Mac's line ends": SHEET.replace("\n", "\r"),
    "no line end at its end": SHEET.rstrip("\n"),
    "blank rows": SHEET.replace("\n", "\n\n \t\n"),
    "empty first lines": f"\n\r\n;;;;;;\n{SHEET}",
    "rows of empty cells": SHEET.replace("\n", '\n;;;;;;\n"";"";;\n ; ;\u00a0;\n'),
    "rows of empty cells at its end, not ended": f"{SHEET};;;;;;",
    "rows of other blanks": SHEET.replace("\n", "\n\u3000;\u2003\n"),
    "sep=": f"sep=;\n{SHEET}",
    "sep= as it is saved again": f'"SEP=;";;;;;;\r\n{SHEET}',
    "sep=, with commas": f"sep=,\n{SHEET.replace(';', ',')}",
    "sep=|": f"sep=|\n{SHEET.replace(';', '|')}",
    "empty first lines, then sep=": f"\n;;\nsep=;\n\n{SHEET}",
    "empty cells at the ends": "\n".join(f"{line};;;" for line in [HEAD, *ROWS_OF_TWO]),
    "more empty cells than named": "\n".join([HEAD, *(f"{line};; ;" for line in ROWS_OF_TWO)]),
    "an empty column before and between": "\n".join(
        ";" + line.replace(";", ";;", 1) for line in [HEAD, *ROWS_OF_TWO]
    ),
    "cells left out at the end": "\n".join([HEAD, ROWS_OF_TWO[0].rstrip(";"), ROWS_OF_TWO[1]]),
    "Swedish names": SHEET.replace(HEAD, SWEDISH),
    "Swedish names in capitals": SHEET.replace(HEAD, SWEDISH.upper()),
    "Swedish names without accents": SHEET.replace(HEAD, SWEDISH.replace("ä", "a")),
    "Swedish names, decomposed": SHEET.replace(HEAD, SWEDISH.replace("ä", "a\u0308")),
    "capitals": SHEET.replace(HEAD, HEAD.upper()),
    "names in words": SHEET.replace(
        HEAD, " Journey ID ;Reference ;Activity;Occurred on;Attendance;Minutes;Reason"
    ),
    "no-break spaces": SHEET.replace(HEAD, HEAD.replace(";", "\u00a0;\u00a0")).replace(
        "180", "\u00a0180\u00a0"
    ),
    "a mark within the first name": f'"\ufeff{HEAD.replace(";", chr(34) + ";", 1)}\n'
    + "\n".join(ROWS_OF_TWO),
    "every cell quoted": "\n".join(
        ";".join(f'"{cell}"' for cell in line.split(";")) for line in [HEAD, *ROWS_OF_TWO]
    ),
    "Windows-1252": SHEET.encode("cp1252"),
    "Windows-1252 in Swedish": SHEET.replace(HEAD, SWEDISH).encode("cp1252"),
    "UTF-16": SHEET.encode("utf-16"),
    "UTF-16, with tabs, as a spreadsheet's Unicode text": SHEET.replace(";", "\t").encode("utf-16"),
    "UTF-16, the other end first": b"\xfe\xff" + SHEET.encode("utf-16-be"),
    "a decimal comma": SHEET.replace("180", "180,0"),
    "a decimal point": SHEET.replace("180", "180.00"),
    "blanks around": SHEET.replace("180", " 180 "),
    "ja and nej": SHEET.replace("yes", "ja").replace(";no;", ";Nej;"),
    "JA": SHEET.replace("yes", "JA"),
    "YES": SHEET.replace("yes", "YES"),
    "signs that show nothing": SHEET.replace("yes", "y\u200bes\ufeff").replace("work", "work\u00ad"),
    "codes in capitals": SHEET.replace("work_training", "Work_Training").replace("ill", "ILL"),
    "an id in capitals": SHEET.replace(JOURNEY, JOURNEY.upper()),
    "a cell that is forced to be text": SHEET.replace("v7-mån", '"=""v7-mån"""'),
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN)
def test_a_spreadsheet_s_file_is_taken(body: str | bytes) -> None:
    assert fields(body) == [FIRST, SECOND]


def test_the_column_of_reasons_may_be_missing_where_nobody_was_absent() -> None:
    lines = [line.rpartition(";")[0] for line in (HEAD, row())]
    assert fields("\n".join(lines)) == [FIRST]


@pytest.mark.parametrize(
    ("charset", "python"),
    [
        ("UTF-8", "utf-8"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-1", "latin-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("macintosh", "mac_roman"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        ("utf-16", "utf-16-be"),
        ("utf-16", "utf-16"),
        ("utf-8", "utf-16"),  # a mark says more than a parameter
    ],
)
def test_a_charset_that_is_named_is_the_one_it_is_read_in(charset: str, python: str) -> None:
    assert fields(SHEET.encode(python), charset) == [FIRST, SECOND]


@pytest.mark.parametrize("minutes", ["1 000", "1\u00a0000", "1\u202f000,0"])
def test_thousands_are_set_apart_by_blanks(minutes: str) -> None:
    assert fields(f"{HEAD}\n{row(minutes=minutes)}")[0]["minutes"] == 1000


@pytest.mark.parametrize("minutes", ["1,000", "1.000", "180,5", "3:00", "-5", "1e3", "180 min", "١٨٠", "1 0"])
def test_minutes_that_can_mean_two_things_or_none_are_left_to_be_refused(
    memory: FakeWork, minutes: str
) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", f"{HEAD}\n{row(minutes=minutes)}".encode(), kind=CSV
    )
    assert set(answer.json["results"][0]["problem"]["errors"]) == {"minutes"}
    assert not memory.events


@pytest.mark.parametrize("day", ["02/03/2017", "2/3/17", "1 mars 2017", "2017-3-1", "42795", "20170301"])
def test_a_day_is_written_in_one_way(memory: FakeWork, day: str) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", f"{HEAD}\n{row(occurred_on=day)}".encode(), kind=CSV
    )
    assert set(answer.json["results"][0]["problem"]["errors"]) == {"occurred_on"}


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_a_file_says_the_same_however_a_spreadsheet_wrote_it(chance: random.Random) -> None:
    """Columns in any order and by any of their names, any delimiter, charset and line end, and nothing in between."""
    columns = list(COLUMNS)
    chance.shuffle(columns)
    delimiter = chance.choice(";,\t")
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        lineterminator=chance.choice(["\n", "\r\n"]),
    )

    def nothing() -> None:
        for _ in range(chance.randrange(3)):
            writer.writerow([""] * chance.randrange(10))

    nothing()
    if chance.random() < 0.3:
        text.write(f"sep={delimiter}\r\n")
    named = [chance.choice([name, *NAMES[name]]) for name in columns]
    shapes: list[Callable[[str], str]] = [str.upper, str.lower, str.title, str]
    shape = chance.choice(shapes)
    writer.writerow([shape(name) for name in named] + [""] * chance.randrange(3))
    for one in (FIRST, SECOND):
        nothing()
        writer.writerow([f" {one.get(name, '')}\u00a0" for name in columns] + [""] * chance.randrange(3))
    nothing()
    charset = chance.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    found = FILE.rows_in(text.getvalue().encode(charset), CSV)
    assert [one.fields for one in found] == [FIRST, SECOND]
    assert found.content == FILE.rows_in(SHEET.encode(), CSV).content


# --- one answer for the file -------------------------------------------------------------------------------

WRONG_HEADERS = {
    "twice": (HEAD.replace("reason", "minutes"), "minutes is named 2 times"),
    "twice, by two names": (f"{HEAD};Minuter", "minutes is named 2 times"),
    "unknown": (f"{HEAD};mood", "Cell 9 (mood) names no column"),
    "unknown and not to be shown": (f"{HEAD};19900101-2385", "Cell 9 names no column"),
    "missing": (HEAD.replace("minutes", ""), "minutes is missing"),
    "no header row": (row(), "None of its cells names a column"),
    "a title first": ("Närvaro mars", "None of its cells names a column"),
    "half a million columns": (";" * 524_288 + "x", "at most 4096 bytes"),
    "one long name": ("x" * 5000, "at most 4096 bytes"),
    "an open quote": ('reference;"', "journey_id is missing"),
    "a stray quote": ('"reference"x', "None of its cells names a column"),
    "UTF-16 without a mark": (HEAD.encode("utf-16-le").decode("latin-1"), "UTF-16 without a mark"),
}


@pytest.mark.parametrize(("header", "told"), WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_a_wrong_header_row_is_answered_once_with_what_was_found_and_expected(
    memory: FakeWork, header: str, told: str
) -> None:
    body = f"{header}\n" + f"{row()}\n" * 5
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", body.encode(), kind=CSV)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-fields"), answer.text
    said = " ".join(answer.json["errors"]["header"])
    assert told in said
    assert all(name in said for name in COLUMNS)
    assert "närvaro" in said
    assert "2385" not in said
    assert len(said) < 1500
    assert not memory.events


@pytest.mark.parametrize("magic", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1"])
def test_a_workbook_is_told_to_be_saved_as_csv(memory: FakeWork, magic: bytes) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post("/sessions", magic + b"\x00\n" * 3000, kind=CSV)
    assert answer.status_code == 422
    assert "CSV" in answer.json["errors"]["body"][0]


@pytest.mark.parametrize(("kind", "charset"), [(CSV, "ebcdic"), (NDJSON, "utf-16"), (NDJSON, "x")])
def test_a_charset_that_is_not_read_is_refused(memory: FakeWork, kind: str, charset: str) -> None:
    answer = Caller(memory, BLUEPRINTS, PROVIDER).post(
        "/sessions", SHEET.encode(), kind=f"{kind}; charset={charset}"
    )
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"sep=;\n", b";;;;\n;;;;\n", b'""', HEAD.encode(), b"\xef\xbb\xbf"]
)
def test_a_file_without_rows_is_told_so(body: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        FILE.rows_in(body, CSV)
    assert refused.value.errors == {"body": ["There are no rows."]}


def test_no_more_rows_than_a_file_may_have() -> None:
    lines = f"{row()}\n;;;;\n"
    assert sum(1 for _ in FILE.rows_in(f"{HEAD}\n{lines * ROWS}".encode(), CSV)) == ROWS
    with pytest.raises(Refused, match="body-too-large"):
        FILE.rows_in(f"{HEAD}\n{lines * (ROWS + 1)}".encode(), CSV)


# --- one row -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        b'b;"2',
        b'b;"2"3',
        b'"b;2',
        b"b" * ROW_BYTES + b";2",
        row().encode() + b";more",
        b"\x81;2",
        b"b;2\rc;3",
    ],
)
def test_a_row_that_is_no_csv_costs_itself_alone(bad: bytes) -> None:
    rows = list(
        FILE.rows_in(
            "\n".join([HEAD, row(), "§", row(reference='"c; ""d"""')]).encode().replace("§".encode(), bad),
            CSV,
        )
    )
    assert [one.refused is None for one in rows[:1] + rows[2:]] == [True, True]
    assert [one.line for one in rows] == [2, 3, 4]
    assert rows[2].fields["reference"] == 'c; "d"'


def test_bytes_that_are_no_utf_8_are_a_row_s_fault_where_others_are() -> None:
    text = "\n".join([HEAD, row(), row(reference="x")]).encode()
    found = list(FILE.rows_in(text.replace(b";x;", b";v7-m\xe5n;"), CSV))
    assert [one.refused is None for one in found] == [True, False]


@pytest.mark.parametrize("charset", ["mac_roman", "cp850", "cp437"])
def test_letters_of_other_charsets_are_not_taken_for_signs_of_windows_1252(charset: str) -> None:
    """Their å, ä and ö lie where Windows-1252 has dashes and quotes: the reference would be another one."""
    rows = FILE.rows_in(f"{HEAD}\n{row()}\n{row(reference='x')}".encode(charset), CSV)
    assert [one.refused and one.refused.code for one in rows] == ["unreadable-body", None]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_row_ends_at_a_line_feed_and_nowhere_else(sign: str) -> None:
    assert [one["reference"] for one in fields(f"{HEAD}\n{row(reference=f'a{sign}b')}\n")] == [f"a{sign}b"]


@given(st.text(st.sampled_from("'=+-@a1 \t\"å"), max_size=6))
def test_a_guarded_cell_is_no_formula_and_is_read_back(text: str) -> None:
    text = text.strip()
    cell = guarded(text)
    assert cell[:1] not in tuple("=+-@\t\r")
    if '="' not in text:
        assert text_of(cell) == text
