"""What every answer of a service has, and what a caller cannot make of it."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import generate_latest

from shared.edge.callers import Admission
from shared.edge.web import HEADERS, METHODS
from shared.telemetry.metrics import REGISTRY
from tests.support.fakes import UNLIMITED, NamedTokens, RealTime
from tools.contracts.services import application_of, services

TOKEN = {"Authorization": "Bearer urkraft:caseworker"}
POST = {**TOKEN, "Content-Type": "application/json", "Idempotency-Key": "k"}


def made(service: str, admission: Admission | None = None) -> Flask:
    """The service's application, without a database."""
    admission = admission or Admission(NamedTokens(), UNLIMITED)
    return application_of(services()[service], None, admission, RealTime())  # type: ignore[arg-type]


@pytest.fixture(params=list(services()))
def app(request: pytest.FixtureRequest) -> Flask:
    return made(request.param)


@pytest.fixture
def client() -> FlaskClient:
    return made("handover").test_client()


def labels() -> set[str]:
    return {
        line.rpartition(" ")[0]
        for line in generate_latest(REGISTRY).decode().splitlines()
        if "route=" in line
    }


def test_made_up_methods_and_paths_make_no_new_labels(client: FlaskClient) -> None:
    def ask(number: int) -> None:
        for headers in ({}, TOKEN):
            client.open(f"/{number}", method=f"X{number:06}", headers=headers)
            client.open(f"/handovers/{number}", method=f"X{number:06}", headers=headers)

    ask(0)
    before = labels()
    for number in range(1, 100):
        ask(number)
    assert labels() == before
    assert {line.split('route="')[1].split()[0] for line in before} <= {*METHODS, "other"}


def test_a_wrong_method_is_told_which_are_right(app: Flask) -> None:
    client, seen = app.test_client(), 0
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<string:{argument}>", "x").replace(f"<{argument}>", "x")
        answer = client.open(path, method="TRACE", headers=TOKEN)
        assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed"), path  # type: ignore[index]
        assert set(answer.headers["Allow"].split(", ")) >= set(rule.methods or ()), path
        seen += 1
    assert seen > 5


def test_a_path_without_the_version_is_an_unknown_route(client: FlaskClient) -> None:
    for path in ("/handovers/x", "/openapi.json", "/nowhere"):
        answer = client.get(path, headers=TOKEN, base_url="http://localhost/")
        assert (answer.status_code, answer.json["code"]) == (404, "unknown-route"), path  # type: ignore[index]


def test_every_answer_says_what_a_browser_may_do_with_it(client: FlaskClient) -> None:
    for path in ("/handovers/x", "/nowhere", "/openapi.json"):
        answer = client.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        assert "Server" not in answer.headers
    assert client.get("/docs").headers["Content-Security-Policy"] != HEADERS["Content-Security-Policy"]


def test_whoever_asks_too_often_is_told_so_before_its_body_is_looked_at() -> None:
    client = made("handover", Admission(NamedTokens(), replace(UNLIMITED, per_person=0.3))).test_client()
    path = "/journeys/x/handovers"
    statuses = [client.post(path, data=b"{", headers=POST).status_code for _ in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    refused = client.post(path, data=b"{", headers=POST)
    assert refused.json is not None
    assert refused.json["code"] == "too-many-requests"
    assert int(refused.headers["Retry-After"]) >= 1


def test_open_documents_are_limited_by_address() -> None:
    client = made("handover", Admission(NamedTokens(), replace(UNLIMITED, per_address=0.3))).test_client()
    statuses = [client.get("/openapi.json").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert client.get("/nowhere", headers=TOKEN).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/participants", {"19900101-2385": 1, "name": "x", "personnummer": None}),
        ("/participants", {"contact": {"19900101-2385": 1}, "name": "x", "personnummer": None}),
        ("/referrals", {"19900101-2385": 1, "0701234567": 1}),
    ],
)
def test_no_name_of_a_field_that_may_be_somebody_s_number_is_repeated(path: str, body: object) -> None:
    answer = made("intake").test_client().post(path, json=body, headers=POST)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-fields")  # type: ignore[index]
    # Not the whole text: a trace id may hold any digits.
    told = str((answer.json["detail"], answer.json["errors"]))  # type: ignore[index]
    assert "There is no such field" in told
    assert "2385" not in told
    assert "070" not in told
