"""The OpenAPI 3.1 document of a service, completed from the rules that the edge enforces.

flask-smorest describes each route's own body and answer. This module adds once what all routes share: the callers,
the headers, the problem documents. Each route gets the examples that its service recorded. `documents.py` lists the
other published documents.
"""

import copy
import functools
import re
from collections.abc import Collection, Mapping
from typing import Any, get_args

from flask import Flask, Response, request
from flask_smorest import Api

from shared.edge.described import METHODS, describe_field, describe_parameters, operations, require_answers
from shared.edge.documents import FOLDERS, PATHS, Document, documents
from shared.edge.interface import (
    ACTING_AS_PARAMETER,
    BEARER,
    PROBLEM,
    PROBLEM_RESPONSE,
    TRACE_HEADERS,
    TRACE_PARAMETER,
    Interface,
    api_info_path,
)
from shared.edge.locations import LOCATIONS, locations
from shared.edge.paths import IDS
from shared.language import forms
from shared.language.errors import Unknown
from shared.language.events import Purpose
from shared.language.forms import whole
from shared.language.programmes import Action

ANYBODY = "authenticated"
"""`x-action` of a route that any authenticated caller may use."""
Examples = Mapping[str, Mapping[str, Any]]
"""{operationId: {"request" and "response": a body that was really sent or answered}}."""

PATH_PATTERNS: Mapping[str, str] = {
    **{name: whole(one.form) for name, one in IDS.items()},
    "programmeId": whole(forms.CODE),
    "goal": whole(forms.CODE),
    "plan": whole(forms.CODE),
    "pause": whole(forms.CODE),
    "extent": whole(forms.CODE),
    "competence": whole(forms.CODE),
    "level": "^[1-9][0-9]{0,3}$",
    "round": "^[1-9][0-9]{0,3}$",
    "kind": whole(forms.SUBJECT_KIND),
    "key": whole(forms.SUBJECT_KEY),
    "group": whole(forms.GROUP),
    "parkedId": whole(forms.PARKED_ID),
    "topic": "^[a-z0-9._-]{1,249}$",
    "purpose": f"^({'|'.join(get_args(Purpose))})$",
    "action": f"^({'|'.join(get_args(Action))})$",
}

REVISED = (
    *(
        "journeyId",
        "participantId",
        "outputId",
        "closureId",
        "groupId",
        "handoverId",
        "reportId",
        "followUpId",
    ),
    *("legalPersonId", "unitId", "membershipId"),
)
"""The part of a path that marks a resource with a revision, which If-Match may name."""

PARAMETERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "in": "header",
        "name": "Idempotency-Key",
        "required": True,
        "description": "The caller's name for this command: sent again with the same content, it is done once. "
        "The order of fields, blanks, 1 for 1.0, and null for a field left out make no other content.",
        "schema": {"type": "string", "pattern": whole(forms.IDEMPOTENCY_KEY)},
    },
    "JourneyVector": {
        "in": "header",
        "name": "Journey-Vector",
        "required": False,
        "description": "What the caller has seen of the subject; the answer waits until this service has seen it.",
        "schema": {"type": "string", "examples": ["intake=3, outcome=1"]},
    },
    "IfMatch": {
        "in": "header",
        "name": "If-Match",
        "required": False,
        "description": "What a change of an existing resource rests on: the ETag of an answer, several with commas"
        " between them, or * for whatever is there. A weak one never matches.",
        "schema": {"type": "string", "examples": ['"3"', '"3", "4"', "*"]},
    },
    "ActingAs": dict(ACTING_AS_PARAMETER),
    "Traceparent": dict(TRACE_PARAMETER),
}

