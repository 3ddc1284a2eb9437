"""What no route knows is refused in its query, named, on every route of every service."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from shared.edge.callers import Admission
from shared.edge.documents import PATHS, is_open
from shared.edge.openapi import query_parameters
from shared.edge.queries import check_query
from shared.language.access import RULES
from shared.language.errors import Invalid
from tests.support.fakes import UNLIMITED, NamedTokens, RealTime
from tools.contracts.services import application_of, services

METHODS = {"GET", "HEAD", "POST", "PUT"}


@pytest.fixture(params=list(services()))
def app(request: pytest.FixtureRequest) -> Flask:
    admission = Admission(NamedTokens(), UNLIMITED)
    return application_of(services()[request.param], None, admission, RealTime())  # type: ignore[arg-type]


def asked(app: Flask) -> Iterator[tuple[Rule, str, dict[str, str]]]:
    """(route, method, headers of somebody whose duty includes it), of every route that needs no programme."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operator, action = getattr(view, "operator", False), getattr(view, "action", None)
        if any(getattr(view, name, False) for name in ("somewhere", "keeper", "registrar")):
            continue
        duty = "operator" if operator else min(RULES[action].duties) if action else "caseworker"
        token = f"Bearer {'plattform' if operator else 'urkraft'}:{duty}"
        for method in METHODS & (rule.methods or set()):
            yield rule, method, {"Authorization": token}


def path(rule: Rule) -> str:
    found = rule.rule
    for argument in rule.arguments:
        found = found.replace(f"<string:{argument}>", "x").replace(f"<{argument}>", "x")
    return found


def test_every_route_names_a_parameter_that_it_does_not_know(app: Flask) -> None:
    seen = 0
    for rule, method, headers in asked(app):
        answer = app.test_client().open(
            f"{path(rule)}?since=2017-01-01&until=", method=method, headers=headers
        )
        assert answer.status_code == 422, (method, rule)
        if method != "HEAD":
            assert answer.json is not None
            assert answer.json["code"] == "invalid-fields"
            assert set(answer.json["errors"]) == {"since", "until"}, rule
            for known in query_parameters(app).get(rule.endpoint, ()):
                assert known in answer.json["errors"]["since"][0]
        seen += 1
    assert seen > 10


def test_every_route_refuses_a_parameter_given_twice(app: Flask) -> None:
    seen = 0
    for rule, method, headers in asked(app):
        for known in query_parameters(app).get(rule.endpoint, ()):
            answer = app.test_client().open(
                f"{path(rule)}?{known}=1&{known}=1", method=method, headers=headers
            )
            assert answer.status_code == 422, (method, rule)
            assert method == "HEAD" or set(answer.json["errors"]) == {known}  # type: ignore[index]
            seen += 1
    assert seen


def test_open_documents_take_no_parameters(app: Flask) -> None:
    for one in (*PATHS, "/problems/busy"):
        assert app.test_client().get(one).status_code == 200
        assert app.test_client().get(f"{one}?x=1").status_code == 422


def test_who_shows_no_token_is_told_nothing_of_the_query(app: Flask) -> None:
    for rule, method, _ in asked(app):
        if not is_open(rule.rule):
            assert app.test_client().open(f"{path(rule)}?x=1", method=method).status_code == 401


@pytest.mark.parametrize("name", ["19850709-9805", "å", "", "a b", "x" * 41, "<b>"])
def test_a_name_that_might_be_a_value_is_not_repeated(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_query([name], ("limit",))
    assert refused.value.errors == {"query": ["There is no such parameter; there is limit."]}


def test_a_query_of_what_is_known_passes() -> None:
    check_query([], ())
    check_query(["limit", "cursor"], ("cursor", "limit"))
