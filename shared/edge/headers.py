"""The meaning of request headers (RFC 9110), for every server alike, with one refusal for each cause.

Servers join fields of the same name with commas. Where only one value is allowed, a comma shows that there were
several.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from shared.edge.texts import names_participant
from shared.language.errors import Refused
from shared.language.forms import IDEMPOTENCY_KEY
from shared.language.revisions import Precondition

JSON = "application/json"
NDJSON = "application/x-ndjson"
UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
"""Names of charsets whose text can be read as UTF-8; ASCII is a subset."""

_LISTED = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
_PARTS = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*"?)+')
_RANGE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
_WEIGHT = re.compile(r"(?:0?\.[0-9]{1,3}|0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def unreadable(name: str, reason: str) -> Refused:
    """The refusal of one header; it says what the header takes."""
    return Refused("invalid-header", f"{name} cannot be read.", {name: [reason]})


def header_text(value: str) -> str:
    """The text of a header. value: its bytes, as Latin-1, as servers pass them on.

    The text is UTF-8 where possible, else Latin-1. Raises ValueError for a value that is neither.
    """
    raw = value.encode("latin-1")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = value
        if _CONTROLS.search(text):
            raise ValueError("neither UTF-8 nor Latin-1") from None
    return text.strip()


def idempotency_key(value: str | None) -> str:
    """The one key that a request names itself by. Raises Refused."""
    if not value:
        raise Refused("idempotency-key-missing", "Name the request in an Idempotency-Key header.")
    if not re.fullmatch(IDEMPOTENCY_KEY, value):
        reason = "Takes one key: 1 to 200 printable ASCII characters without blanks."
        raise unreadable("Idempotency-Key", reason)
    return value


def harmless_key(value: str | None) -> str:
    """The idempotency key of a request; it names nobody. Raises Refused."""
    key = idempotency_key(value)
    if names_participant(key):
        raise unreadable("Idempotency-Key", "Must not hold a personnummer; a random key names nobody.")
    return key


# --- the body --------------------------------------------------------------------------------------------


def content_type(value: str, taken: Sequence[str]) -> str:
    """The media type of the body, one of those taken. Raises Refused for another, and for JSON that is not UTF-8."""
    if len(_LISTED.findall(value)) > 1:
        raise unreadable("Content-Type", "Takes one media type; there are several.")
    media_type, parameters = _media_type(value)
    if media_type not in taken:
        raise Refused("unsupported-media-type", f"Send {' or '.join(taken)}.")
    if media_type in (JSON, NDJSON) and parameters.get("charset", "utf-8").lower() not in UTF_8:
        raise Refused("unsupported-media-type", f"Send {media_type} in UTF-8.")
    return media_type


def refuse_coded(content_encoding: str, content_range: str | None = None) -> None:
    """Refuse a body that is compressed, or a part of a whole. Raises Refused."""
    if content_range is not None:
        raise unreadable("Content-Range", "Is not taken: the body is the whole.")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise Refused(
            "unsupported-encoding", "Send the body as it is: the only Content-Encoding is identity."
        )


# --- the answer ------------------------------------------------------------------------------------------


def acceptable(accept: str | None, offered: Sequence[str]) -> str:
    """The offered media type that the caller prefers; the first one where it does not say.

    Unreadable parts are ignored. Of two equally preferred types the one named more exactly wins, then the first. All
    answers are UTF-8: a range with another charset matches nothing; other parameters make no difference. Raises
    Refused.
    """
    ranges = list(_ranges(accept or ""))
    if not ranges:
        return offered[0]
    liked = []
    for place, media_type in enumerate(offered):
        fitting = [(exact, weight) for one, exact, weight in ranges if _fits(media_type, one)]
        exact, weight = max(fitting, default=(0, 0.0))
        if weight > 0:
            liked.append((-weight, -exact, place, media_type))
    if not liked:
        raise Refused("not-acceptable", f"There is {' and '.join(offered)}.")
    return min(liked)[3]


def _ranges(accept: str) -> Iterator[tuple[str, int, float]]:
    """(media range, how exact it is, its weight); one of another charset fits nothing."""
    for one in _LISTED.findall(accept):
        media_range, parameters = _media_type(one)
        weight = parameters.get("q", "1")
        if not _RANGE.fullmatch(media_range) or not _WEIGHT.fullmatch(weight):
            continue
        if parameters.get("charset", "utf-8").lower() not in UTF_8:
            media_range = "none/none"
        yield media_range, 2 - media_range.count("*"), float(weight)


def _fits(media_type: str, media_range: str) -> bool:
    kind, _, rest = media_range.partition("/")
    return media_range in ("*/*", media_type) or (rest == "*" and media_type.startswith(f"{kind}/"))


def _media_type(text: str) -> tuple[str, Mapping[str, str]]:
    """The type in small letters and its parameters, without their quotes; of two of a name the first."""
    first, *others = _PARTS.findall(text) or [""]
    parameters: dict[str, str] = {}
    for one in others:
        name, _, value = one.strip().partition("=")
        parameters.setdefault(name.strip().lower(), re.sub(r"\\(.)", r"\1", value.strip().strip('"')))
    return first.strip().lower(), parameters


# --- what a change rests on ------------------------------------------------------------------------------


def precondition(if_match: str | None) -> Precondition | None:
    """The condition in If-Match, None without one. Raises Refused for a value that is neither `*` nor ETags."""
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return Precondition(True, frozenset())
    listed = [one for one in map(str.strip, _LISTED.findall(if_match)) if one]
    found = [_ETAG.fullmatch(one) for one in listed]
    if not found or None in found:
        raise unreadable("If-Match", 'Takes * or ETags as answers have them, as "3", separated by commas.')
    return Precondition(False, frozenset(one[2] for one in found if one is not None and not one[1]))
