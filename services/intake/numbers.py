"""Personal numbers as keyed hashes: the same number is found again, and none can be read or guessed from the database.

A number is an HMAC-SHA-256 under each key of NUMBER_KEYS. The keys are never stored, and they are others than those of
the vault: whoever has one of the two, and the database, still has no number. A person is found under any of the keys,
and is kept under all of them. So processes that know fewer keys find the same person while a key is changed.
"""

import hashlib
from collections.abc import Mapping, Sequence

from shared.language.errors import Halt
from shared.runtime.fingerprint import KEY_BYTES, Fingerprints
from shared.runtime.keys import decoded

KIND = "personal-number"


class Numbers:
    """Digests of personal numbers. keys: of 32 bytes each, the newest first. Raises Halt for others, and for none."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise Halt(
                "NUMBER_KEYS has no key, or one that is not 32 bytes.",
                "Set each to 32 random bytes in base64.",
            )
        self._keys = {_key_id(key): Fingerprints(key) for key in keys}

    @property
    def newest(self) -> str:
        """The id of the key that every number is to be found under."""
        return next(iter(self._keys))

    @property
    def known(self) -> tuple[str, ...]:
        """The ids of all keys, the newest first."""
        return tuple(self._keys)

    def of(self, number: str | None) -> Mapping[str, str]:
        """{key id: digest} of a number in its normal form of 12 digits, the newest key first; empty for none."""
        if number is None:
            return {}
        return {name: key.of(KIND, number) for name, key in self._keys.items()}


def _key_id(key: bytes) -> str:
    """What a key is called in the rows; the key itself, 256 random bits, cannot be found from it."""
    return hashlib.sha256(b"journeys.numbers.key-id:" + key).hexdigest()[:16]


def numbers_from(keys: Sequence[str]) -> Numbers:
    """The digests under keys in base64, standard or URL-safe. Raises Halt saying what is wrong with them."""
    return Numbers([decoded("NUMBER_KEYS", one) for one in keys])
