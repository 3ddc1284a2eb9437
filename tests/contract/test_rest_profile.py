"""Every OpenAPI document keeps the rules of the Swedish REST API profile (Digg, 2.0.0) that a document can show.

Each test names the profile's rules that it holds every route to, present and later. What cannot be seen in a document
(TLS, the port, percent-encoding) is held elsewhere: docs/security.md.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.outcome.stream.described import FOR_PEOPLE
from shared.edge.described import operations
from shared.edge.mount import ROOT
from shared.language.errors import CODES, RETRIES
from tools.contracts.openapi import openapi_documents
from tools.contracts.services import stream_routes

DOCUMENTS = dict(openapi_documents())
JSON, PROBLEM = "application/json", "application/problem+json"
SWEDISH, ENGLISH = {"och", "är", "om", "med", "en"}, {"and", "is", "with", "a", "the"}
OF_THE_PROFILE = {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
"""Fields that the profile itself names; all others are snake_case."""
PERSONAL = {"pnr", "personnummer", "personal_number", "ssn"}
PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "code", "actor", "retry", "trace_id"}

Operation = tuple[str, dict[str, Any]]


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DOCUMENTS[request.param]


def resolved(document: dict[str, Any], node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def described(document: dict[str, Any]) -> Iterator[Operation]:
    """Each operation with all its parameters, resolved."""
    for method, path, operation in operations(document):
        shared = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
        whole = [resolved(document, one) for one in shared]
        yield f"{method} {path}", {**operation, "parameters": whole}


def contents(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(where, media type, content) of each body and each answer."""
    for where, operation in described(document):
        places = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, place in places.items():
            for media_type, content in resolved(document, place).get("content", {}).items():
                yield f"{where} {name}", media_type, content


def test_there_are_five_documents_and_each_is_of_the_standard(document: dict[str, Any]) -> None:
    """DOK.17"""
    assert len(DOCUMENTS) == 5
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_says_whose_it_is_and_what_it_is_for(document: dict[str, Any]) -> None:
    """DOK.01, .03, .06, .08, .09, .11"""
    info = document["info"]
    for field in ("title", "version", "description", "termsOfService", "x-limitations"):
        assert info[field], field
    assert all(info["contact"][field] for field in ("name", "url", "email"))
    assert "x-sla" not in info  # nobody has promised one; the terms say so
    assert all(info["license"][field] for field in ("name", "url"))
    assert document["externalDocs"]["url"]
    words = set(re.findall(r"\w+", info["description"].lower()))
    assert words >= SWEDISH
    assert words >= ENGLISH


def test_the_version_stands_in_the_address_and_tells_itself(document: dict[str, Any]) -> None:
    """UFN.01, VER.05, VER.06"""
    assert [server["url"] for server in document["servers"]] == [ROOT]
    assert re.fullmatch(r"/v[0-9]+", ROOT)
    told = document["paths"]["/api-info"]["get"]["responses"]["200"]["content"][JSON]
    assert set(told["schema"]["required"]) == OF_THE_PROFILE
    assert not any(path.startswith("/v") for path in document["paths"])


def test_every_operation_parameter_and_answer_is_described(document: dict[str, Any]) -> None:
    """DOK.19, .20"""
    for where, operation in described(document):
        assert operation.get("summary"), where
        for one in operation["parameters"]:
            assert one.get("description"), f"{where}: {one['name']}"
        for status, answer in operation["responses"].items():
            assert resolved(document, answer)["description"], f"{where} {status}"


def test_every_field_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, held in schema.get("properties", {}).items():
            assert held.get("description") or "$ref" in held, (
                f"{name}.{field}: add it to shared/edge/field_words.py"
            )


def test_every_answer_says_which_fields_it_always_has(document: dict[str, Any]) -> None:
    for where, media_type, content in contents(document):
        schema = resolved(document, content.get("schema", {}))
        if media_type == JSON and schema.get("properties") and not where.endswith("request"):
            assert schema.get("required"), where


def test_every_json_body_has_an_example_that_fits(document: dict[str, Any]) -> None:
    """DOK.15, AME.01"""
    for where, media_type, content in contents(document):
        if media_type not in (JSON, PROBLEM):
            continue
        assert content.get("examples"), f"{where}: run python -m tests.support.record_examples"
        schema = {**content["schema"], "components": document["components"]}
        for name, example in content["examples"].items():
            wrong = [
                error.message[:200] for error in Draft202012Validator(schema).iter_errors(example["value"])
            ]
            assert wrong == [], f"{where}, {name}"


