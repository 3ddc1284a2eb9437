"""The role map: who may do what in a programme on a day, where and since when; as JSON and as a table."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from services.intake.api.role_map import COLUMNS
from tests.support.house import INTAKE, House, house
from tests.support.page_server import read_programme

REGISTRAR, ANYBODY = "urkraft:registrar", "nobody-of-this-programme:analyst"
WHY = "Nytt avtal."
MAP = "/programmes/coactive/role-map"


@pytest.fixture(name="world")
def _world() -> House:
    """The programme's organisations, and a shop of the spring of 2016 that shares its roles in one municipality."""
    world = house(read_programme(), today=date(2016, 6, 1))
    world.keep_register()
    shop = {
        "unit_id": "ny-butik",
        "name": "=Ny butik",
        "kind": "provider",
        "first_day": "2016-03-01",
        "why": WHY,
    }
    world.done(INTAKE, "POST", "/register/units", REGISTRAR, shop)
    membership = {
        "unit": "ny-butik",
        "programme": "coactive",
        "roles": ["provider"],
        "municipalities": ["2482", "2417"],
        "shared_with": ["kafe-solrosen"],
        "first_day": "2016-03-02",
        "last_day": "2016-05-31",
        "why": WHY,
    }
    world.done(INTAKE, "POST", "/register/memberships", REGISTRAR, membership)
    return world


def asked(world: House, query: str, **headers: str) -> Any:
    return world.ask(INTAKE, "GET", f"{MAP}?{query}", ANYBODY, **headers)


def on(world: House, day: str) -> dict[str, Any]:
    answer = asked(world, f"limit=200&on={day}")
    assert answer.status_code == 200, answer.text
    assert answer.json["on"] == day
    return {one["membership_id"]: one for one in answer.json["memberships"]}


def test_a_membership_is_there_from_its_first_day_to_its_last(world: House) -> None:
    days = ("2016-03-01", "2016-03-02", "2016-05-31", "2016-06-01")
    assert ["ny-butik@coactive" in on(world, day) for day in days] == [False, True, True, False]
    shop = on(world, "2016-03-02")["ny-butik@coactive"]
    assert "answer_referral" in shop.pop("may")
    assert shop == {
        "membership_id": "ny-butik@coactive",
        "unit": "ny-butik",
        "unit_name": "=Ny butik",
        "unit_kind": "provider",
        "roles": ["provider"],
        "municipalities": ["2482", "2417"],
        "shared_with": ["kafe-solrosen"],
        "first_day": "2016-03-02",
        "last_day": "2016-05-31",
    }


def test_the_day_is_today_where_none_is_named(world: House) -> None:
    answer = asked(world, "limit=200").json
    assert answer["on"] == "2016-06-01"
    assert {one["membership_id"]: one for one in answer["memberships"]} == on(world, "2016-06-01")


def test_who_leaves_as_a_unit_is_there_no_longer_than_the_unit(world: House) -> None:
    end = {"last_day": "2016-04-30", "why": WHY}
    world.done(INTAKE, "POST", "/register/units/ny-butik/end", REGISTRAR, end, **{"If-Match": "*"})
    assert on(world, "2016-04-30")["ny-butik@coactive"]["last_day"] == "2016-04-30"
    assert "ny-butik@coactive" not in on(world, "2016-05-01")


def test_what_was_said_only_later_is_known_of_the_day(world: House) -> None:
    before = on(world, "2016-02-15")
    earlier = {"roles": ["provider"], "first_day": "2016-02-01", "why": WHY}
    unit = {"name": "Ny butik", "kind": "provider", "first_day": "2016-02-01", "why": WHY}
    for path, body in (("units/ny-butik", unit), ("memberships/ny-butik@coactive", earlier)):
        world.done(INTAKE, "PUT", f"/register/{path}", REGISTRAR, body, **{"If-Match": "*"})
    assert on(world, "2016-02-15").keys() - before.keys() == {"ny-butik@coactive"}


def test_pages_by_cursor_and_by_number_leave_nobody_out(world: House) -> None:
    whole = list(on(world, "2016-03-02"))
    by_cursor, by_number, query = [], [], ""
    for page in range(1, len(whole) + 1):
        part = asked(world, f"on=2016-03-02&limit=3{query}").json
        by_cursor += [one["membership_id"] for one in part["memberships"]]
        numbered = asked(world, f"on=2016-03-02&limit=3&page={page}").json
        by_number += [one["membership_id"] for one in numbered["memberships"]]
        if part["next_cursor"] is None:
            break
        query = f"&cursor={part['next_cursor']}"
    assert by_cursor == by_number == whole == sorted(whole)


@pytest.mark.parametrize(
    ("query", "accept", "delimiter"),
    [("", "text/csv", ","), ("&format=csv", "*/*", ","), ("&format=csv-sv", "*/*", ";")],
)
def test_the_table_says_the_same_without_a_formula(
    world: House, query: str, accept: str, delimiter: str
) -> None:
    answer = asked(world, f"on=2016-03-02&limit=1{query}", Accept=accept)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="coactive-2016-03-02.csv"'
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff") == (delimiter == ";")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))
    assert list(rows[0]) == ["on", *COLUMNS]
    expected = on(world, "2016-03-02")
    assert [row["membership_id"] for row in rows] == list(expected)
    for row, one in zip(rows, expected.values(), strict=True):
        said = {
            name: " ".join(value) if isinstance(value, list) else value or "" for name, value in one.items()
        }
        name = "'=Ny butik" if one["unit"] == "ny-butik" else one["unit_name"]
        assert row == {**said, "on": "2016-03-02", "unit_name": name}


@pytest.mark.parametrize("day", ["2016-3-2", "20160302", "2016-02-30", "1066-01-01", "today", ""])
def test_a_day_that_is_none_is_refused_by_its_name(world: House, day: str) -> None:
    answer = asked(world, f"on={day}")
    assert answer.status_code == 422
    assert answer.json["errors"] == {"on": ["Takes a day as yyyy-mm-dd, from 1900-01-01 on."]}


def test_other_forms_and_programmes_are_not_there(world: House) -> None:
    assert asked(world, "format=xlsx").json["errors"] == {"format": ["Must be one of: json, csv, csv-sv."]}
    assert asked(world, "", Accept="image/png").status_code == 406
    nowhere = world.ask(INTAKE, "GET", "/programmes/nowhere/role-map?format=csv", ANYBODY)
    assert (nowhere.status_code, nowhere.json["code"]) == (404, "not-found")
