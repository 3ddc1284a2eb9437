"""Every route is authorised by what it declares, and denied to whoever shows no token."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from shared.edge.described import operations
from shared.edge.documents import FOLDERS, PATHS
from shared.edge.openapi import document_of, template
from shared.language.access import RULES
from tools.contracts.services import application, services, stream_routes

OPEN_RULES = {*PATHS, *(f"{folder}/<string:name>" for folder in FOLDERS)}
METHODS_THAT_ASK = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(params=list(services()))
def app(request: pytest.FixtureRequest) -> Flask:
    return application(request.param)


def test_every_route_declares_an_action_of_the_role_map(app: Flask) -> None:
    for rule in closed(app):
        view = app.view_functions[rule.endpoint]
        assert hasattr(view, "action"), f"{rule} is not guarded"
        assert view.action is None or view.action in RULES, f"{rule}: {view.action}"


def test_every_route_is_refused_without_a_token(app: Flask) -> None:
    for rule in closed(app):
        for method in METHODS_THAT_ASK & (rule.methods or set()):
            answer = app.test_client().open(path(rule), method=method)
            assert answer.status_code == 401, f"{method} {rule}"
            assert answer.mimetype == "application/problem+json"
            assert answer.json is not None
            assert answer.json["code"] == "unauthenticated"


def test_only_open_routes_answer_without_a_token(app: Flask) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert paths >= OPEN_RULES
    assert app.test_client().get("/openapi.json").status_code == 200
    for path in ("/no-such-route", "/healthz", "/metrics"):
        assert app.test_client().get(path).status_code == 401


def test_every_action_of_the_role_map_has_a_route() -> None:
    offered = set()
    for name in services():
        app = application(name)
        offered |= {getattr(app.view_functions[rule.endpoint], "action", None) for rule in closed(app)}
    assert RULES.keys() - offered == set()


def test_paths_are_written_in_one_way(app: Flask) -> None:
    """Words in small letters with hyphens or dots between them, parameters in camelCase."""
    form = re.compile(r"(/([a-z]+([-.][a-z]+)*|\{[a-z]+([A-Z][a-z]+)*\}))+")
    for rule in closed(app):
        assert form.fullmatch(template(rule.rule)), rule.rule
    for _, path, _ in stream_routes():
        assert path == "/" or form.fullmatch(path), path


def test_reading_changes_nothing_and_changing_names_itself(app: Flask) -> None:
    """A GET never shares its view with a command, so that no reading can store."""
    for rule in closed(app):
        asked = METHODS_THAT_ASK & (rule.methods or set())
        assert len(asked) == 1, f"{rule}: {asked}"


def closed(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.rule not in OPEN_RULES)


def path(rule: Rule) -> str:
    found = rule.rule
    for argument in rule.arguments:
        found = found.replace(f"<string:{argument}>", "x").replace(f"<{argument}>", "x")
    return found


COLLECTIONS = frozenset(
    {
        *(
            "participants",
            "referrals",
            "consents",
            "activities",
            "pauses",
            "extents",
            "closures",
            "groups",
            "goals",
            "sessions",
            "progress",
            "competences",
            "outputs",
            "handovers",
        ),
        *("legal-persons", "units", "memberships"),
    }
)
"""What a path ends in whose POST creates an entry."""
MANY = frozenset({"/sessions", "/register/imports", "/attendance/marks"})
"""Takes many entries at once, and answers with what came of each."""
CREATED_IN_PLACE = frozenset({"/operations/rebuilds/{group}"})


def test_creating_answers_201_and_acting_200(app: Flask) -> None:
    for method, path, operation in operations(document_of(app)):
        if method != "POST" or path == "/clock":
            continue
        creates = (path.rpartition("/")[2] in COLLECTIONS and path not in MANY) or path in CREATED_IN_PLACE
        answers = {status for status in operation["responses"] if status.startswith("2")}
        assert answers == {"201" if creates else "200"}, path


def test_every_list_is_read_by_page_and_by_cursor(app: Flask) -> None:
    """A route that answers a cursor takes one, and a page's number and length, and describes each."""
    document = document_of(app)
    schemas = document["components"]["schemas"]
    lists = 0
    for method, path, operation in operations(document):
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        name = answer.get("schema", {}).get("$ref", "").rpartition("/")[2]
        taken = {one["name"]: one for one in operation["parameters"] if one.get("in") == "query"}
        assert ("next_cursor" in schemas.get(name, {}).get("properties", {})) == ("cursor" in taken), path
        if "cursor" in taken:
            lists += 1
            assert {"limit", "page"} <= taken.keys(), f"{method} {path}"
            assert all(taken[one].get("description") for one in ("limit", "page", "cursor")), path
            assert taken["limit"]["schema"]["default"] == 20, path
    assert lists > 2
