"""Messages that are no event of a subject, as AsyncAPI and JSON Schema: read from `shared.language.messages`."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shared.language import control, erasures, indicators, mark_replies, replies
from shared.language.messages import MESSAGES, MessageType
from tools.contracts.examples import Example, frozen_messages

MODULES = (replies, mark_replies, indicators, erasures, control)
"""Importing a module of messages registers what it defines."""
JSON_SCHEMA = "application/schema+json;version=2020-12"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def message_types() -> list[MessageType]:
    """Every message version, by name: the order in which modules are imported means nothing."""
    return [MESSAGES[name] for name in sorted(MESSAGES)]


def on_topic(topic: str) -> list[MessageType]:
    """The messages of a topic; of each organisation's own where its name holds `{organisation}`."""
    return [kind for kind in message_types() if kind.topic == topic]


def headers(kind: MessageType) -> dict[str, Any]:
    """The JSON Schema of the record's headers."""
    said: dict[str, Any] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": f"{kind.identity}; the same identity is the same message"},
        "ce_source": {"enum": list(kind.producers)},
        "ce_type": {"const": kind.name},
        "ce_subject": {"type": "string", "pattern": kind.subject},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was recorded, UTC"},
        "content-type": {"const": "application/json"},
    }
    if kind.numbered:
        said["ce_sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$"}
    required = list(said)
    if not kind.numbered:
        said["traceparent"] = {"type": "string", "description": "W3C trace context of what caused it"}
        required.append("traceparent")
    if kind.sequence:
        said["ce_sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": kind.sequence}
    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes as Kafka headers.",
        "required": required,
        "properties": said,
    }


def schema(kind: MessageType) -> dict[str, Any]:
    """The JSON Schema of the record's value, complete in itself. Unknown fields are allowed."""
    generated = msgspec.json.schema(kind.body)
    resolved = _resolved({"$ref": generated["$ref"]}, generated)
    return {
        "$schema": DIALECT,
        "$id": f"urn:journeys:message:{kind.name}",
        **resolved,
        "title": kind.name,
    }


def _resolved(node: Any, document: Mapping[str, Any]) -> Any:
    match node:
        case {"$ref": str(reference)}:
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            return _resolved(copy.deepcopy(target), document)
        case dict():
            return {key: _resolved(value, document) for key, value in node.items()}
        case list():
            return [_resolved(item, document) for item in node]
        case _:
            return node


def component(kind: MessageType) -> dict[str, Any]:
    """The message of the AsyncAPI document, with a frozen example."""
    shown = examples_of(kind)[0]
    return {
        "name": kind.name,
        "title": kind.name,
        "summary": kind.summary,
        "description": f"Said by {_listed(kind.producers)}; acted on by {_listed(kind.consumers)}.",
        "contentType": "application/json",
        "headers": {"schemaFormat": JSON_SCHEMA, "schema": headers(kind)},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"./schemas/{kind.name}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": kind.key}}},
        "examples": [{"name": "frozen", "headers": dict(shown.headers), "payload": dict(shown.body)}],
    }


def examples_of(kind: MessageType) -> list[Example]:
    """The frozen examples of one message version."""
    return [one for one in frozen_messages() if one.type == kind.name]


def references(kinds: Iterable[MessageType]) -> dict[str, Any]:
    """{name: reference} of a channel's messages."""
    return {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in kinds}


def channel(topic: str, description: str, bindings: Mapping[str, Any]) -> dict[str, Any]:
    """The channel of a topic that only messages of this kind are on."""
    return {
        "address": topic,
        "description": description,
        "messages": references(on_topic(topic)),
        **bindings,
    }


def operations(topic: str, name: str) -> dict[str, Any]:
    """What the services do with a topic: say what is theirs, act on what is for them. name: the channel's."""
    found: dict[str, Any] = {}
    for kind in on_topic(topic):
        said = [(one, "says", "send") for one in kind.producers]
        heard = [(one, "acts-on", "receive") for one in kind.consumers if one in kind.producers]
        for service, does, action in (*said, *heard):
            operation = found.setdefault(
                f"{service}.{does}.{name}",
                {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "messages": []},
            )
            operation["messages"].append({"$ref": f"#/channels/{name}/messages/{kind.name}"})
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
