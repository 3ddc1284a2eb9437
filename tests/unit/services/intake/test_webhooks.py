"""An organisation's webhook is its registrar's, and the head of its sequence says when it has a turn."""

from datetime import date
from typing import Any

import pytest

from services.intake.domain.webhook import AT_ONCE, WEBHOOKS
from shared.runtime.restored import SEQUENCES
from tests.support.access.worlds import AGENCY, SHOP
from tests.support.house import INTAKE, House, house
from tests.support.page_server import read_programme

REGISTRAR = f"{AGENCY}:registrar"
ADDRESS = {"address": "https://agency.example/journeys"}


@pytest.fixture(name="told")
def _told() -> House:
    return house(read_programme(), today=date(2016, 6, 1))


def head(told: House) -> Any:
    return told.rooms[INTAKE].memory.row(SEQUENCES, AGENCY)


def test_putting_it_gives_it_a_turn_and_removing_it_none(told: House) -> None:
    memory = told.rooms[INTAKE].memory
    memory.table[SEQUENCES, AGENCY] = {"n": 7, "ts": 9}
    told.done(INTAKE, "PUT", "/webhook", REGISTRAR, ADDRESS)
    row = memory.row(WEBHOOKS, AGENCY)
    assert row is not None
    assert row["after"] == 7
    assert head(told) == {"_id": AGENCY, "n": 7, "ts": 9, "webhook": row["put"], "send_at": AT_ONCE}
    told.done(INTAKE, "PUT", "/webhook", REGISTRAR, ADDRESS)
    assert head(told)["webhook"] not in (None, row["put"])
    told.done(INTAKE, "POST", "/webhook/removal", REGISTRAR, {})
    assert (memory.row(WEBHOOKS, AGENCY), head(told)) == (None, {"_id": AGENCY, "n": 7, "ts": 9})


def test_one_that_is_put_before_anything_was_told_begins_with_the_first(told: House) -> None:
    told.done(INTAKE, "PUT", "/webhook", REGISTRAR, ADDRESS)
    row = told.rooms[INTAKE].memory.row(WEBHOOKS, AGENCY)
    assert row is not None
    assert (head(told)["n"], row["after"]) == (0, 0)
    assert told.ask(INTAKE, "GET", "/changes?after=0", AGENCY).json["changes"] == []


@pytest.mark.parametrize("who", [AGENCY, f"{AGENCY}:supervisor", f"{AGENCY}:owner", "drift:operator"])
def test_nobody_else_reads_puts_or_removes_it(told: House, who: str) -> None:
    told.done(INTAKE, "PUT", "/webhook", REGISTRAR, ADDRESS)
    before = told.rooms[INTAKE].memory.row(WEBHOOKS, AGENCY)
    for method, path, body in (
        ("PUT", "/webhook", {"address": "https://elsewhere.example/"}),
        ("GET", "/webhook", None),
        ("POST", "/webhook/removal", {}),
    ):
        answer = told.ask(INTAKE, method, path, who, body)
        assert (answer.status_code, answer.json["code"]) == (403, "wrong-duty")
    assert told.rooms[INTAKE].memory.row(WEBHOOKS, AGENCY) == before


def test_a_registrar_has_one_of_its_own_organisation_alone(told: House) -> None:
    told.done(INTAKE, "PUT", "/webhook", REGISTRAR, ADDRESS)
    assert told.ask(INTAKE, "GET", "/webhook", f"{SHOP}:registrar").json["code"] == "not-found"
    answer = told.ask(INTAKE, "PUT", "/webhook", "nobody-of-this-programme:registrar", ADDRESS)
    assert (answer.status_code, answer.json["code"]) == (403, "not-allowed")
