"""The log of erasures: what intake keeps for itself in Kafka. The shape for readers, held by a test to what is sent."""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.intake.domain.participant import ERASURE_KEPT
from services.intake.erasures import ErasureKept
from shared.language.events import ERASURES_TOPIC

JSON_SCHEMA = "application/schema+json;version=2020-12"

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
        "ce_id": {"type": "string", "description": "one per erased person"},
        "ce_source": {"const": "intake"},
        "ce_type": {"const": ERASURE_KEPT},
        "ce_subject": {"type": "string", "pattern": "^participant/.+$"},
        "ce_time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string"},
        "content-type": {"const": "application/json"},
    },
}


def schema() -> dict[str, Any]:
    """The JSON Schema of the record's value."""
    found: dict[str, Any] = msgspec.json.schema(ErasureKept)["$defs"]["ErasureKept"]
    return found


def channel(bindings: Mapping[str, Any]) -> dict[str, Any]:
    """The topic."""
    return {
        "address": ERASURES_TOPIC,
        "description": "Who was erased, by handle, so that a restored database is erased again; intake's alone.",
        "messages": {ERASURE_KEPT: {"$ref": f"#/components/messages/{ERASURE_KEPT}"}},
        **bindings,
    }


def operations() -> dict[str, Any]:
    """Intake says it and intake hears it."""
    return {
        f"intake.{does}.erasures": {
            "action": action,
            "channel": {"$ref": "#/channels/erasures"},
            "messages": [{"$ref": f"#/channels/erasures/messages/{ERASURE_KEPT}"}],
        }
        for does, action in (("keeps", "send"), ("heeds", "receive"))
    }


def message() -> dict[str, Any]:
    """One erasure."""
    return {
        "name": ERASURE_KEPT,
        "summary": (ErasureKept.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": {"schemaFormat": JSON_SCHEMA, "schema": HEADERS},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": schema()},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}}},
    }
