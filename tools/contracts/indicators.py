"""Published figures as they go over Kafka: shapes for readers, held by a test to what outcome really sends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.outcome.stream.indicators import TYPE
from shared.language.events import INDICATORS_TOPIC, Code

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
        "ce_sequence",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "`outcome:<subject>:<sequence>`"},
        "ce_source": {"const": "outcome"},
        "ce_type": {"const": TYPE},
        "ce_subject": {"type": "string", "pattern": "^indicator/.+$"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_sequence": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "content-type": {"const": "application/json"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorPublished:
    """One cell of a programme's figures; hidden cells say so. `few`: hidden because it is under five."""

    programme: Code
    cell: str
    value: int | float | None
    hidden: bool
    few: bool
    published_at: datetime


def schema() -> dict[str, Any]:
    """The JSON Schema of the record's value."""
    found: dict[str, Any] = msgspec.json.schema(IndicatorPublished)["$defs"]["IndicatorPublished"]
    return found


def channel(bindings: dict[str, Any]) -> dict[str, Any]:
    """The topic."""
    return {
        "address": INDICATORS_TOPIC,
        "description": "Published figures, small counts hidden; the newest record of a key counts.",
        "messages": {TYPE: {"$ref": f"#/components/messages/{TYPE}"}},
        **bindings,
    }


def operation() -> dict[str, Any]:
    """Outcome publishes them."""
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/indicators"},
        "messages": [{"$ref": f"#/channels/indicators/messages/{TYPE}"}],
    }


def message() -> dict[str, Any]:
    """One record."""
    return {
        "name": TYPE,
        "summary": (IndicatorPublished.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": {"schemaFormat": JSON_SCHEMA, "schema": HEADERS},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": schema()},
        "bindings": {"kafka": {"key": {"type": "string", "description": "`<programme>|<cell>`"}}},
    }