HEADERS: dict[str, dict[str, Any]] = {
    "JourneyVector": {
        "description": "What this answer rests on; hand it to another service to read your own writes there.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The resource's revision, where it is one that changes.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The address of what was made, below this API's root.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    **TRACE_HEADERS,
}


def describe_fields(api: Api) -> None:
    """Describe every field of a body, an answer and a query. Call it before any blueprint is registered."""
    api.ma_plugin.converter.add_attribute_function(describe_field)


def publish(app: Flask, api: Api, interface: Interface, examples: Examples) -> None:
    """Serve the document and the pages. Call it when every blueprint is registered."""
    document = complete(api.spec.to_dict(), app, interface, examples)
    app.extensions["openapi"] = document

    @functools.cache
    def made() -> Mapping[str, Document]:
        """Made when somebody first asks: most processes and tests never are."""
        return documents(document, interface)

    def read_document(**_: str) -> Response:
        found = made()
        if request.path not in found:
            raise Unknown("document")
        one = found[request.path]
        return Response(one.body, content_type=one.content_type, headers=dict(one.headers))

    for path in PATHS:
        app.add_url_rule(path, f"published{path.replace('.', '-')}", read_document, methods=["GET"])
    for folder in FOLDERS:
        app.add_url_rule(f"{folder}/<string:name>", f"published{folder}/", read_document, methods=["GET"])
    app.extensions["queries"] = _queries(document, app)
    app.extensions[LOCATIONS] = locations(document)


def document_of(app: Flask) -> dict[str, Any]:
    """The document that the application publishes."""
    document: dict[str, Any] = app.extensions["openapi"]
    return document


def query_parameters(app: Flask) -> Mapping[str, Collection[str]]:
    """{endpoint: the parameters of its query}, as published; an endpoint that is not published takes none."""
    found: Mapping[str, Collection[str]] = app.extensions["queries"]
    return found


def _queries(document: Mapping[str, Any], app: Flask) -> dict[str, tuple[str, ...]]:
    endpoints = _endpoints(app)
    return {
        endpoints[method, path]: tuple(
            one["name"] for one in operation.get("parameters", ()) if one.get("in") == "query"
        )
        for method, path, operation in operations(document)
    }


def complete(
    document: Mapping[str, Any], app: Flask, interface: Interface, examples: Examples
) -> dict[str, Any]:
    """The document with everything that the routes share, from what each view declares with `guarded`."""
    described: dict[str, Any] = _portable(copy.deepcopy(dict(document)))
    whole: dict[str, Any] = {**interface.frame(), "tags": described.get("tags", [])}
    whole["paths"], components = described["paths"], described.setdefault("components", {})
    whole["components"] = components
    components["securitySchemes"] = {"bearer": dict(BEARER)}
    components["parameters"] = {**components.get("parameters", {}), **PARAMETERS}
    components["headers"] = HEADERS
    components["responses"] = {"Problem": PROBLEM_RESPONSE}
    components["schemas"] = {**components.get("schemas", {}), "Problem": PROBLEM}
    for unused in ("Error", "PaginationMetadata"):
        components["schemas"].pop(unused, None)
    endpoints = _endpoints(app)
    for path, item in whole["paths"].items():
        for parameter in item.get("parameters", ()):
            if parameter.get("in") == "path" and parameter["name"] in PATH_PATTERNS:
                parameter["schema"] = {"type": "string", "pattern": PATH_PATTERNS[parameter["name"]]}
        describe_parameters(item.get("parameters", ()))
        for method in METHODS:
            if method in item:
                endpoint = endpoints[method.upper(), path]
                _complete_operation(item[method], method, endpoint, app.view_functions[endpoint], path)
                _add_examples(item[method], examples)
    require_answers(whole)
    whole["paths"]["/api-info"] = api_info_path(interface)
    whole["tags"].append({"name": "interface", "description": "What this interface is"})
    return whole


def _kind_of(view: Any) -> str:
    """Who may call a route that is no action of a role."""
    if view.operator:
        return "operate"
    if view.registrar:
        return "keep_organisation"
    return "keep_register" if view.keeper else ANYBODY


def _complete_operation(operation: dict[str, Any], method: str, endpoint: str, view: Any, path: str) -> None:
    operation["operationId"] = endpoint.rpartition(".")[2]
    if hasattr(view, "action"):
        operation["x-action"] = view.action or _kind_of(view)
    shared = ["ActingAs", "Traceparent", "JourneyVector"]
    if method == "post":
        shared.append("IdempotencyKey")
    revised = method in ("post", "put") and any(f"{{{name}}}" in path for name in REVISED)
    if revised:
        shared.append("IfMatch")
    references = [{"$ref": f"#/components/parameters/{name}"} for name in shared]
    operation["parameters"] = [*operation.get("parameters", ()), *references]
    if method in ("post", "put"):
        _complete_body(operation, view)
    _complete_responses(operation, method, "{" in path, revised)


def _complete_body(operation: dict[str, Any], view: Any) -> None:
    media_types: tuple[str, ...] = getattr(view, "media_types", ("application/json",))
    operation["x-body-limit-bytes"] = getattr(view, "body_limit", None)
    body = operation.setdefault("requestBody", {"required": True, "content": {}})
    for media_type in media_types:
        if media_type not in body["content"]:
            schema = {"type": "object"} if media_type == "application/json" else {"type": "string"}
            body["content"][media_type] = {"schema": schema}


def _complete_responses(operation: dict[str, Any], method: str, has_path_id: bool, revised: bool) -> None:
    responses = operation.setdefault("responses", {})
    for status, answer in responses.items():
        if status.isdigit() and int(status) < 300:
            answer.setdefault("headers", {}).update(
                {
                    "Journey-Vector": {"$ref": "#/components/headers/JourneyVector"},
                    "ETag": {"$ref": "#/components/headers/ETag"},
                    "Trace-Id": {"$ref": "#/components/headers/TraceId"},
                    "traceparent": {"$ref": "#/components/headers/Traceparent"},
                }
            )
            if status == "201":
                answer["headers"]["Location"] = {"$ref": "#/components/headers/Location"}
    refused = [
        "400",
        "401",
        "403",
        "422",
        "429",
        "503",
        "default",
        *(status for status in responses if status[0] in "45"),
    ]
    if method in ("post", "put"):
        refused += ["409", "413", "415"]
    if revised:
        refused.append("412")
    if any(len(answer.get("content", ())) > 1 for answer in responses.values()):
        refused.append("406")
    if method == "put":
        refused.append("428")
    if has_path_id:
        refused.append("404")
    for status in refused:
        responses[status] = {"$ref": "#/components/responses/Problem"}
    operation["responses"] = dict(sorted(responses.items()))


def _add_examples(operation: dict[str, Any], examples: Examples) -> None:
    """Put the recorded examples of the operation under its JSON bodies and answers."""
    recorded = examples.get(operation["operationId"], {})
    held = {"request": [operation.get("requestBody", {})]}
    held["response"] = [one for status, one in operation["responses"].items() if status.startswith("2")]
    for kind, places in held.items():
        for content in (place.get("content", {}).get("application/json") for place in places):
            if content is not None and kind in recorded:
                content["examples"] = {"recorded": {"value": recorded[kind]}}


def template(rule: str) -> str:
    """A Flask rule as OpenAPI writes paths: `/referrals/<string:journeyId>` is `/referrals/{journey_id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def _endpoints(app: Flask) -> dict[tuple[str, str], str]:
    return {
        (method, template(rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def _portable(value: Any) -> Any:
    """Python's end of text, which other regular expressions do not know, as theirs."""
    match value:
        case dict():
            return {
                key: re.sub(r"\\Z$", "$", item)
                if key == "pattern" and isinstance(item, str)
                else _portable(item)
                for key, item in value.items()
            }
        case list():
            return [_portable(item) for item in value]
        case _:
            return value
