"""What one record on an inbound topic says: a command, plain or inside a CloudEvent, and what its sender knows it by.

A value is the body of a route, or a CloudEvent in structured mode whose `data` is that body. In binary mode the value
is the body too, and the `ce_` headers say nothing about the command. A batch is refused: each record has one answer.
This module also chooses the parts of a record that an answer repeats: its reference, its key and a few
headers, by which its sender finds it again. Each must have the form of a reference that names nobody.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from marshmallow import Schema, ValidationError

from shared.edge.bodies import BODY_LIMIT_BYTES, Doubled, nameable, read_object, too_large
from shared.edge.texts import nobody
from shared.language.errors import Invalid, Refused
from shared.runtime.arrived import Arrived

T = TypeVar("T")
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch"
"""Content types that say that the whole event is in the value. Source: CloudEvents' Kafka protocol binding, 3."""
DATA = ("data", "data_base64")
ATTRIBUTES = ("id", "source", "type")
"""What a CloudEvent must have beside `specversion`, each a text. Source: CloudEvents 1.0, REQUIRED attributes."""

IDENTIFIER = re.compile(r"(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z._:/-]{0,127}")
"""What a key or a header has to be in order to be repeated. A word without any digit may be somebody's name."""
ADDRESS = re.compile(r"(?=.*[:/])[0-9A-Za-z/][0-9A-Za-z._:/-]{0,127}")
"""What a source has to be: a URI."""
ECHOED_HEADERS = {"correlation-id": IDENTIFIER, "ce_id": IDENTIFIER, "ce_source": ADDRESS}
"""Headers that an answer repeats, and their form. A structured event's `id` and `source` go by the same names."""


@dataclass(frozen=True, slots=True)
class Echo:
    """What an answer repeats of the record, so that its sender knows which it was. None, or left out: not repeated."""

    reference: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """What a record says: the command, or why there is none; and what an answer may repeat of it."""

    command: T | Exception
    echo: Echo


@dataclass(frozen=True, kw_only=True)
class Records(Generic[T]):
    """How the records of one kind of topic are read.

    schema: of a value; made once, because to make one costs as much as to read a record with it. of: what a record
    is, in words. reference: the field in which its sender names it, None where it has none.
    """

    schema: Schema
    of: str
    reference: str | None = None

    def read(self, record: Arrived) -> Said[T]:
        """What the record says, whatever it holds. Raises nothing: the record is answered in its turn."""
        echo = Echo(key=_echoed(record.key, IDENTIFIER), headers=_headers(record))
        document: Mapping[str, Any] = {}
        try:
            if not record.readable:
                raise Refused(
                    "invalid-header", "A header's name is no UTF-8.", {"headers": ["Cannot be read."]}
                )
            media = _media_type(record)
            if media.startswith(BATCH):
                raise Refused(
                    "unsupported-media-type", "One record is one event; a batch of them is not taken."
                )
            if len(record.value) > BODY_LIMIT_BYTES:
                raise too_large(BODY_LIMIT_BYTES)
            document = read_object(record.value)
            if _is_structured(media, document):
                echo = _with_attributes(echo, document)
                document = _data(document, self.of)
            return Said(self._command(document), self._with_reference(echo, document))
        except Doubled as error:
            return Said(error, self._once(error, _media_type(record), echo, document))
        except Exception as error:  # noqa: BLE001 - the record is answered in its turn
            return Said(error, self._with_reference(echo, document))

    def _once(self, error: Doubled, media: str, echo: Echo, event: Mapping[str, Any]) -> Echo:
        """What a record that says a name twice says once, as far as it may be repeated. event: around it, if read."""
        document = error.once
        if not event and _is_structured(media, document):
            echo = _with_attributes(echo, document)
            data = document.get("data")
            document = data if isinstance(data, dict) and self.reference not in (error.errors or {}) else {}
        return self._with_reference(echo, document)

    def _command(self, document: Mapping[str, Any]) -> T:
        try:
            command: T = self.schema.load(document)
        except ValidationError as error:
            messages = error.messages_dict
            if "_schema" in messages:
                messages["body"] = messages.pop("_schema")
            raise Invalid(nameable(messages, "unknown_field")) from None
        return command

    def _with_reference(self, echo: Echo, document: Mapping[str, Any]) -> Echo:
        """Its reference too, in the form in which it is kept, where it has one that could be taken."""
        if self.reference is None:
            return echo
        try:
            reference = self.schema.fields[self.reference].deserialize(document.get(self.reference))
        except ValidationError:
            return echo
        return Echo(reference, echo.key, echo.headers)


