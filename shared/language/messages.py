"""Outgoing messages that are no events of a subject: replies, published figures, requests between services, erasures.

Each message is a frozen msgspec struct. It is registered once with its name on the wire, its topic, its producers and
its consumers. Services build and encode these; the AsyncAPI document, the JSON Schemas and the reference are
generated from them. Within a version only optional fields are added; a reader ignores fields that it does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from shared.language.events import SOURCES, Source


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every message. A subclass's docstring gives its meaning; its fields give the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """One version of one message: its name on the wire, its topic, its producers and its consumers.

    topic: with `{organisation}` where every organisation has its own. producers, consumers: services, or readers
    outside. subject: the pattern of `ce_subject`. key, identity: the meaning of the record's key and of `ce_id`, in
    words. numbered: whether `ce_sequence` counts the messages of a subject. sequence: what else `ce_sequence` counts,
    in words. answers: the record that it answers, if any.
    """

    name: str
    topic: str
    body: type[Message]
    producers: tuple[Source, ...]
    consumers: tuple[str, ...]
    subject: str
    key: str
    identity: str
    numbered: bool = False
    sequence: str | None = None
    answers: str | None = None

    @property
    def summary(self) -> str:
        """The first line of the definition, for tables and schemas."""
        return (self.body.__doc__ or "").strip().splitlines()[0]


MESSAGES: dict[str, MessageType] = {}
BY_MESSAGE: dict[type[Message], MessageType] = {}

Body = TypeVar("Body", bound=type[Message])
EVERY_SERVICE: tuple[Source, ...] = SOURCES


def message(
    name: str,
    *,
    topic: str,
    producers: tuple[Source, ...],
    consumers: tuple[str, ...],
    subject: str,
    key: str = "the subject",
    identity: str,
    numbered: bool = False,
    sequence: str | None = None,
    answers: str | None = None,
) -> Callable[[Body], Body]:
    """Register a body under its name on the wire, such as `journey.intake.record-accepted.v1`."""

    def register(body: Body) -> Body:
        MESSAGES[name] = BY_MESSAGE[body] = MessageType(
            name=name,
            topic=topic,
            body=body,
            producers=producers,
            consumers=consumers,
            subject=subject,
            key=key,
            identity=identity,
            numbered=numbered,
            sequence=sequence,
            answers=answers,
        )
        return body

    return register


def message_type(body: Message) -> MessageType:
    """The registered type of this body. Raises KeyError for a message that was never registered."""
    return BY_MESSAGE[type(body)]


_encode = msgspec.json.Encoder().encode


def encode_message(body: Message) -> bytes:
    """The value of the record."""
    return _encode(body)
