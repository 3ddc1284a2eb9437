"""Every route is authorised by what it declares, and denied to whoever shows no token."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from shared.edge.openapi import template
from shared.edge.web import OPEN_PATHS
from shared.language.access import RULES
from tools.contracts.services import application, services, stream_routes

OPEN_RULES = {*OPEN_PATHS, "/docs/<string:name>"}
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
    """Words in small letters with hyphens between them, parameters in camelCase."""
    form = re.compile(r"(/([a-z]+(-[a-z]+)*|\{[a-z]+([A-Z][a-z]+)*\}))+")
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
