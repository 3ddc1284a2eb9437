"""What is made can be read at its Location."""

from typing import Any

import pytest

from shared.edge.described import operations
from shared.edge.locations import LOCATIONS, locations
from shared.edge.openapi import document_of
from tests.support.access.worlds import AGENCY, EMPLOYER, SHOP, WAYS
from tests.support.house import HANDOVERS, INTAKE
from tools.contracts.services import application, services


@pytest.mark.parametrize("service", list(services()))
def test_every_operation_that_makes_something_says_where_it_is_read(service: str) -> None:
    app = application(service)
    document = document_of(app)
    found = app.extensions[LOCATIONS]
    readable = {path for method, path, _ in operations(document) if method == "GET"}
    made = {f"{method} {path}" for method, path, one in operations(document) if "201" in one["responses"]}
    assert found.keys() == made
    assert set(found.values()) <= readable


def test_what_could_be_read_nowhere_is_noticed() -> None:
    made: dict[str, Any] = {"responses": {"201": {}}}
    document = {"paths": {"/things": {"post": made}}, "components": {"schemas": {}}}
    with pytest.raises(LookupError, match="POST /things"):
        locations(document)


def test_an_answer_names_the_address_of_what_was_made() -> None:
    house = WAYS["strt"]().house
    person = house.ask(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    assert person.headers["Location"] == f"/v1/participants/{person.json['participant_id']}"
    world = WAYS["strt"]()
    offer = {"kind": "provider_to_employer", "to_organisation": EMPLOYER, "deadline_on": "2016-06-15"}
    path = world.on("/journeys/{journey}/handovers")
    offered = world.house.ask(HANDOVERS, "POST", path, SHOP, offer)
    assert offered.headers["Location"] == f"/v1/handovers/{world.journey}.h1"
    read = world.house.ask(HANDOVERS, "GET", offered.headers["Location"].removeprefix("/v1"), SHOP)
    assert read.json["handover_id"] == f"{world.journey}.h1"
    assert "Location" not in read.headers
