"""1,500 shops in one file: a result per row, every rule broken once, and each row has one right answer."""

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from services.intake.api.register_bulk import COLUMNS
from shared.edge.columns import TOLD
from tests.support.house import INTAKE, House, house
from tests.support.page_server import read_programme

REGISTRAR = "urkraft:registrar"
PATH = "/register/imports"
HEAD = (
    *("Enhet", "Namn", "Slag", "Första dag", "Sista dag", "Kommun", "Adress", "Program", "Roller", "Skäl"),
    *("Kommuner", "Delas med", "Juridisk person", "Överordnad enhet", "Funktionsadress"),
)
ROWS = 1500
GOOD = (
    "butik-{}",
    "Butik {}",
    "provider",
    "2016-03-01",
    "",
    "2482",
    "Gågatan {}",
    "coactive",
    "provider",
    "Avtal.",
    "2482, 2417",
    "kafe-solrosen urkraft",
    "",
    "urkraft",
    "butik{}@example.org",
)

Broken = Mapping[int, tuple[int, str, str, str]]
BROKEN: Broken = {
    # row: (cell, what it says instead, code, the field that is named)
    3: (0, "Butik Tre", "invalid-fields", "unit_id"),
    10: (1, "", "invalid-fields", "name"),
    20: (2, "shop", "invalid-fields", "kind"),
    30: (3, "2016-02-30", "invalid-fields", "first_day"),
    40: (4, "2016-02-01", "invalid-fields", "last_day"),
    50: (5, "24", "invalid-fields", "municipality"),
    60: (5, "", "invalid-fields", "municipality"),
    70: (7, "nothing", "invalid-fields", "programme"),
    80: (8, "boss", "invalid-fields", "roles"),
    90: (8, "", "invalid-fields", "roles"),
    100: (9, "", "invalid-fields", "why"),
    110: (0, "butik-1", "already-registered", ""),
    120: (0, "7.2E+15", "invalid-fields", "unit_id"),
    130: (10, "0180", "invalid-fields", "municipalities"),
    140: (10, "2482 2482", "invalid-fields", "municipalities"),
    150: (11, "nobody", "invalid-fields", "shared_with"),
    160: (11, "butik-160", "invalid-fields", "shared_with"),
    170: (12, "nobody", "invalid-fields", "legal_person"),
    180: (13, "nobody", "invalid-fields", "parent"),
    190: (13, "butik-190", "invalid-fields", "parent"),
    200: (14, "kim", "invalid-fields", "function_address"),
    210: (8, "provider,provider", "invalid-fields", "roles"),
    220: (1, "Kim 19850709-9805", "invalid-fields", "name"),
}
"""Each rule broken once: which cell of which row says what instead."""


@pytest.fixture(name="world")
def _world() -> House:
    world = house(read_programme(), today=date(2016, 6, 1))
    world.keep_register()
    return world


def sheet(rows: int, broken: Broken) -> str:
    """A file as a Swedish Excel writes it: semicolons and a mark."""
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=";")
    table.writerow(HEAD)
    for number in range(1, rows + 1):
        cells = [cell.format(number) for cell in GOOD]
        if number in broken:
            cells[broken[number][0]] = broken[number][1]
        table.writerow(cells)
    return f"\ufeff{text.getvalue()}"


def sent(world: House, text: str, query: str = "", **headers: str) -> Any:
    kind = {"Content-Type": "text/csv", **headers}
    answer = world.ask(INTAKE, "POST", f"{PATH}{query}", REGISTRAR, text, **kind)
    assert answer.status_code == 200, answer.text
    return answer


def test_each_of_1500_rows_has_its_one_right_answer(world: House) -> None:
    told = sent(world, sheet(ROWS, BROKEN)).json
    assert (told["rows"], told["taken"], told["refused"]) == (ROWS, ROWS - len(BROKEN), len(BROKEN))
    found = {}
    for one in told["results"]:
        if one["problem"] is None:
            assert (one["status"], one["unit_id"]) == (201, f"butik-{one['row']}")
        else:
            found[one["row"]] = (one["problem"]["code"], *(one["problem"]["errors"] or {}))
    assert found == {row: (code, *([name] if name else [])) for row, (_, _, code, name) in BROKEN.items()}
    held = world.programmes.register.memberships("butik-1500", "coactive")
    assert [(one.roles, one.municipalities, one.shared_with) for one in held] == [
        (("provider",), ("2482", "2417"), ("kafe-solrosen", "urkraft"))
    ]
    assert world.programmes.register.unit("butik-20") is None


def test_the_same_file_again_changes_nothing_and_the_mended_one_the_rest(world: House) -> None:
    first = sent(world, sheet(20, {3: BROKEN[40]}))
    said = len(world.heard)
    again = sent(world, sheet(20, {3: BROKEN[40]}))
    assert (again.json, len(world.heard)) == (first.json, said)
    assert sent(world, sheet(20, {})).json["refused"] == 0
    assert len(world.heard) == said + 2


def test_a_dry_run_judges_and_keeps_nothing(world: House) -> None:
    said = len(world.heard)
    told = sent(world, sheet(20, {3: BROKEN[40]}), "?dry_run=true").json
    assert (told["dry_run"], told["taken"], told["refused"]) == (True, 19, 1)
    assert len(world.heard) == said
    assert world.programmes.register.unit("butik-1") is None


def test_the_refused_rows_come_back_as_a_file_that_can_be_mended(world: House) -> None:
    answer = sent(world, sheet(20, {3: BROKEN[40]}), Accept="text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";")
    assert (row["unit_id"], row["line"], row["code"]) == ("butik-3", "4", "invalid-fields")
    assert list(row) == [*COLUMNS.all, *TOLD]
    mended = answer.text.replace("2016-02-01", "2016-12-31")
    assert sent(world, mended).json["taken"] == 1


def test_a_row_is_taken_in_whole_or_not_at_all(world: House) -> None:
    told = sent(world, sheet(1, {1: (8, "boss", "", "")})).json
    assert told["refused"] == 1
    assert world.ask(INTAKE, "GET", "/register/units/butik-1", REGISTRAR).status_code == 404


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json"])
def test_rows_of_json_say_the_same(world: House, kind: str) -> None:
    row = (
        '{"unit_id": "butik-1", "name": "Butik 1", "kind": "provider", "first_day": "2016-03-01",'
        ' "programme": "coactive", "roles": ["provider"], "municipalities": ["2482"], "why": "Avtal."}'
    )
    text = f"[{row}]" if kind == "application/json" else f"{row}\n"
    told = sent(world, text, **{"Content-Type": kind}).json
    assert told["results"][0]["membership_id"] == "butik-1@coactive"
