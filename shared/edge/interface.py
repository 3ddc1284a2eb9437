"""The description of every HTTP interface of the platform, in its OpenAPI document and at `/api-info`.

The services' documents and the stream's are made of the same parts. So one place meets the demands of Swedish
agencies on an API: contact, licence, terms, limits, and both languages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.edge.acting import HEADER as ACTING_AS
from shared.edge.bodies import BODY_LIMIT_BYTES
from shared.edge.mount import DOCS, ROOT
from shared.language import forms
from shared.language.errors import ACTING_PARTIES, CODES, RETRIES
from shared.language.forms import whole
from shared.telemetry.traces import TRACEPARENT

API_VERSION = "1.0.0"
RELEASED = "2026-11-27"
STATUS = "active"
OPENAPI_VERSION = "3.1.0"
NO_CONTACT = "nobody@participant-journeys.example"
"""Where no address is set (API_CONTACT_EMAIL). The Swedish profile requires one; no mail reaches `.example`."""
PROBLEMS = f"{ROOT}/problems"
"""Below this every `type` of a problem document opens as a page."""
TERMS = f"{ROOT}/terms"
ASYNC = f"{ROOT}/asyncapi"
EXAMPLE_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

LIMITATIONS = (
    f"A body holds at most {BODY_LIMIT_BYTES // 1024} KiB of JSON; `x-body-limit-bytes` of an operation says where it "
    "may be longer. Too many requests are answered by 429 with Retry-After. Services agree after a short while: hand "
    "on Journey-Vector to read your own writes. Answers give one page at a time. There is no PATCH, no JSON-LD and no "
    "hypermedia."
)
DEPARTURES = (
    "Departures from the Swedish REST API profile: answers hold no `_links` (MOG.02), since every id in an answer "
    "fits the path of its resource in this document."
)
SWEDISH = (
    "**Svenska.** {purpose} Alla vägar börjar med `/v1`, och anropas med en bärartoken (OAuth 2). Tider anges enligt "
    "RFC 3339 och lämnas i UTC. Fel är problemdokument enligt RFC 9457: `code` är beständig, `actor` anger vem som ska "
    "agera och `retry` om samma anrop får upprepas. Personnummer förekommer aldrig i adresser."
)
ENGLISH = (
    "**English.** {purpose} Every path begins with `/v1` and is called with a bearer token (OAuth 2). Times are "
    "written as in RFC 3339 and returned in UTC. Errors are problem documents (RFC 9457): `code` is stable, `actor` "
    "says who must act, and `retry` says whether the same request may be repeated. Personal identity numbers never "
    "stand in an address."
)


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface: its title, and its purpose, in a sentence of each language. contact: an e-mail address."""

    title: str
    swedish: str
    english: str
    contact: str = NO_CONTACT

    def info(self) -> dict[str, Any]:
        """The document's `info`."""
        return {
            "title": self.title,
            "version": API_VERSION,
            "summary": self.english,
            "description": "\n\n".join(
                (
                    SWEDISH.format(purpose=self.swedish),
                    ENGLISH.format(purpose=self.english),
                    LIMITATIONS,
                    DEPARTURES,
                )
            ),
            "termsOfService": TERMS,
            "contact": {"name": "The platform's operators", "url": TERMS, "email": self.contact},
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "x-limitations": LIMITATIONS,
        }

    def frame(self) -> dict[str, Any]:
        """The parts of a document beside its paths and components."""
        return {
            "openapi": OPENAPI_VERSION,
            "info": self.info(),
            "externalDocs": {"description": "The same document as a page", "url": DOCS},
            "servers": [{"url": ROOT, "description": "Where this document was read, over HTTPS."}],
            "security": [{"bearer": []}],
        }

    def told(self) -> dict[str, str]:
        """The answer of `/api-info`; the Swedish profile names its fields, which elsewhere here are snake_case."""
        return {
            "apiName": self.title,
            "apiVersion": API_VERSION,
            "apiReleased": RELEASED,
            "apiDocumentation": DOCS,
            "apiStatus": STATUS,
        }


BEARER: Mapping[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of a trusted issuer (OAuth 2), which names the person's organisation and duty, or "
    "several in `organisations`.",
}

