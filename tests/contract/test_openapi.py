"""Each service's OpenAPI document: accepted by an outside validator, and complete."""

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.edge.described import operations
from shared.edge.mount import ROOT
from shared.edge.openapi import PARAMETERS, document_of
from shared.language.programmes import Action
from tools.contracts.services import application, services

SERVICES = list(services())


@pytest.fixture(params=SERVICES)
def app(request: pytest.FixtureRequest) -> Flask:
    return application(request.param)


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return document_of(app)


def test_all_four_services_are_described() -> None:
    assert SERVICES == ["intake", "activity_tracking", "handover", "outcome"]


def test_the_document_is_one_of_the_standard(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["openapi"].startswith("3.1")


def test_every_operation_says_what_it_does_and_for_whom(document: dict[str, Any]) -> None:
    actions = {*Action.__args__, "authenticated", "operate", "open"}  # type: ignore[attr-defined]
    actions |= {"keep_register", "keep_organisation"}
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("operationId"), where
        assert operation.get("summary"), where
        assert operation.get("x-action") in actions, where
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, where


def test_operation_ids_name_one_operation(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(names) == sorted(set(names))


def test_every_answer_has_a_shape(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        good = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
        assert len(good) == 1, f"{method} {path}"
        assert all("content" in one for one in good.values()), f"{method} {path}"


def test_every_command_names_itself_and_knows_its_limits(document: dict[str, Any]) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    for method, path, operation in operations(document):
        if method == "GET":
            assert key not in operation["parameters"]
            continue
        assert (key in operation["parameters"]) == (method == "POST"), path
        assert operation["requestBody"]["required"], path
        assert operation["x-body-limit-bytes"] >= 1024, path


def test_commands_refuse_unknown_fields(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            schema = resolved(document, body["schema"].get("items", body["schema"]))
            assert schema.get("additionalProperties") is False, f"{method} {path}"


def test_every_path_parameter_says_what_an_id_looks_like(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for parameter in item.get("parameters", ()):
            assert set(parameter["schema"]) & {"pattern", "enum"}, f"{path}: {parameter['name']}"


def test_patterns_are_ones_that_other_languages_read(document: dict[str, Any]) -> None:
    assert "\\Z" not in str(document)


def test_what_is_served_is_what_was_described(app: Flask, document: dict[str, Any]) -> None:
    served = app.test_client().get("/openapi.json")
    assert served.status_code == 200
    assert served.json == document
    assert {parameter["name"] for parameter in PARAMETERS.values()} == {
        "Idempotency-Key",
        "Acting-As",
        "Journey-Vector",
        "If-Match",
        "traceparent",
    }


def test_the_pages_need_no_script_and_nothing_from_elsewhere(app: Flask) -> None:
    client = app.test_client()
    for path in ("/docs", "/asyncapi", "/problems", "/problems/busy", "/terms"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
        assert "<script" not in page.text
        assert "style=" not in page.text
        for address in re.findall(r'(?:href|src)="([^"]*)"', page.text):
            assert address.startswith((f"{ROOT}/", "#", "mailto:", "data:,")), address


def test_every_link_of_the_pages_opens(app: Flask) -> None:
    client, seen, waiting = app.test_client(), set(), ["/docs"]
    while waiting:
        path = waiting.pop()
        page = client.get(path)
        assert page.status_code == 200, path
        if page.mimetype == "text/html":
            found = re.findall(rf'href="{ROOT}(/[^"#]*)"', page.text)
            waiting += [one for one in dict.fromkeys(found) if one not in seen]
            seen |= set(found)
    assert {"/openapi.json", "/asyncapi.yaml", "/terms", "/problems/busy", "/docs/page.css"} <= seen


def test_only_documents_are_open(app: Flask) -> None:
    client = app.test_client()
    for path in ("/docs/start.js", "/docsomething", "/problemss", "/api-info/x"):
        assert client.get(path).status_code == 401, path
    for path in ("/problems/none", "/schemas/..%2fasyncapi.yaml", "/schemas/none.json"):
        assert client.get(path).status_code == 404, path


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference leads to."""
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)
    return found
