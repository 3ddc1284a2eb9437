"""Bytes from outside: bounded in size whatever their form, and JSON that is read strictly.

Requests and Kafka records are read alike. The cost in time and memory is a small multiple of the size. Depth and the
size of numbers are bounded. NaN, half of a surrogate pair and bytes that are not UTF-8 are not accepted as JSON. An
object that has a name twice is refused, because readers differ in which of the two values counts (RFC 8259, section
4). No error repeats a value.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec

from shared.language.errors import Invalid, Refused
from shared.language.signs import normal_form

BODY_LIMIT_BYTES = 64 * 1024
"""Of one command as JSON, in a request or a record. A route that takes files has a limit of its own."""
CHUNK_BYTES = 32 * 1024
"""Of a body that is read from the connection, at once."""
NAMEABLE = re.compile(r"(?!(?:[^0-9]*[0-9]){4})[A-Za-z0-9_-]{1,40}")
"""Field names that an answer may repeat: words and codes. Anything else, four digits too, might identify somebody."""
MOST_TOLD = 100
"""Wrong fields that one answer names; no schema has as many."""
SAID_TWICE = "Is said twice; a field has one value."

MOST_COMPARED = 400
"""Characters of a reference that is brought into normal form; a longer one is refused anyhow."""

MARK = b"\xef\xbb\xbf"
"""The byte order mark that Windows writes before UTF-8; RFC 8259 lets a reader skip it."""
_read = msgspec.json.Decoder().decode


class Stream(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most this many bytes; none at the end."""


def whole_body(environ: Mapping[str, Any], limit: int) -> bytes:
    """The body of a WSGI request, at most `limit` bytes, whether its length was told or it comes in chunks.

    Reads no more than one byte over the limit. Raises Refused for a longer one, and for one that ends too early.
    """
    told = environ.get("CONTENT_LENGTH") or None
    if environ.get("wsgi.input_terminated"):
        length = None
    elif told is None:
        return b""
    elif told.isascii() and told.isdecimal() and len(told) <= 15:
        length = int(told)
    else:
        raise Refused("unreadable-body", "Content-Length is no length.")
    if length is not None and length > limit:
        raise too_large(limit)
    wanted = limit + 1 if length is None else length
    body = b"".join(_chunks(environ["wsgi.input"], wanted))
    if len(body) > limit:
        raise too_large(limit)
    if length is not None and len(body) < length:
        raise Refused("unreadable-body", "The body ends before its Content-Length.")
    return body


def _chunks(stream: Stream, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (chunk := stream.read(min(wanted, CHUNK_BYTES))):
        wanted -= len(chunk)
        yield chunk


def too_large(limit: int) -> Refused:
    """The refusal of a body that is longer than allowed."""
    return Refused("body-too-large", f"At most {limit} bytes.")


class Doubled(Invalid):
    """An object that says a name twice. once: the members of the whole that are not said twice anywhere."""

    once: Mapping[str, Any] = {}

    def within(self, whole: Any) -> "Doubled":
        """This refusal, of an object in that."""
        members = whole if isinstance(whole, dict) else {}
        self.once = {name: one for name, one in members.items() if name not in (self.errors or {})}
        return self


def read_object(text: bytes) -> dict[str, Any]:
    """The JSON object (RFC 8259, UTF-8, with or without a mark) that the bytes hold.

    Raises Refused when they are no JSON, Invalid when it is no object, Doubled when one in it says a name twice.
    """
    found: Any = None
    try:
        text = text.removeprefix(MARK)
        found = _read(text)
        _look_for_doubles(text.decode())
    except Doubled as doubled_in:
        raise doubled_in.within(found) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused("unreadable-body", "It is not valid JSON in UTF-8.") from None
    if not isinstance(found, dict):
        raise Invalid({"body": ["Must be a JSON object."]})
    return found


def _said_once(members: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that says a name twice; nothing is made of it, since it was read already."""
    if len(members) > 1 and len({name for name, _ in members}) < len(members):
        raise Doubled(doubled(name for name, _ in members))


_look_for_doubles = json.JSONDecoder(object_pairs_hook=_said_once, parse_int=len, parse_float=len).decode
"""Reads in C what msgspec, which keeps the last of two values, has found valid."""


def doubled(names: Iterable[str]) -> dict[str, list[str]]:
    """The errors for those of the names that are there twice; one that may identify somebody is not repeated."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    return {name if NAMEABLE.fullmatch(name) else "body": [SAID_TWICE] for name in twice}


def nameable(errors: Mapping[Any, object], otherwise: str = "body") -> dict[str, object]:
    """The errors at every depth, under names that an answer may repeat; all others under `otherwise`.

    Errors beyond MOST_TOLD are only counted: each may be longer than the field that caused it.
    """
    shown: dict[str, object] = {}
    more = len(errors) - MOST_TOLD
    if more > 0:
        shown[otherwise] = [f"And {more} more fields are wrong."]
    for name, told in islice(errors.items(), MOST_TOLD):
        kept = str(name) if isinstance(name, int) or NAMEABLE.fullmatch(name) else otherwise
        reasons = nameable(told, otherwise) if isinstance(told, Mapping) else told
        before = shown.get(kept)
        if isinstance(before, list) and isinstance(reasons, list):
            reasons = list(dict.fromkeys([*before, *reasons]))
        shown[kept] = reasons
    return shown


def content_of(said: Any) -> bytes:
    """A canonical form: equal bytes for every JSON text with the same meaning.

    The order of fields, blanks, escapes, 1 for 1.0, and composed or decomposed letters make no difference. A null
    field equals a field that was left out; a reference counts in its normal form. Raises Refused for a value that is
    nested too deep.
    """
    try:
        return json.dumps(_plain(said), sort_keys=True, separators=(",", ":")).encode()
    except RecursionError:
        raise Refused("unreadable-body", "It is nested too deep.") from None


def _plain(said: Any) -> Any:
    match said:
        case dict():
            return {name: _member(name, one) for name, one in said.items() if one is not None}
        case list():
            return [_plain(one) for one in said]
        case float():
            return int(said) if said.is_integer() else said
        case str():
            return unicodedata.normalize("NFC", said)
        case _:
            return said


def _member(name: str, one: Any) -> Any:
    known_by = name == "reference" and isinstance(one, str) and len(one) <= MOST_COMPARED
    return normal_form(one) if known_by else _plain(one)
