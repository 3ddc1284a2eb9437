"""1,500 shops in one file: a result per row, every rule broken once, and each row has one right answer."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from services.intake.api.register_row import COLUMNS
from shared.edge.columns import TOLD
from shared.edge.headers import NDJSON
from shared.language.register import Capacity, Certificate, Site
from tests.support.house import INTAKE, House, house
from tests.support.page_server import read_programme

REGISTRAR = "urkraft:registrar"
PATH = "/register/imports"
HEAD = (
    *("Enhet", "Namn", "Slag", "Första dag", "Sista dag", "Kommun", "Adress", "Program", "Roller", "Skäl"),
    *("Kommuner", "Delas med", "Juridisk person", "Överordnad enhet", "Funktionsadress"),
    *("Juridisk persons namn", "Organisationsnummer", "Aktivitet", "Platser", "Platser från", "Platser till"),
    *("Intyg", "Intyg till"),
)
ROWS, SINCE = 1500, date(2016, 3, 1)
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
    "handelsbolaget",
    "urkraft",
    "butik{}@example.org",
    "Handelsbolaget",
    "556036-0793",
    "work_training",
    "6",
    "",
    "2016-12-31",
    "first_aid",
    "2018-12-31",
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
    175: (12, "annat-bolag", "invalid-fields", "legal_person_number"),
    180: (13, "nobody", "invalid-fields", "parent"),
    190: (13, "butik-190", "invalid-fields", "parent"),
    200: (14, "kim", "invalid-fields", "function_address"),
    210: (8, "provider,provider", "invalid-fields", "roles"),
    220: (1, "Kim 19850709-9805", "invalid-fields", "name"),
    230: (16, "5560360794", "invalid-fields", "legal_person_number"),
    240: (16, "55603607", "invalid-fields", "legal_person_number"),
    250: (15, "Annat namn", "already-registered", ""),
    260: (15, "", "invalid-fields", "legal_person_name"),
    270: (12, "", "invalid-fields", "legal_person"),
    280: (15, "Kim 19850709-9805", "invalid-fields", "legal_person_name"),
    290: (17, "juggling", "invalid-fields", "capacities"),
    300: (17, "", "invalid-fields", "capacity_activity"),
    310: (18, "", "invalid-fields", "capacity_people"),
    320: (18, "many", "invalid-fields", "capacity_people"),
    330: (18, "10001", "invalid-fields", "capacity_people"),
    340: (19, "12/3", "invalid-fields", "capacity_first_day"),
    350: (20, "2016-13-01", "invalid-fields", "capacity_last_day"),
    360: (20, "2016-02-01", "invalid-fields", "capacities"),
    370: (21, "", "invalid-fields", "certificate"),
    380: (21, "first aid", "invalid-fields", "certificate"),
    390: (22, "", "invalid-fields", "certificate_last_day"),
    400: (22, "2018", "invalid-fields", "certificate_last_day"),
}
"""Each rule broken once: which cell of which row says what instead."""
BESIDE: Mapping[int, Mapping[int, str]] = {170: {15: "", 16: ""}, 230: {12: "annat-bolag"}}
"""Further cells of a row, so that no other rule is broken with it."""


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
            for cell, said in BESIDE.get(number, {}).items():
                cells[cell] = said
        table.writerow(cells)
    return f"\ufeff{text.getvalue()}"


def sent(world: House, text: str, query: str = "", **headers: str) -> Any:
    kind = {"Content-Type": "text/csv", **headers}
    answer = world.ask(INTAKE, "POST", f"{PATH}{query}", REGISTRAR, text, **kind)
    assert answer.status_code == 200, answer.text
    return answer


def capacity(last_day: date) -> Capacity:
    return Capacity(activity="work_training", people=6, first_day=SINCE, last_day=last_day)


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
    unit = world.programmes.register.unit("butik-1500")
    assert unit is not None
    assert (unit.legal_person, unit.site) == (
        "handelsbolaget",
        Site(municipality="2482", address="Gågatan 1500"),
    )
    assert unit.capacities == (capacity(date(2016, 12, 31)),)
    assert unit.certificates == (Certificate(code="first_aid", last_day=date(2018, 12, 31)),)
    owner = world.ask(INTAKE, "GET", "/register/legal-persons/handelsbolaget", REGISTRAR).json
    assert (owner["name"], owner["number"]) == ("Handelsbolaget", "5560360793")
    assert world.ask(INTAKE, "GET", "/register/legal-persons/annat-bolag", REGISTRAR).status_code == 404


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


BODY: Mapping[str, Any] = {
    "name": "Butik 1",
    "kind": "provider",
    "first_day": "2016-03-01",
    "legal_person": "handelsbolaget",
    "site": {"municipality": "2482", "address": "Gågatan 1"},
    "function_address": "butik@example.org",
    "capacities": [
        {"activity": "work_training", "people": 6, "first_day": "2016-03-01", "last_day": "2016-06-30"},
        {"activity": "work_training", "people": 8, "first_day": "2016-07-01"},
    ],
    "certificates": [
        {"code": "first_aid", "last_day": "2018-12-31"},
        {"code": "forklift", "last_day": "2017-12-31"},
    ],
    "why": "Avtal.",
}
"""A unit as `POST /register/units` takes it."""
OWNER = {"legal_person_name": "Handelsbolaget", "legal_person_number": "5560360793"}
MEMBER = {"programme": "coactive", "roles": ["provider"], "municipalities": ["2482"]}


def row(number: int, **other: Any) -> dict[str, Any]:
    return {"unit_id": f"butik-{number}", **BODY, **OWNER, **MEMBER, **other}


def lines(*rows: Mapping[str, Any]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in rows)


@pytest.mark.parametrize("kind", [NDJSON, "application/json"])
def test_a_row_of_json_is_the_body_of_the_unit_s_own_route(world: House, kind: str) -> None:
    text = lines(row(1)) if kind == NDJSON else json.dumps([row(1)])
    told = sent(world, text, **{"Content-Type": kind}).json
    assert told["results"][0]["membership_id"] == "butik-1@coactive", told
    by_itself = world.ask(INTAKE, "POST", "/register/units", REGISTRAR, {"unit_id": "butik-2", **BODY})
    assert by_itself.status_code == 201
    in_bulk = world.ask(INTAKE, "GET", "/register/units/butik-1", REGISTRAR).json
    assert in_bulk == {**by_itself.json, "unit_id": "butik-1"}
    assert len(in_bulk["capacities"]) == len(in_bulk["certificates"]) == 2


FIRST, SECOND = BODY["capacities"]
WRONG: Mapping[str, Any] = {
    "site": ({"site": {"address": "Gågatan 1"}}, {"municipality"}),
    "municipality": ({"municipality": "2482"}, None),
    "capacities": ({"capacities": [FIRST, {**SECOND, "first_day": "2016-06-30"}]}, None),
    "certificates": ({"certificates": [BODY["certificates"][0]] * 2}, None),
    "legal_person_number": ({"legal_person": "annat-bolag"}, None),
    "legal_person_name": ({"legal_person_name": None}, None),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_row_of_json_is_refused_as_the_single_route_refuses_it(world: House, name: str) -> None:
    said, within = WRONG[name]
    told = sent(world, lines(row(1), row(2, **said), row(3)), **{"Content-Type": NDJSON}).json
    first, second, third = told["results"]
    assert (first["status"], second["status"], third["status"]) == (201, 422, 201), told
    assert set(second["problem"]["errors"]) == {name}
    assert within is None or set(second["problem"]["errors"][name]) == within


def test_what_a_capacity_lacks_is_told_by_its_place(world: House) -> None:
    said = {"capacities": [FIRST, {"activity": "work_training", "people": "8", "first_day": "2016-07-01"}]}
    (one,) = sent(world, lines(row(1, **said)), **{"Content-Type": NDJSON}).json["results"]
    assert set(one["problem"]["errors"]["capacities"]["1"]) == {"people"}


def test_a_refused_row_of_json_comes_back_as_cells_where_cells_can_say_it(world: House) -> None:
    once = row(2, capacities=[FIRST], certificates=BODY["certificates"][:1], roles=["boss"])
    answer = sent(world, lines(once, row(3, roles=["boss"])), Accept="text/csv", **{"Content-Type": NDJSON})
    one, many = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert (one["municipality"], one["capacity_people"], one["certificate"]) == ("2482", "6", "first_aid")
    said = {name for name, cell in many.items() if cell and name not in TOLD}
    assert said == {"unit_id"}, "no row of a sheet says two capacities, so none says one of them"
    mended = sent(world, answer.text.replace("boss", "provider")).json
    assert [result["status"] for result in mended["results"]] == [201, 422]
    unit = world.programmes.register.unit("butik-2")
    assert unit is not None
    assert unit.capacities == (capacity(date(2016, 6, 30)),)
