"""What services ask of one another on the control topic: shapes for readers, held by a test to what is really sent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shared.language.events import CONTROL_TOPIC, SOURCES
from shared.operations.control import REPUBLISH_REQUESTED, RepublishRequested

JSON_SCHEMA = "application/schema+json;version=2020-12"
EXAMPLES = Path(__file__).resolve().parents[2] / "shared" / "language" / "examples"
EXAMPLE = EXAMPLES / "control" / REPUBLISH_REQUESTED / "1.json"

HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes as Kafka headers.",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "traceparent",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "one per request"},
        "ce_source": {"enum": list(SOURCES), "description": "who asks"},
        "ce_type": {"const": REPUBLISH_REQUESTED},
        "ce_subject": {"type": "string", "pattern": "^(journey|output|participant|programme)/.+$"},
        "ce_time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string"},
        "content-type": {"const": "application/json"},
    },
}


def example() -> dict[str, Any]:
    """The frozen example: key, headers, body."""
    found: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return found


def schema() -> dict[str, Any]:
    """The JSON Schema of the record's value."""
    found: dict[str, Any] = msgspec.json.schema(RepublishRequested)["$defs"]["RepublishRequested"]
    return found


def channel(bindings: Mapping[str, Any]) -> dict[str, Any]:
    """The topic."""
    return {
        "address": CONTROL_TOPIC,
        "description": "What services ask of one another; nothing about a person.",
        "messages": {REPUBLISH_REQUESTED: {"$ref": f"#/components/messages/{REPUBLISH_REQUESTED}"}},
        **bindings,
    }


def operations() -> dict[str, Any]:
    """Every service asks, and every service answers what it is asked for."""
    return {
        f"{source}.{does}.control": {
            "action": action,
            "channel": {"$ref": "#/channels/control"},
            "messages": [{"$ref": f"#/channels/control/messages/{REPUBLISH_REQUESTED}"}],
        }
        for source in SOURCES
        for does, action in (("asks-on", "send"), ("answers-on", "receive"))
    }


def message() -> dict[str, Any]:
    """One request."""
    shown = example()
    return {
        "name": REPUBLISH_REQUESTED,
        "summary": (RepublishRequested.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": {"schemaFormat": JSON_SCHEMA, "schema": HEADERS},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": schema()},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}}},
        "examples": [{"name": "frozen", "headers": shown["headers"], "payload": shown["body"]}],
    }
