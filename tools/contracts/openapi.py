"""The OpenAPI documents of the four services and of outcome's stream, as files."""

import json
from collections.abc import Mapping
from typing import Any

from services.outcome.stream import described
from shared.edge.openapi import document_of
from tools.contracts.services import application, services

STREAM = "outcome-stream"


def openapi_documents() -> Mapping[str, dict[str, Any]]:
    """{name of its file: the document}."""
    found = {name.replace("_", "-"): document_of(application(name)) for name in services()}
    return {**found, STREAM: described.openapi()}


def text(document: Mapping[str, Any]) -> str:
    """The document as its file holds it."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