# --- CloudEvents -----------------------------------------------------------------------------------------------


def _media_type(record: Arrived) -> str:
    """The record's content type without parameters, in small letters; "" where it names none."""
    named = [text for name, text in record.headers if name.lower() == "content-type"]
    said = (named[-1] or b"") if named else b""
    return said[:200].decode("ascii", "replace").partition(";")[0].strip().lower()


def _is_structured(media: str, document: Mapping[str, Any]) -> bool:
    """Whether the value is a whole event. Without the content type it can still mean nothing else: no command has
    such fields.
    """
    return media == STRUCTURED or ("specversion" in document and any(one in document for one in DATA))


def _data(event: Mapping[str, Any], of: str) -> Mapping[str, Any]:
    """The event's data. Raises Invalid with everything that is wrong about the event, Refused for what is no JSON."""
    errors: dict[str, object] = {}
    if event.get("specversion") != "1.0":
        errors["specversion"] = ["Takes 1.0."]
    for name in ATTRIBUTES:
        if not isinstance(event.get(name), str) or not event[name]:
            errors[name] = ["Takes a text; a CloudEvent has one."]
    # An attribute that is null is one that is not there.
    kind = "application/json" if event.get("datacontenttype") is None else event["datacontenttype"]
    if not isinstance(kind, str) or kind.partition(";")[0].strip().lower() != "application/json":
        errors["datacontenttype"] = ["Takes application/json, or nothing."]
    if sum(event.get(one) is not None for one in DATA) != 1:
        errors["data"] = [f"Takes {of}, as data or as data_base64."]
    if errors:
        raise Invalid(errors)
    if event.get("data_base64") is not None:
        return read_object(_decoded(event["data_base64"]))
    data = event["data"]
    if not isinstance(data, dict):
        raise Invalid({"data": ["Must be a JSON object."]})
    return data


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "!", validate=True)
    except (binascii.Error, ValueError):
        raise Invalid({"data_base64": ["Takes base64 (RFC 4648)."]}) from None


# --- what is repeated ------------------------------------------------------------------------------------------


def _with_attributes(echo: Echo, event: Mapping[str, Any]) -> Echo:
    return Echo(key=echo.key, headers={**echo.headers, **_attributes(event)})


def _headers(record: Arrived) -> dict[str, str]:
    return _harmless((name, text) for name, text in record.headers if name in ECHOED_HEADERS)


def _attributes(event: Mapping[str, Any]) -> dict[str, str]:
    named = [(f"ce_{name}", event.get(name)) for name in ("id", "source")]
    return _harmless((name, text.encode()) for name, text in named if isinstance(text, str))


def _harmless(pairs: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Those that may be repeated; of two by one name neither, for nobody knows which was meant."""
    found: dict[str, list[str | None]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(_echoed(text, ECHOED_HEADERS[name]))
    return {name: texts[0] for name, texts in found.items() if len(texts) == 1 and texts[0] is not None}


def _echoed(text: bytes | None, form: re.Pattern[str]) -> str | None:
    """The text where it has that form and reads as nobody's number; else None."""
    if text is None or len(text) > 128:
        return None
    said = text.decode("ascii", "replace")
    try:
        nobody(said)
    except ValidationError:
        return None
    return said if form.fullmatch(said) else None
