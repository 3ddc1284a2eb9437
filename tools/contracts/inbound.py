"""Organisations' topics as AsyncAPI: referrals and marks in, each with the body of its route, and replies out."""

import copy
from collections.abc import Mapping
from typing import Any

from shared.edge.openapi import document_of
from shared.language.events import ANSWERS_TOPIC
from shared.language.mark_replies import ATTENDANCE_TOPIC
from shared.language.messages import MessageType
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
    """The JSON Schema of a referral's record: a referral, or a structured CloudEvent around one."""
    return _around(referral_schema())


def mark_record_schema() -> dict[str, Any]:
    """The JSON Schema of a mark's record: a mark, or a structured CloudEvent around one."""
    return _around(mark_schema())


def _around(command: Mapping[str, Any]) -> dict[str, Any]:
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
            "data": command,
            "data_base64": {"type": "string", "contentEncoding": "base64"},
        },
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
    }
    return {"oneOf": [command, event]}


def referral_schema() -> dict[str, Any]:
    """The JSON Schema of an inbound referral: the body of POST /referrals, complete in itself."""
    return _body_of("intake", "/referrals")


def mark_schema() -> dict[str, Any]:
    """The JSON Schema of an inbound mark: a row of POST /attendance/marks, complete in itself."""
    rows: dict[str, Any] = _body_of("activity_tracking", "/attendance/marks")["items"]
    return rows


def _body_of(service: str, path: str) -> dict[str, Any]:
    document = document_of(application(service))
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    resolved: dict[str, Any] = _resolved(body, document)
    return resolved


def channels(settings: Mapping[str, TopicSettings]) -> dict[str, Any]:
    """The topics of each organisation: two in, one out."""
    parameter = {"description": "the organisation's code; the topic's access rule is its identity"}
    return {
        "inboundReferrals": {
            "address": REFERRALS,
            "description": "One record is one referral. Each is answered on the replies topic, bad ones too.",
            "parameters": {"organisation": parameter},
            "messages": {"inboundReferral": {"$ref": "#/components/messages/inboundReferral"}},
            **settings[REFERRALS].bindings(),
        },
        "inboundAttendance": {
            "address": ATTENDANCE_TOPIC,
            "description": "One record is one mark of a register. Each is answered on the replies topic, bad ones too.",
            "parameters": {"organisation": parameter},
            "messages": {"inboundMark": {"$ref": "#/components/messages/inboundMark"}},
            **settings[ATTENDANCE_TOPIC].bindings(),
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
    """Organisations say, a service acts, and intake answers in their sequence."""
    replies = messages_of.on_topic(ANSWERS)
    tells = [kind.name for kind in replies if not kind.answers]
    return {
        "intake.acts-on.inboundReferrals": _acts(
            "inboundReferrals", "inboundReferral", _answers_of("intake")
        ),
        "activity-tracking.acts-on.inboundAttendance": _acts(
            "inboundAttendance", "inboundMark", _answers_of("activity-tracking")
        ),
        "activity-tracking.says.answers": _says_answers("send"),
        "intake.acts-on.answers": _says_answers("receive"),
        "intake.says.inboundReplies": {
            "action": "send",
            "channel": {"$ref": "#/channels/inboundReplies"},
            "messages": [{"$ref": f"#/channels/inboundReplies/messages/{name}"} for name in tells],
        },
    }


def answers(bindings: Mapping[str, Any]) -> dict[str, Any]:
    """The topic on which answers go to intake; each then has its place among the organisation's replies."""
    return {
        "address": ANSWERS_TOPIC,
        "description": "Answers to records of organisations, on their way to intake, which numbers them.",
        "messages": messages_of.references(_answers_of("activity-tracking")),
        **bindings,
    }


def _answers_of(source: str) -> list[MessageType]:
    return [kind for kind in messages_of.on_topic(ANSWERS) if kind.answers and source in kind.producers]


def _acts(channel: str, message: str, answers: list[MessageType]) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "reply": {
            "channel": {"$ref": "#/channels/inboundReplies"},
            "messages": [{"$ref": f"#/channels/inboundReplies/messages/{one.name}"} for one in answers],
        },
    }


def _says_answers(action: str) -> dict[str, Any]:
    kinds = _answers_of("activity-tracking")
    return {
        "action": action,
        "channel": {"$ref": "#/channels/answers"},
        "messages": [{"$ref": f"#/channels/answers/messages/{one.name}"} for one in kinds],
    }


def messages() -> dict[str, Any]:
    """The referral and the mark; their replies are messages of ours."""
    return {
        "inboundReferral": _message(
            "inboundReferral",
            "A referral; the record needs no key and no headers, the referrer's reference names it.",
            "the referral",
            record_schema(),
        ),
        "inboundMark": _message(
            "inboundMark",
            "A mark of a register; person, planned activity, day and hour name the stretch that it marks.",
            "the mark",
            mark_record_schema(),
        ),
    }


def _message(name: str, summary: str, of: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "description": (
            f"The value is {of}, or a CloudEvent 1.0 in structured mode whose `data` (or `data_base64`) is {of}: "
            "content type application/cloudevents+json, or a value with specversion and data. In binary mode the value "
            f"is {of}. A batch of events is refused. Records of a transaction are read once it is committed."
        ),
        "contentType": "application/json",
        "headers": {"schemaFormat": JSON_SCHEMA, "schema": RECORD_HEADERS},
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": schema},
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