def test_moments_are_given_in_utc(document: dict[str, Any]) -> None:
    """DOT.01, .04"""
    for where, media_type, content in contents(document):
        if media_type == JSON and not where.endswith("request"):
            for text in texts(content["examples"]):
                if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)?", text):
                    assert text.endswith(("Z", "+00:00")), f"{where}: {text}"


def texts(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for one in node.values():
                yield from texts(one)
        case list():
            for one in node:
                yield from texts(one)


def test_every_refusal_is_a_problem_document(document: dict[str, Any]) -> None:
    """FEL.01, .02"""
    for where, operation in described(document):
        assert "default" in operation["responses"], where
        for status, answer in operation["responses"].items():
            if status == "default" or status[0] in "45":
                held = resolved(document, answer)["content"]
                assert list(held) == [PROBLEM], f"{where} {status}"
                schema = resolved(document, held[PROBLEM]["schema"])
                assert set(schema["required"]) == PROBLEM_FIELDS
                assert schema["properties"]["code"]["enum"] == sorted(CODES)
                assert schema["properties"]["retry"]["enum"] == list(RETRIES)


def test_paths_are_in_lower_case_with_hyphens(document: dict[str, Any]) -> None:
    """RES.06, UFN.05, .07, .08, .09"""
    for path in document["paths"]:
        assert len(path) < 200
        assert "_" not in path, "parameters are in camelCase"
        for part in path.strip("/").split("/"):
            assert part.startswith("{") or re.fullmatch(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", part), path


def test_no_address_names_a_person(document: dict[str, Any]) -> None:
    """RES.02"""
    for where, operation in described(document):
        for one in operation["parameters"]:
            if one["in"] in ("path", "query"):
                assert one["name"].lower() not in PERSONAL, where


def test_names_are_written_one_way(document: dict[str, Any]) -> None:
    """AME.04, .05, .07, FNS.01, .03"""
    fields = {
        field
        for schema in document["components"]["schemas"].values()
        for field in schema.get("properties", {})
    }
    queries = {
        one["name"]
        for _, operation in described(document)
        for one in operation["parameters"]
        if one["in"] == "query"
    }
    for name in fields | queries:
        assert re.fullmatch(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", name), name


def test_every_operation_continues_and_returns_a_trace(document: dict[str, Any]) -> None:
    """SPA.02, .04, HYP.09"""
    for where, operation in described(document):
        headers = {one["name"].lower(): one for one in operation["parameters"] if one["in"] == "header"}
        assert "traceparent" in headers, where
        assert not any(name.startswith("x-forwarded") for name in headers), where
        for status, answer in operation["responses"].items():
            assert "traceparent" in resolved(document, answer).get("headers", {}), f"{where} {status}"


def test_only_a_bearer_token_lets_anybody_in(document: dict[str, Any]) -> None:
    """ARQ.02, SAK.09, .10, .15, .16, .18"""
    schemes = document["components"]["securitySchemes"]
    assert [(one["type"], one["scheme"]) for one in schemes.values()] == [("http", "bearer")]
    assert document["security"] == [{"bearer": []}]
    open_to_all = {where for where, operation in described(document) if operation.get("security") == []}
    assert open_to_all == {"GET /api-info"}


def test_no_reading_takes_a_body(document: dict[str, Any]) -> None:
    """FOR.02"""
    for where, operation in described(document):
        assert where.split()[0] != "GET" or "requestBody" not in operation, where


def test_what_is_made_has_an_address(document: dict[str, Any]) -> None:
    """MOG.01"""
    for where, operation in described(document):
        if "201" in operation["responses"]:
            assert "Location" in resolved(document, operation["responses"]["201"])["headers"], where


def test_every_route_of_the_stream_is_described_or_for_people() -> None:
    whole = DOCUMENTS["outcome-stream"]
    told = {f"{method} {path}" for method, path, _ in operations(whole)}
    served = {f"{method} {path}" for method, path, _ in stream_routes()}
    documents = {
        one for one in served if re.match(r"GET /(?:openapi|docs|asyncapi|problems|schemas|terms)\b", one)
    }
    assert told | FOR_PEOPLE == served - documents
    assert told & FOR_PEOPLE == set()
    for method, path, operation in operations(whole):
        action = {f"{one} {at}": action for one, at, action in stream_routes()}[f"{method} {path}"]
        assert operation["x-action"] == (action or "open"), path


def test_every_example_address_is_one_of_an_example() -> None:
    """No document leads to a host that somebody else owns."""
    for whole in DOCUMENTS.values():
        for text in texts(whole):
            if text.startswith(("http://", "https://")) and " " not in text:
                host = urlsplit(text).hostname or ""
                assert host.endswith((".example", "example.org", "apache.org")), text
