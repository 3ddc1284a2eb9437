"""The OpenAPI 3.1 document of a service, and the page on which a person reads and tries it.

flask-smorest describes each route's own body and answer; what all routes share (who may call, the headers, the
problem documents) is said here once, from the same declarations that the edge enforces. Nothing is fetched from
elsewhere: the page's files come from the installed `flask_swagger_ui` package (Swagger UI, Apache-2.0).
"""

import copy
import json
import re
from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files
from typing import Any, get_args

from flask import Flask, Response
from flask_smorest import Api

from shared.language.errors import CODES, Unknown
from shared.language.events import Purpose

DOCUMENT_PATH = "/openapi.json"
PAGE_PATH = "/docs"
METHODS = ("get", "post", "put", "patch", "delete")
ANYBODY = "authenticated"
"""`x-action` of a route that any authenticated caller may use."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: HTTP interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="interface"></div>
<noscript><p>This page needs JavaScript; the document itself is <a href="openapi.json">openapi.json</a>.</p></noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#interface",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

_ID = "[0-9a-hjkmnp-tv-z]{26}"
_CODE = "[a-z0-9][a-z0-9_-]{0,39}"
PATH_PATTERNS: Mapping[str, str] = {
    "journeyId": f"^j-{_ID}$",
    "participantId": f"^p-{_ID}$",
    "sessionId": f"^s-{_ID}$",
    "outputId": f"^o-{_ID}$",
    "handoverId": f"^j-{_ID}\\.h[0-9]+$",
    "followUpId": f"^j-{_ID}\\.{_CODE}$",
    "programmeId": f"^{_CODE}$",
    "goal": f"^{_CODE}$",
    "plan": f"^{_CODE}$",
    "competence": f"^{_CODE}$",
    "level": "^[1-9][0-9]{0,3}$",
    "round": "^[1-9][0-9]{0,3}$",
    "kind": "^(journey|output|participant|programme)$",
    "key": "^[a-z0-9][a-z0-9_@-]{1,79}$",
    "group": "^[a-z][a-z-]{1,39}$",
    "parkedId": "^[0-9a-f]{32}$",
    "topic": "^[a-z0-9._-]{1,249}$",
    "purpose": f"^({'|'.join(get_args(Purpose))})$",
}

REVISED = ("journeyId", "participantId", "outputId", "handoverId", "followUpId")
"""What stands in the path of a resource whose revision a change may rest on."""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `code` is stable; `errors` names every wrong field at once.",
    "required": ["type", "title", "status", "detail", "code", "trace_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:journeys:problem:invalid-fields"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(CODES)},
        "trace_id": {"type": "string", "description": "joins this request's effects in all logs"},
        "errors": {"type": "object", "additionalProperties": True},
    },
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "in": "header",
        "name": "Idempotency-Key",
        "required": True,
        "description": "The caller's name for this command: sent again with the same content, it is done once. "
        "The order of fields, blanks, 1 for 1.0, and null for a field left out make no other content.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
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
    "TraceId": {"description": "Joins this request's effects in all logs.", "schema": {"type": "string"}},
}


def publish(app: Flask, api: Api) -> None:
    """Serve the document and the page. Call it when every blueprint is registered."""
    document = complete(api.spec.to_dict(), app)
    text = json.dumps(document, ensure_ascii=False)
    page = PAGE.format(title=document["info"]["title"])
    static = files("flask_swagger_ui") / "dist"
    app.extensions["openapi"] = document
    app.extensions["queries"] = _queries(document, app)

    @app.get(DOCUMENT_PATH)
    def openapi() -> Response:
        return Response(text, content_type="application/json")

    @app.get(PAGE_PATH)
    def docs() -> Response:
        return Response(
            page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY}
        )

    @app.get(f"{PAGE_PATH}/<string:name>")
    def docs_file(name: str) -> Response:
        if name == "start.js":
            return Response(START, content_type="text/javascript")
        if name not in PAGE_FILES:
            raise Unknown("file")
        return Response(
            (static / name).read_bytes(),
            content_type=PAGE_FILES[name],
            headers={"Cache-Control": "public, max-age=86400"},
        )


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
            one["name"] for one in operation["parameters"] if one.get("in") == "query"
        )
        for method, path, operation in operations(document)
    }


def complete(document: Mapping[str, Any], app: Flask) -> dict[str, Any]:
    """The document with everything that the routes share, from what each view declares with `guarded`."""
    whole: dict[str, Any] = _portable(copy.deepcopy(dict(document)))
    whole["security"] = [{"bearer": []}]
    components = whole.setdefault("components", {})
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    components["parameters"] = {**components.get("parameters", {}), **PARAMETERS}
    components["headers"] = HEADERS
    components["responses"] = {"Problem": _problem_response()}
    components["schemas"] = {**components.get("schemas", {}), "Problem": PROBLEM}
    for unused in ("Error", "PaginationMetadata"):
        components["schemas"].pop(unused, None)
    endpoints = _endpoints(app)
    for path, item in whole["paths"].items():
        for parameter in item.get("parameters", ()):
            if parameter.get("in") == "path" and parameter["name"] in PATH_PATTERNS:
                parameter["schema"] = {"type": "string", "pattern": PATH_PATTERNS[parameter["name"]]}
        for method in METHODS:
            if method in item:
                endpoint = endpoints[method.upper(), path]
                _complete_operation(item[method], method, endpoint, app.view_functions[endpoint], path)
    return whole


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of each operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _complete_operation(operation: dict[str, Any], method: str, endpoint: str, view: Any, path: str) -> None:
    operation["operationId"] = endpoint.rpartition(".")[2]
    if hasattr(view, "action"):
        operation["x-action"] = view.action or ("operate" if view.operator else ANYBODY)
    shared = ["JourneyVector"]
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
                }
            )
    refused = ["401", "403", "422", "503", "default", *(status for status in responses if status[0] in "45")]
    if method in ("post", "put"):
        refused += ["400", "409", "413", "415"]
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


def _problem_response() -> dict[str, Any]:
    return {
        "description": "Refused, and why; nothing was stored.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


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
