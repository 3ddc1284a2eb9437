"""Fingerprints recognise a repeated request without revealing its content.

A plain hash of a body with a name in it can be guessed: personnummer are few, and names can be tried one by one. So
every fingerprint is an HMAC under FINGERPRINT_KEY, which is never stored beside fingerprints. Each has a kind;
fingerprints of different kinds are never equal.
"""

import hmac

from shared.language.errors import Halt
from shared.runtime.keys import decoded

KEY_BYTES = 32


class Fingerprints:
    """Makes fingerprints under one key. Raises Halt for a key that is not 32 bytes long."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Halt("FINGERPRINT_KEY is not 32 bytes.", "Set it to 32 random bytes in base64.")
        self._key = key

    def of(self, kind: str, *parts: str | bytes) -> str:
        """64 hex digits for these parts in this order: equal for equal ones, and unlike for all others."""
        told = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts]
        # Each length stands before its part, so that no two lists of parts are written alike.
        text = b"".join(b"%d:%b" % (len(part), part) for part in (kind.encode(), *told))
        return hmac.digest(self._key, text, "sha256").hex()


def fingerprints_from(key: str | None) -> Fingerprints:
    """Fingerprints under the key that a setting holds, in either base64. Raises Halt naming what to set."""
    if not key:
        raise Halt("FINGERPRINT_KEY is missing.", "Set it to 32 random bytes in base64.")
    return Fingerprints(decoded("FINGERPRINT_KEY", key))
