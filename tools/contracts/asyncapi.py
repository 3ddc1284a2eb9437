"""The AsyncAPI 3.0 document: every topic, what is said on it, who says it and who acts on it."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from shared.language.events import (
    ANSWERS_TOPIC,
    CONTROL_TOPIC,
    ERASURES_TOPIC,
    INDICATORS_TOPIC,
    PROGRAMMES_TOPIC,
    REGISTER_TOPIC,
    SOURCES,
    TOPICS,
    EventType,
    Source,
)
from shared.language.forms import ORGANISATION, SUBJECT_KIND, whole
from tools.contracts import inbound, messages
from tools.contracts.examples import Example, frozen
from tools.contracts.services import event_types, services
from tools.contracts.topics import TopicSettings, topic_settings

APART = {PROGRAMMES_TOPIC: "programmes", REGISTER_TOPIC: "register"}
JSON_SCHEMA = "application/schema+json;version=2020-12"

INFO = {
    "title": "The participant-journey platform",
    "version": "1",
    "description": (
        "CloudEvents 1.0 in Kafka's binary mode. The record's key is the subject. `ce_sequence` counts 1, 2, 3 … per "
        "subject and source, without holes; `ce_after` is what the emitter had applied of the subject, per source: an "
        "event is to be applied when its predecessor and everything in `ce_after` have been. Delivery is at least "
        "once. Within a version only optional fields are added; ignore fields that you do not know."
    ),
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
}

SERVERS = {
    "kafka": {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "protocolVersion": "4.1",
        "description": "SASL/SCRAM-SHA-512; what `deploy/topics.yaml` does not grant is refused.",
        "variables": {"bootstrap": {"description": "host:port of the brokers"}},
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    }
}

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
        "ce_after",
        "traceparent",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "`<source>:<subject>:<sequence>`"},
        "ce_source": {"enum": list(SOURCES)},
        "ce_type": {"type": "string", "description": "`journey.<source>.<thing-happened>.v<version>`"},
        "ce_subject": {
            "type": "string",
            "pattern": f"^{SUBJECT_KIND}/.+$",
            "description": "what the event is about; the record's key",
        },
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was recorded, UTC"},
        "ce_sequence": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "ce_after": {
            "type": "string",
            "pattern": "^([a-z-]+=[0-9]+(, [a-z-]+=[0-9]+)*)?$",
            "examples": ["intake=3, outcome=1"],
        },
        "ce_organisation": {
            "type": "string",
            "pattern": whole(ORGANISATION),
            "description": "whose request led to it; absent where nobody asked, as for a timer",
        },
        "traceparent": {"type": "string", "description": "W3C trace context of the command that caused it"},
        "content-type": {"const": "application/json"},
    },
}


MESSAGE_CHANNELS = {
    "control": (CONTROL_TOPIC, "What services ask of one another; nothing about a person."),
    "erasures": (
        ERASURES_TOPIC,
        "Who was erased, by handle, so that a restored database is erased again; intake's alone.",
    ),
    "indicators": (
        INDICATORS_TOPIC,
        "Published figures, small counts hidden; the newest record of a key counts.",
    ),
}


def document() -> dict[str, Any]:
    """The whole document."""
    settings = topic_settings()
    channels: dict[str, Any] = {source: _channel(source, settings) for source in SOURCES}
    channels["programmes"] = _channel_apart(
        settings, PROGRAMMES_TOPIC, "Every version of every programme, for good."
    )
    channels["register"] = _channel_apart(
        settings, REGISTER_TOPIC, "Who takes part: every change of the register, for good."
    )
    for name, (topic, description) in MESSAGE_CHANNELS.items():
        channels[name] = messages.channel(topic, description, _bindings(settings, topic))
    channels["answers"] = inbound.answers(_bindings(settings, ANSWERS_TOPIC))
    operations = _operations()
    said = {kind.name: _message(kind, _examples()) for kind in event_types()}
    said.update({kind.name: messages.component(kind) for kind in messages.message_types()})
    for name, (topic, _) in MESSAGE_CHANNELS.items():
        operations.update(messages.operations(topic, name))
    channels.update(inbound.channels(settings))
    operations.update(inbound.operations())
    said.update(inbound.messages())
    return {
        "asyncapi": "3.0.0",
        "id": "urn:journeys",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": said,
            "schemas": {"cloudEventHeaders": {"schemaFormat": JSON_SCHEMA, "schema": HEADERS}},
            "securitySchemes": {"scram": {"type": "scramSha512"}},
        },
    }


def text() -> str:
    """The document as it lies in the repository."""
    plain = json.loads(json.dumps(document()))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def _channel(source: Source, settings: Mapping[str, TopicSettings]) -> dict[str, Any]:
    topic = TOPICS[source]
    kinds = [kind for kind in event_types() if kind.topic == topic]
    return {
        "address": topic,
        "description": f"What {source} says has happened.",
        "messages": _references(kinds),
        **_bindings(settings, topic),
    }


def _channel_apart(settings: Mapping[str, TopicSettings], topic: str, description: str) -> dict[str, Any]:
    kinds = [kind for kind in event_types() if kind.topic == topic]
    return {
        "address": topic,
        "description": description,
        "messages": _references(kinds),
        **_bindings(settings, topic),
    }


def _references(kinds: list[EventType]) -> dict[str, Any]:
    return {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in kinds}


def _bindings(settings: Mapping[str, TopicSettings], topic: str) -> dict[str, Any]:
    return settings[topic].bindings() if topic in settings else {}


def _message(kind: EventType, examples: Mapping[str, Example]) -> dict[str, Any]:
    example = examples[kind.name]
    return {
        "name": kind.name,
        "title": kind.name,
        "summary": kind.summary,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudEventHeaders"},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"./schemas/{kind.name}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}}},
        "examples": [{"name": "frozen", "headers": dict(example.headers), "payload": dict(example.body)}],
    }


def _examples() -> dict[str, Example]:
    return {one.type: one for one in reversed(frozen())}


def _operations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for service in services().values():
        said = [kind for kind in event_types() if kind.source == service.source]
        for channel, kinds in _by_channel(said).items():
            found[f"{service.source}.says.{channel}"] = _operation("send", channel, kinds)
        groups: dict[str, set[type]] = {service.source: set(service.folds)}
        groups.update({one.group: set(one.folds) for one in service.projections.values()})
        for group, bodies in groups.items():
            heard = [kind for kind in event_types() if _heard(kind, bodies, service.source, group)]
            for channel, kinds in _by_channel(heard).items():
                found[f"{group}.acts-on.{channel}"] = _operation("receive", channel, kinds)
    return found


def _heard(kind: EventType, bodies: set[Any], source: str, group: str) -> bool:
    if kind.topic == PROGRAMMES_TOPIC:
        return True
    if kind.topic == REGISTER_TOPIC:
        return group == source and kind.source != source
    if group == source and kind.source == source:
        return False
    return kind.body in bodies


def _by_channel(kinds: list[EventType]) -> dict[str, list[EventType]]:
    sorted_in: dict[str, list[EventType]] = {}
    for kind in kinds:
        channel = APART.get(kind.topic, kind.source)
        sorted_in.setdefault(channel, []).append(kind)
    return sorted_in


def _operation(action: str, channel: str, kinds: list[EventType]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{kind.name}"} for kind in kinds],
    }
