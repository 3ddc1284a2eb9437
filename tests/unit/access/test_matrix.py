"""Every route, for every organisation and duty, at every point of a journey, against the table by hand.

The requests go through the real routes, the edge included, on all four services in memory. A route without a row, a row
without a route, and any flipped cell fail.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from services.intake.domain.referral import UNKNOWN_PARTICIPANT
from shared.edge.request_checks import check_right
from shared.language.access import Actor
from shared.language.errors import Forbidden
from tests.support.access.expected import ANYBODY, FIGURES, FLAT, JOURNEYS, OPERATORS, REGISTER, STREAM
from tests.support.access.tables import WORLDS, grid
from tests.support.access.worlds import ORGANISATIONS, OTHERS, WAYS, World, request_of
from tests.support.fakes import NamedTokens
from tests.support.page_server import MovingFigures, PageServer, read_programme
from tools.contracts.services import application, services, stream_routes

DUTIES = ("caseworker", "supervisor", "analyst", "owner", "registrar", "operator")
KEEPERS = {"urkraft:registrar": "registrar", "drift:operator": "operator"}
NOT_THERE = "1" * 26
SCHEMA = "journey.intake.journey-started.v1.json"
UNKNOWN_PERSON = {"participant_id": [UNKNOWN_PARTICIPANT]}


def routes_of(service: str) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in application(service).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    expected = {*JOURNEYS, *FLAT}
    expected |= {(service, route) for route, names in OPERATORS.items() for service in names.split()}
    expected |= {(service, route) for route in ANYBODY for service in services()}
    expected |= {("intake", route) for route in REGISTER}
    found = {(service, route) for service in services() for route in routes_of(service)}
    assert found == expected
    assert {f"{method} {path}" for method, path, _ in stream_routes()} == set(STREAM)


def test_the_table_names_every_point_and_the_worlds_too() -> None:
    assert tuple(WAYS) == WORLDS
    for table, _ in JOURNEYS.values():
        rows = set(grid(table))
        assert rows in ({"agency", "shop", "cafe", "tra", "others"}, set(ORGANISATIONS))


# --- what concerns a journey or a person ---------------------------------------------------------------------------


def told(answer: Any) -> tuple[int, str, str, Any]:
    """Status, code, words and field errors of an answer; of the one row, where it is a file's."""
    said = answer.json or {}
    if said.get("results"):
        row = said["results"][0]
        problem = row.get("problem") or {}
        return row["status"], problem.get("code", ""), problem.get("detail", ""), problem.get("errors")
    return answer.status_code, said.get("code", ""), said.get("detail", ""), said.get("errors")


def cell(world: World, service: str, route: str, who: str) -> str:
    """What came of the request, as a letter of the table. Refusals must be those of their kind, word for word."""

    def ask(journey: str, person: str) -> tuple[int, str, str, Any]:
        method, path, body, headers = request_of(world, route, journey, person)
        answer = world.house.ask(service, method, path, who, body, **headers)
        assert answer.status_code < 500, f"{route}: {answer.text}"
        if answer.status_code >= 400:
            assert not {"ETag", "Journey-Vector"} & set(answer.headers.keys())
        return told(answer)

    status, code, _, errors = found = ask(world.journey, world.handle_of(who.partition(":")[0]))
    if status == 404:
        return "." if found == ask(f"j-{NOT_THERE}", f"h-{NOT_THERE}") else "x"
    if status == 422 and errors == UNKNOWN_PERSON:
        assert found == ask(f"j-{NOT_THERE}", f"h-{NOT_THERE}")
        return "u"
    if status == 403:
        return {"wrong-duty": "d", "not-allowed": "r", "not-your-journey": "p", "too-late": "l"}[code]
    return "+"


