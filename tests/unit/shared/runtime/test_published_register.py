"""How the register comes into a process: all of it once, then what is new, at most once a second."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

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
        assert roles_on(register, "shop", "coactive", FIRST) == {"provider"}
    assert rows.finds == [2]
    rows.put(replace(HELD, roles=("receiver",)))
    assert roles_on(register, "shop", "coactive", FIRST) == {"provider"}
    at[0] = FRESH_SECONDS
    assert roles_on(register, "shop", "coactive", FIRST) == {"receiver"}
    assert rows.finds == [2, 1], "only the one that changed"
    rows.put(replace(SHOP, last_day=FIRST))
    register.expire()
    found = register.unit("shop")
    assert found is not None
    assert found.last_day == FIRST
    assert register.programmes_of("shop") == {"coactive"}
    assert not register.programmes_of("nobody")
