"""How the register comes into a process: all of it once, then what is new, at most once a second."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from shared.language.errors import Busy
from shared.language.register import Entry, Membership, Unit
from shared.language.register_rows import COUNTS, REGISTER, rows_of
from shared.language.role_map import roles_on
from shared.runtime.programmes import FRESH_SECONDS
from shared.runtime.published import PublishedRegister

FIRST = date(2016, 2, 1)
SHOP = Unit(id="shop", name="Shop", kind="provider", first_day=FIRST)
HELD = Membership(id="m-1", programme="coactive", unit="shop", roles=("provider",), first_day=FIRST)


class Rows:
    """The service's own rows, and how many were fetched."""

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.finds: list[int] = []

    def put(self, entry: Entry) -> None:
        for row in rows_of(entry, self.table.get((COUNTS, "register"))):
            self.table[row.collection, row.key] = row.body

    def with_options(self, **_: Any) -> "Rows":
        return self

    def find(self, where: Mapping[str, Any], sort: Any) -> Iterator[Mapping[str, Any]]:
        after = where["at"]["$gt"]
        found = [row for (name, _), row in self.table.items() if name == REGISTER and row["at"] > after]
        self.finds.append(len(found))
        return iter(sorted(found, key=lambda row: row["at"]))


def test_what_is_new_is_asked_for_once_a_second_and_nothing_else() -> None:
    rows, at = Rows(), [0.0]
    register = PublishedRegister({REGISTER: rows}, lambda: at[0])  # type: ignore[dict-item]
    rows.put(SHOP)
    rows.put(HELD)
    for _ in range(50):
        assert roles_on(register.current(), "shop", "coactive", FIRST) == {"provider"}
    assert rows.finds == [2]
    before = register.current()
    rows.put(replace(HELD, roles=("receiver",)))
    assert roles_on(register.current(), "shop", "coactive", FIRST) == {"provider"}
    at[0] = FRESH_SECONDS
    assert roles_on(register.current(), "shop", "coactive", FIRST) == {"receiver"}
    assert roles_on(before, "shop", "coactive", FIRST) == {"provider"}, "who decides by it sees one register"
    assert rows.finds == [2, 1], "only the one that changed"
    rows.put(replace(SHOP, last_day=FIRST))
    register.expire()
    found = register.current().unit("shop")
    assert found is not None
    assert found.last_day == FIRST
    assert register.current().programmes_of("shop") == {"coactive"}
    assert not register.current().programmes_of("nobody")


def test_nobody_is_refused_for_good_before_the_register_has_come() -> None:
    rows = Rows()
    register = PublishedRegister({REGISTER: rows})  # type: ignore[dict-item]
    for _ in range(3):
        with pytest.raises(Busy):
            register.current()
    rows.put(SHOP)
    assert register.current().unit("shop") == SHOP, "it is looked for again at once"


def test_a_look_that_fails_leaves_what_is_known_and_is_made_again() -> None:
    rows, at = Rows(), [0.0]
    register = PublishedRegister({REGISTER: rows}, lambda: at[0])  # type: ignore[dict-item]
    rows.put(SHOP)
    register.current()
    rows.put(HELD)
    rows.table[REGISTER, "unit/broken"] = {"kind": "unit", "n": 1, "at": 3, "body": {}}
    at[0] = FRESH_SECONDS
    with pytest.raises(msgspec.ValidationError):
        register.current()
    del rows.table[REGISTER, "unit/broken"]
    assert roles_on(register.current(), "shop", "coactive", FIRST) == {"provider"}


def test_many_threads_see_whole_registers_only() -> None:
    rows, at = Rows(), [0.0]
    register = PublishedRegister({REGISTER: rows}, lambda: at[0])  # type: ignore[dict-item]
    rows.put(SHOP)
    rows.put(HELD)

    def ask(number: int) -> frozenset[str]:
        if number % 10 == 0:
            rows.put(replace(HELD, roles=("provider", "receiver")[: 1 + number // 10 % 2]))
            at[0] += FRESH_SECONDS
        return roles_on(register.current(), "shop", "coactive", FIRST)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(2000))) <= {
            frozenset({"provider"}),
            frozenset({"provider", "receiver"}),
        }
