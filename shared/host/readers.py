"""The text of an environment variable, read as a value of its kind. One function a kind; each raises Malformed.

No message repeats the text: it may be a secret.
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.language.forms import ORGANISATION
from shared.runtime.settings import Issuer

KEY_BYTES = 32


class Malformed(ValueError):
    """The text is no value of its variable. The message says what it must be, and never repeats it."""


def text(said: str) -> str:
    """The text itself."""
    return said


def texts(said: str) -> tuple[str, ...]:
    """Parts between commas, without the blanks around them."""
    return tuple(part.strip() for part in said.split(",") if part.strip())


def names(said: str) -> frozenset[str]:
    """The words, as a set."""
    return frozenset(texts(said))


def port(said: str) -> int:
    """A TCP port; 0 takes a free one."""
    if not said.isdecimal() or int(said) > 65535:
        raise Malformed("must be a port, 0 to 65535")
    return int(said)


def rate(said: str) -> float:
    """A number of requests a second."""
    try:
        value = float(said)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Malformed("must be a number, 0 or more")
    return value


def count(said: str) -> int:
    """A whole number."""
    if not said.isdecimal():
        raise Malformed("must be a whole number, 0 or more")
    return int(said)


def yes(said: str) -> bool:
    """Yes or no."""
    if said.lower() in ("1", "true", "yes", "on"):
        return True
    if said.lower() in ("0", "false", "no", "off"):
        return False
    raise Malformed("must be 1 or 0")


def local(said: str) -> bool:
    """Whether this is a stack of one machine; every other word means production."""
    return said == "local"


def one_of(*known: str) -> Callable[[str], str]:
    """Accept one of these words."""

    def read(said: str) -> str:
        if said not in known:
            raise Malformed(f"must be one of {', '.join(known)}")
        return said

    return read


def key(said: str) -> str:
    """A key, in standard or URL-safe base64; the text itself is handed on."""
    try:
        standard = said.replace("-", "+").replace("_", "/")
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise Malformed(f"must be {KEY_BYTES} random bytes in base64")
    return said


def keys(said: str) -> tuple[str, ...]:
    """Keys between commas."""
    return tuple(key(one) for one in texts(said))


def networks(said: str) -> tuple[str, ...]:
    """Networks such as 172.31.250.0/24, between commas."""
    try:
        for one in texts(said):
            ipaddress.ip_network(one, strict=False)
    except ValueError:
        raise Malformed("must be networks such as 172.31.250.0/24, comma-separated") from None
    return texts(said)


def issuers(said: str) -> tuple[Issuer, ...]:
    """Issuers of tokens: a JSON array of objects, each with `issuer`, `jwks_url` and `organisations`.

    No issuer is there twice, and no organisation has two.
    """
    try:
        listed = json.loads(said)
    except (ValueError, RecursionError):
        raise Malformed("must be JSON") from None
    if not isinstance(listed, list):
        raise Malformed("must be a JSON array")
    found = tuple(_issuer(one, number) for number, one in enumerate(listed, 1))
    if faults := list(_shared(found)):
        raise Malformed("; ".join(faults))
    return found


def _issuer(said: Any, number: int) -> Issuer:
    what = f"entry {number}"
    if not isinstance(said, Mapping) or said.keys() != {"issuer", "jwks_url", "organisations"}:
        raise Malformed(f"{what} must have issuer, jwks_url and organisations, and nothing else")
    for name in ("issuer", "jwks_url"):
        if not isinstance(said[name], str) or not re.fullmatch(r"https?://[!-~]+", said[name]):
            raise Malformed(f"{name} of {what} must be an address")
    units = said["organisations"]
    if not isinstance(units, list) or not units:
        raise Malformed(f"organisations of {what} must be a list of at least one code")
    if not all(isinstance(one, str) and re.fullmatch(ORGANISATION, one) for one in units):
        raise Malformed(f"organisations of {what} must each be the code of one unit")
    return Issuer(issuer=said["issuer"], jwks_url=said["jwks_url"], organisations=frozenset(units))


def _shared(found: tuple[Issuer, ...]) -> Iterator[str]:
    """What two of them have in common and may not."""
    taken: set[str] = set()
    for number, one in enumerate(found, 1):
        if any(one.issuer == earlier.issuer for earlier in found[: number - 1]):
            yield f"the issuer of entry {number} is there twice"
        yield from (f"{unit} has two issuers" for unit in sorted(taken & one.organisations))
        taken |= one.organisations