def cells(table: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row, by_world in grid(table).items():
        for name in OTHERS if row == "others" else (row,):
            yield name, by_world


def differences(world: World, at: str) -> Iterator[str]:
    for (service, route), (table, duties) in JOURNEYS.items():
        for name, by_world in cells(table):
            for duty in DUTIES:
                expected = by_world[at] if duty in duties.split() else "d"
                found = cell(world, service, route, f"{ORGANISATIONS[name]}:{duty}")
                if found != expected:
                    yield f"{service} {route}, {name} {duty}, {at}: {found}, expected {expected}"


@pytest.mark.parametrize("at", WORLDS)
def test_every_cell_of_the_table(at: str) -> None:
    world = WAYS[at]()
    world.house.freeze()
    assert list(differences(world, at)) == []


# --- what concerns no single journey -------------------------------------------------------------------------------


def test_routes_that_concern_no_single_journey() -> None:
    world = WAYS["open"]()
    world.house.freeze()
    wrong = []
    for (service, route), (allowed, duties) in FLAT.items():
        for name, organisation in ORGANISATIONS.items():
            for duty in DUTIES:
                expected = "+" if name in allowed.split() else "r"
                if duties != "any" and duty not in duties.split():
                    expected = "d"
                found = cell(world, service, route, f"{organisation}:{duty}")
                if found != expected:
                    wrong.append(f"{service} {route}, {name} {duty}: {found}, expected {expected}")
    assert wrong == []


def test_only_registrars_and_operators_keep_the_register() -> None:
    world = WAYS["open"]()
    world.house.freeze()
    wrong = []
    everybody = (*ORGANISATIONS.values(), "urkraft", "drift")
    for route, allowed in REGISTER.items():
        for who in (f"{organisation}:{duty}" for organisation in everybody for duty in DUTIES):
            keeps = who.endswith((":registrar", ":operator"))
            expected = "+" if KEEPERS.get(who) in allowed.split() else "r" if keeps else "d"
            found = cell(world, "intake", route, who)
            if found != expected:
                wrong.append(f"{route}, {who}: {found}, expected {expected}")
    assert wrong == []


@pytest.mark.parametrize("service", list(services()))
def test_only_operators_of_the_platform_operate_it(service: str) -> None:
    app = application(service)
    client = app.test_client()
    tokens = NamedTokens()
    for route, names in OPERATORS.items():
        if service not in names.split():
            continue
        method, _, rule = route.partition(" ")
        view = next(
            app.view_functions[one.endpoint]
            for one in app.url_map.iter_rules()
            if one.rule == rule and method in (one.methods or ())
        )
        for organisation in (*ORGANISATIONS.values(), "plattform"):
            for duty in DUTIES:
                admitted = may_operate(view, tokens.show(f"{organisation}:{duty}").actors[0])
                assert admitted == (organisation == "plattform" and duty == "operator"), route
        path = re.sub(r"<string:\w+>", "x", rule)
        assert client.open(path, method=method).status_code == 401, route


def may_operate(view: Any, who: Actor) -> bool:
    """Whether the edge lets the request on, which it judges before anything else of it."""
    nothing: Any = None
    try:
        check_right(view, who, nothing, {"plattform"})
    except Forbidden:
        return False
    return True


def test_what_anybody_may_see_needs_no_more_than_a_token() -> None:
    for service in services():
        client = application(service).test_client()
        for route, needs in ANYBODY.items():
            path = route.partition(" ")[2].replace("schemas/<string:name>", f"schemas/{SCHEMA}")
            path = path.replace("<string:name>", "busy")
            assert client.get(path).status_code == (401 if needs == "any token" else 200), route


# --- the stream ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="stream")
def _stream() -> Iterator[httpx.Client]:
    with (
        PageServer(MovingFigures(read_programme(), date(2017, 5, 1))) as page_server,
        httpx.Client(base_url=page_server.address, timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("route", [route for route, who in STREAM.items() if who != "no token"])
def test_the_stream_is_for_those_who_may_read_the_report(stream: httpx.Client, route: str) -> None:
    method, _, rule = route.partition(" ")
    path = rule.replace("{programmeId}", "coactive")
    wrong = []
    for name, organisation in ORGANISATIONS.items():
        for duty in DUTIES:
            expected = 200 if name in STREAM[route].split() and duty in FIGURES.split() else 403
            headers = {"Authorization": f"Bearer {organisation}:{duty}", "Idempotency-Key": f"{name}-{duty}"}
            with stream.stream(method, path, headers=headers) as answer:
                found = 200 if answer.status_code in (200, 201) else answer.status_code
            if found != expected:
                wrong.append(f"{route}, {name} {duty}: {found}, expected {expected}")
    assert wrong == []
