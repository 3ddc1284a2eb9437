"""The commands of the register, in an order in which each succeeds: a part of `every_command`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tests.support.bad_input import Baseline

WHY = "Nytt avtal med butiken."
SINCE, LEFT = "2015-01-01", "2015-12-31"
RESTS = {"If-Match": "*"}
UNIT: dict[str, Any] = {
    "name": "Ny butik",
    "kind": "provider",
    "first_day": SINCE,
    "site": {"municipality": "2482", "address": "Kanalgatan 1"},
    "function_address": "butik@example.org",
    "capacities": [{"activity": "work_training", "people": 6, "first_day": SINCE}],
    "certificates": [{"code": "work_training", "last_day": "2099-12-31"}],
}


class Handles(Protocol):
    """What names the things of one run."""

    def __getitem__(self, name: str, /) -> str:
        """The handle of that name."""


Make = Callable[[Handles], Baseline]


def register_commands(programme: str, unit: str) -> Iterator[tuple[str, Make]]:
    """Each operation with what it says. unit: one that the register has."""
    membership = {
        "roles": ["provider"],
        "first_day": SINCE,
        "municipalities": ["2482"],
        "shared_with": [unit],
    }
    yield "register_legal_person", _new(legal_person_id="bolag", name="Butiksbolaget AB", number=None)
    yield "change_legal_person", _said("legalPersonId", "bolag", name="Bolaget AB")
    yield "register_unit", _new(unit_id="butik", legal_person="bolag", **UNIT, parent=unit)
    yield "change_unit", _said("unitId", "butik", **{**UNIT, "name": "Butiken"})
    yield "begin_membership", _new(membership_id="plats", unit="butik", programme=programme, **membership)
    more = {**membership, "roles": ["provider", "receiver"]}
    yield "change_membership", _said("membershipId", "plats", **more)
    yield "end_membership", _said("membershipId", "plats", last_day=LEFT)
    yield "end_unit", _said("unitId", "butik", last_day=LEFT)
    yield "import_units", lambda handles: Baseline(text=_file(handles, programme))


OWN = ("bolag", "butik", "plats")


def _file(handles: Handles, programme: str) -> bytes:
    row = {
        "unit_id": _of(handles, "rad"),
        "name": "Butik A",
        "kind": "provider",
        "first_day": SINCE,
        "programme": programme,
        "roles": ["provider"],
        "why": WHY,
    }
    return f"{json.dumps(row)}\n".encode()


def _new(**body: Any) -> Make:
    def make(handles: Handles) -> Baseline:
        named = {name: _of(handles, one) if one in OWN else one for name, one in _texts(body).items()}
        return Baseline(body={**body, **named, "why": WHY})

    return make


def _said(parameter: str, thing: str, /, **body: Any) -> Make:
    return lambda handles: Baseline(
        path={parameter: _of(handles, thing)}, body={**body, "why": WHY}, headers=RESTS
    )


def _texts(body: dict[str, Any]) -> dict[str, str]:
    return {name: one for name, one in body.items() if isinstance(one, str)}


def _of(handles: Handles, thing: str) -> str:
    return f"{thing}-{handles['run']}"