ACTING_AS_PARAMETER: Mapping[str, Any] = {
    "in": "header",
    "name": ACTING_AS,
    "required": False,
    "description": "Which organisation and duty of the token the request acts as; required where it holds several. It "
    "adds nothing to the token.",
    "schema": {"type": "string", "pattern": whole(forms.ACTING_AS), "examples": ["kafe-solrosen:caseworker"]},
}
"""The parameter that every operation with a token takes."""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `code` is stable; `errors` names every wrong field at once.",
    "required": ["type", "title", "status", "detail", "instance", "code", "actor", "retry", "trace_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "The address of a page that explains the code.",
        },
        "title": {"type": "string", "description": "What the code means."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong this time, without personal data."},
        "instance": {
            "type": "string",
            "format": "uri",
            "description": "This occurrence: a URN that holds the trace id and nothing of the request.",
        },
        "code": {"type": "string", "enum": sorted(CODES), "description": "The problem's stable code."},
        "actor": {"type": "string", "enum": list(ACTING_PARTIES), "description": "Who must act."},
        "retry": {
            "type": "string",
            "enum": list(RETRIES),
            "description": "Whether the same request may be repeated. "
            + " ".join(f"{name}: {meaning}" for name, meaning in RETRIES.items()),
        },
        "trace_id": {"type": "string", "description": "Joins this request's effects in all logs."},
        "errors": {
            "type": "object",
            "additionalProperties": True,
            "description": "Reasons by the name of the wrong field.",
        },
    },
}

PROBLEM_EXAMPLE: Mapping[str, Any] = {
    "type": f"{PROBLEMS}/invalid-fields",
    "title": CODES["invalid-fields"].title,
    "status": 422,
    "detail": "One or more fields are wrong.",
    "instance": f"urn:journeys:request:{EXAMPLE_TRACE}",
    "code": "invalid-fields",
    "actor": "caller",
    "retry": "never",
    "trace_id": EXAMPLE_TRACE,
    "errors": {"municipality": ["Takes a municipality's code of four digits."]},
}

PROBLEM_RESPONSE: Mapping[str, Any] = {
    "description": "Refused, and why; nothing was stored.",
    "headers": {
        "Trace-Id": {"$ref": "#/components/headers/TraceId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
    },
    "content": {
        "application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": {"refused": {"value": dict(PROBLEM_EXAMPLE)}},
        }
    },
}

TRACE_PARAMETER: Mapping[str, Any] = {
    "in": "header",
    "name": "traceparent",
    "required": False,
    "description": "W3C Trace Context: the trace that this request continues. It is handed on and returned.",
    "schema": {"type": "string", "pattern": whole(TRACEPARENT)},
    "example": f"00-{EXAMPLE_TRACE}-00f067aa0ba902b7-01",
}

TRACE_HEADERS: Mapping[str, Any] = {
    "TraceId": {"description": "Joins this request's effects in all logs.", "schema": {"type": "string"}},
    "Traceparent": {
        "description": "W3C Trace Context of this answer: the caller's trace, or a new one.",
        "schema": {"type": "string", "pattern": whole(TRACEPARENT)},
    },
}


def api_info_path(interface: Interface) -> dict[str, Any]:
    """The path item of `/api-info`, which needs no token."""
    told = interface.told()
    meanings = {
        "apiName": "Name of the interface.",
        "apiVersion": "Its version.",
        "apiReleased": "The day on which the version was released.",
        "apiDocumentation": "Address of its documentation.",
        "apiStatus": "Its stage of life.",
    }
    return {
        "get": {
            "operationId": "read_api_info",
            "summary": "What this interface is, its version and its documentation.",
            "tags": ["interface"],
            "x-action": "open",
            "security": [],
            "parameters": [{"$ref": "#/components/parameters/Traceparent"}],
            "responses": {
                "200": {
                    "description": "What this interface is.",
                    "headers": {"traceparent": {"$ref": "#/components/headers/Traceparent"}},
                    "content": {
                        "application/json": {
                            "schema": {
                                "title": "ApiInfo",
                                "type": "object",
                                "required": list(told),
                                "properties": {
                                    name: {"type": "string", "description": meaning}
                                    for name, meaning in meanings.items()
                                },
                            },
                            "examples": {"now": {"value": told}},
                        }
                    },
                },
                **{
                    status: {"$ref": "#/components/responses/Problem"}
                    for status in ("405", "422", "429", "default")
                },
            },
        }
    }
