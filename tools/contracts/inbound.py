"""The agencies' topics as AsyncAPI: referrals in, with the same body as POST /referrals, and replies out."""

import copy
from collections.abc import Mapping
from typing import Any

from shared.edge.openapi import document_of
from shared.language.replies import REPLIES_TOPIC as ANSWERS
from tools.contracts import messages as messages_of
from tools.contracts.services import application
from tools.contracts.topics import TopicSettings

REFERRALS = "inbound.{organisation}.referrals.v1"
JSON_SCHEMA = "application/schema+json;version=2020-12"

RECORD_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "None is needed. The answer repeats those by which the sender finds its record again.",
    "properties": {
        "content-type": {
            "type": "string",
            "description": "application/json, or application/cloudevents+json",
        },
        "correlation-id": {"type": "string", "description": "the sender's own; repeated in the answer"},
        "ce_id": {"type": "string", "description": "repeated in the answer"},
        "ce_source": {"type": "string", "description": "repeated in the answer"},
        "traceparent": {"type": "string", "description": "W3C trace context; continued"},
    },
}


def record_schema() -> dict[str, Any]:
    """The JSON Schema of a record's value: a referral, or a structured CloudEvent around one."""
    text = {"type": "string", "minLength": 1}
    event = {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "description": "repeated in the answer, as ce_id"},
            "source": {**text, "description": "repeated in the answer, as ce_source"},
            "type": text,
            "datacontenttype": {"const": "application/json"},
            "data": referral_schema(),
            "data_base64": {"type": "string", "contentEncoding": "base64"},
        },
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
    }
    return {"oneOf": [referral_schema(), event]}


def referral_schema() -> dict[str, Any]:
    """The JSON Schema of an inbound referral: the body of POST /referrals, complete in itself."""
    document = document_of(application("intake"))
    body = document["paths"]["/referrals"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    resolved: dict[str, Any] = _resolved(body, document)
    return resolved


def channels(settings: Mapping[str, TopicSettings]) -> dict[str, Any]:
    """The two topics of each organisation."""
    parameter = {"description": "the organisation's code; the topic's access rule is its identity"}
    return {
        "inboundReferrals": {
            "address": REFERRALS,
            "description": "One record is one referral. Each is answered on the replies topic, bad ones too.",
            "parameters": {"organisation": parameter},
            "messages": {"inboundReferral": {"$ref": "#/components/messages/inboundReferral"}},
            **settings[REFERRALS].bindings(),
        },
        "inboundReplies": {
            "address": ANSWERS,
            "description": (
                "Answers to inbound records, and every change of where a referral stands. The answer to a record comes "
                "before every change of what the record led to."
            ),
            "parameters": {"organisation": parameter},
            "messages": messages_of.references(messages_of.on_topic(ANSWERS)),
            **settings[ANSWERS].bindings(),
        },
    }


def operations() -> dict[str, Any]:
    """Agencies say, intake acts and answers."""
    replies = messages_of.on_topic(ANSWERS)
    answers = [kind.name for kind in replies if kind.answers]
    tells = [kind.name for kind in replies if not kind.answers]
    return {
        "intake.acts-on.inboundReferrals": {
            "action": "receive",
            "channel": {"$ref": "#/channels/inboundReferrals"},
            "messages": [{"$ref": "#/channels/inboundReferrals/messages/inboundReferral"}],
            "reply": {
                "channel": {"$ref": "#/channels/inboundReplies"},
                "messages": [{"$ref": f"#/channels/inboundReplies/messages/{name}"} for name in answers],
            },
        },
        "intake.says.inboundReplies": {
            "action": "send",
            "channel": {"$ref": "#/channels/inboundReplies"},
            "messages": [{"$ref": f"#/channels/inboundReplies/messages/{name}"} for name in tells],
        },
    }


def messages() -> dict[str, Any]:
    """The referral; its replies are messages of ours."""
    return {
        "inboundReferral": {
            "name": "inboundReferral",
            "summary": "A referral; the record needs no key and no headers, the referrer's reference names it.",
            "description": (
                "The value is the referral, or a CloudEvent 1.0 in structured mode whose `data` (or `data_base64`) is "
                "the referral: content type application/cloudevents+json, or a value with specversion and data. In "
                "binary mode the value is the referral. A batch of events is refused. Records of a transaction are "
                "read once it is committed."
            ),
            "contentType": "application/json",
            "headers": {"schemaFormat": JSON_SCHEMA, "schema": RECORD_HEADERS},
            "payload": {"schemaFormat": JSON_SCHEMA, "schema": record_schema()},
        }
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
