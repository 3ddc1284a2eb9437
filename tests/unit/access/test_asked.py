"""Every route about the answer, for every organisation that was asked or was not, against the table by hand."""

from collections.abc import Iterator

import pytest

from tests.support.access.asked import ASKED, ELSEWHERE, POINTS, READ, ROUTES, STRANGERS, WAYS, grid
from tests.support.access.worlds import World
from tests.support.house import INTAKE
from tests.unit.access.test_matrix import cell


def rows(table: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row, by_point in grid(table).items():
        for name in STRANGERS if row == "others" else (row,):
            yield name, by_point


def differences(world: World, at: str) -> Iterator[str]:
    tables = [(INTAKE, route, table) for route, table in ROUTES.items()]
    tables += [(service, route, READ) for service, route in ELSEWHERE.items()]
    for service, route, table in tables:
        for name, by_point in rows(table):
            found = cell(world, service, route, f"{ASKED[name]}:caseworker")
            if found != by_point[at]:
                yield f"{service} {route}, {name}, {at}: {found}, expected {by_point[at]}"


@pytest.mark.parametrize("at", POINTS)
def test_every_cell_of_the_table(at: str) -> None:
    world = WAYS[at]()
    world.house.freeze()
    assert list(differences(world, at)) == []
