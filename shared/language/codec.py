"""Events on the wire: CloudEvents 1.0 in Kafka's binary mode.

Headers carry who said what about whom, and after what; the value is the body as JSON. Each record is decoded
once. Nothing here knows a service.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from shared.language.events import BY_BODY, BY_NAME, SOURCES, EventType, Fact

Headers = Sequence[tuple[str, bytes | None]]
HEADERS = frozenset(
    {
        *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence"),
        *("ce_after", "ce_organisation", "traceparent", "content-type"),
    }
)
"""The headers of an event. A record may bring others, of any name; nothing is kept of them."""

COUNT = re.compile(r"[0-9]{1,15}")
"""A number of events, as text: below `MOST_SEQUENCE`."""
MOST_SEQUENCE = 1 << 53
"""An upper bound of sequences: a larger number could not be stored exactly."""

_SOURCES = frozenset(SOURCES)
_encode = msgspec.json.Encoder().encode
_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


class Undecodable(ValueError):
    """The record is not an event that this code can read. The text names the fault, never a value."""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """The content of the headers.

    `identity` is `ce_id`; `after` is the vector that the emitter had applied of this subject.
    """

    identity: bytes
    type: str
    source: str
    subject: str
    seq: int
    after: dict[str, int]
    traceparent: str


def vector_text(vector: Mapping[str, int]) -> str:
    """`handover=1, intake=3`: a vector as a header value, sorted."""
    return ", ".join(f"{source}={vector[source]}" for source in sorted(vector))


def parse_past(text: str) -> dict[str, int]:
    """The vector of an event, without sources that this version does not know: nothing of theirs is ever applied here.

    No name from outside becomes a field's name in a state. Raises ValueError when it is none.
    """
    vector = {}
    for part in text.split(",") if text else ():
        source, _, count = part.strip().partition("=")
        if not COUNT.fullmatch(count):
            raise ValueError("no count")
        vector[source] = int(count)
    return {source: count for source, count in vector.items() if source in _SOURCES}


@lru_cache(maxsize=4096)
def _past(text: bytes) -> dict[str, int]:
    """The vector in a header; the few that there are come over and over."""
    return parse_past(text.decode())


def encode_headers(
    kind: EventType,
    subject: str,
    seq: int,
    recorded_at: datetime,
    after: Mapping[str, int],
    traceparent: str,
    organisation: str = "",
) -> dict[str, str]:
    """The headers of one event, as text; `ce_id` is `<source>:<subject>:<seq>`.

    organisation: whose request led to the event; empty, and then no header, where nobody asked, as for a timer.
    """
    by = {"ce_organisation": organisation} if organisation else {}
    return {
        "ce_specversion": "1.0",
        "ce_id": f"{kind.source}:{subject}:{seq}",
        "ce_source": kind.source,
        "ce_type": kind.name,
        "ce_subject": subject,
        "ce_time": recorded_at.isoformat(),
        "ce_sequence": str(seq),
        "ce_after": vector_text(after),
        **by,
        "traceparent": traceparent,
        "content-type": "application/json",
    }


def encode_body(body: Fact) -> bytes:
    """The value of the record."""
    return _encode(body)


def event_type(body: Fact) -> EventType:
    """The registered type of this body."""
    return BY_BODY[type(body)]


def read_envelope(headers: Headers) -> Envelope:
    """Read the headers. Raises Undecodable when one is missing or unreadable."""
    texts: dict[str, Any] = dict(headers)
    try:
        envelope = Envelope(
            bytes(texts["ce_id"]),
            texts["ce_type"].decode(),
            texts["ce_source"].decode(),
            texts["ce_subject"].decode(),
            int(texts["ce_sequence"]),
            _past(texts.get("ce_after", b"")),
            texts.get("traceparent", b"").decode(),
        )
    except KeyError as missing:
        raise Undecodable(f"The header {missing} is missing.") from None
    except (ValueError, TypeError, AttributeError):
        # A header may have no value at all.
        raise Undecodable("A header cannot be read.") from None
    if not 0 < envelope.seq < MOST_SEQUENCE:
        raise Undecodable("The header 'ce_sequence' is no sequence.")
    return envelope


def read_body(name: str, value: bytes) -> Fact:
    """The body of an event of that type; unknown fields are ignored. Raises Undecodable."""
    decoder = _decoders.get(name)
    if decoder is None:
        kind = BY_NAME.get(name)
        if kind is None:
            raise Undecodable(f"The type {name} is not known to this version.")
        decoder = _decoders[name] = msgspec.json.Decoder(kind.body)
    try:
        body: Fact = decoder.decode(value)
    except msgspec.DecodeError as error:
        raise Undecodable(
            f"The body is no {name} at{str(error).partition(' - at')[2] or ' its root'}."
        ) from None
    except (UnicodeDecodeError, RecursionError):
        # msgspec tells a text that is no UTF-8, and what is nested too deep, in Python's own errors.
        raise Undecodable(f"The body is no {name}: it is no UTF-8, or nested too deep.") from None
    return body


def body_schema(kind: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a body, as published."""
    return msgspec.json.schema(kind.body)
