"""The JSON Schema (2020-12) of each event version."""

import json
from typing import Any

from shared.language.codec import body_schema
from shared.language.events import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: EventType) -> dict[str, Any]:
    """The schema as published. Unknown fields are allowed: within a version, optional ones may be added."""
    generated = body_schema(kind)
    return {
        "$schema": DIALECT,
        "$id": f"urn:journeys:event:{kind.name}",
        "title": kind.name,
        "description": kind.summary,
        **generated,
    }


def text(document: dict[str, Any]) -> str:
    """A document as it lies in the repository."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
