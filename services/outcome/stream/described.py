"""The OpenAPI document of the stream role: what each of its routes is for, and what it takes and answers.

The routes themselves are declared in `routes.py`; a test holds the two to each other. Pages for people answer HTML,
are no part of the interface, and are not described: the programme's page, logging in and out, static files and texts.
"""

from collections.abc import Mapping
from typing import Any

from shared.edge.bodies import BODY_LIMIT_BYTES
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
from shared.language.forms import CODE, IDEMPOTENCY_KEY, whole

INTERFACE = Interface(
    "Outcome, stream",
    "Visar programmens siffror medan de rör sig, och ger engångslänkar till sidan som visar dem.",
    "Shows the figures of a programme as they move, and gives one-use links to the page that draws them.",
)
FOR_PEOPLE = frozenset(
    {
        "GET /programmes/{programmeId}",
        "POST /programmes/{programmeId}/logout",
        "GET /signed-out",
        "GET /login",
        "POST /login",
        "GET /static/{path}",
        "GET /texts/{path}",
    }
)
"""Routes that answer HTML or files of the page, to a browser."""

_PROGRAMME: Mapping[str, Any] = {
    "in": "path",
    "name": "programmeId",
    "required": True,
    "description": "Code of the programme.",
    "schema": {"type": "string", "pattern": whole(CODE)},
}
_TRACE: Mapping[str, Any] = {"$ref": "#/components/parameters/Traceparent"}
_ACTING_AS: Mapping[str, Any] = {"$ref": "#/components/parameters/ActingAs"}
_KEY: Mapping[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "The caller's name for this command. A link is stored nowhere, so repeating it gives another.",
    "schema": {"type": "string", "pattern": whole(IDEMPOTENCY_KEY)},
}
_EVENTS = """retry: 1500

id: 17
event: figures
data: {"programme":"coactive","form":"published","version":17,"as_of":"2018-03-05T08:13:15Z","figures":{"started":41}}

"""


def openapi(interface: Interface = INTERFACE) -> dict[str, Any]:
    """The document."""
    return {
        **interface.frame(),
        "tags": [
            {"name": "figures", "description": "A programme's figures"},
            {"name": "interface", "description": "What this interface is"},
        ],
        "paths": {
            "/programmes/{programmeId}/figures": {"get": _figures()},
            "/programmes/{programmeId}/page-links": {"post": _page_link()},
            "/api-info": api_info_path(interface),
        },
        "components": {
            "securitySchemes": {"bearer": dict(BEARER)},
            "parameters": {"ActingAs": dict(ACTING_AS_PARAMETER), "Traceparent": dict(TRACE_PARAMETER)},
            "headers": dict(TRACE_HEADERS),
            "responses": {"Problem": dict(PROBLEM_RESPONSE)},
            "schemas": {"Problem": PROBLEM, "PageLink": _LINK},
        },
    }


_LINK: Mapping[str, Any] = {
    "type": "object",
    "description": "A link to the page.",
    "required": ["url"],
    "properties": {
        "url": {
            "type": "string",
            "format": "uri",
            "description": "Where a browser opens the page; it works once, within five minutes.",
        }
    },
}


def _figures() -> dict[str, Any]:
    form = {
        "in": "query",
        "name": "form",
        "required": False,
        "description": "published: figures that could point at somebody are hidden; exact: for those who may see all.",
        "schema": {"type": "string", "enum": ["exact", "published"], "default": "published"},
    }
    last = {
        "in": "header",
        "name": "Last-Event-ID",
        "required": False,
        "description": "The newest snapshot that the caller has; the stream goes on after it.",
        "schema": {"type": "string"},
    }
    return {
        "operationId": "stream_figures",
        "summary": "The figures as Server-Sent Events: a whole snapshot, then each newer one.",
        "description": "The stream ends with the token; a client comes back by itself and loses nothing. Each `data` "
        "is the report of the outcome service at that moment, with its version.",
        "tags": ["figures"],
        "x-action": "read_report",
        "parameters": [dict(_PROGRAMME), form, last, dict(_ACTING_AS), dict(_TRACE)],
        "responses": {
            "200": {
                "description": "The stream.",
                "headers": dict(_HEADERS),
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "examples": {"snapshot": {"value": _EVENTS}},
                    }
                },
            },
            **_refused("400", "401", "403", "404", "422", "429", "503"),
        },
    }


def _page_link() -> dict[str, Any]:
    link = "https://figures.example.org/v1/login?code=3bPq0vJ1kX8mT5sY7uR2wC9zA4dF6gHhL0nQeV1iKoM"
    return {
        "operationId": "make_page_link",
        "summary": "Make a one-use link to the programme's page.",
        "tags": ["figures"],
        "x-action": "read_report",
        "x-body-limit-bytes": BODY_LIMIT_BYTES,
        "parameters": [dict(_PROGRAMME), dict(_KEY), dict(_ACTING_AS), dict(_TRACE)],
        "requestBody": {
            "required": False,
            "description": "Nothing, or an empty object: the address says all.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "additionalProperties": False},
                    "examples": {"nothing": {"value": {}}},
                }
            },
        },
        "responses": {
            "201": {
                "description": "The link.",
                "headers": {
                    **_HEADERS,
                    "Location": {
                        "description": "The link itself.",
                        "schema": {"type": "string", "format": "uri"},
                    },
                },
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/PageLink"},
                        "examples": {"link": {"value": {"url": link}}},
                    }
                },
            },
            **_refused("400", "401", "403", "404", "413", "415", "422", "429", "503"),
        },
    }


_HEADERS: Mapping[str, Any] = {
    "Trace-Id": {"$ref": "#/components/headers/TraceId"},
    "traceparent": {"$ref": "#/components/headers/Traceparent"},
}


def _refused(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": "#/components/responses/Problem"} for status in (*statuses, "default")}
