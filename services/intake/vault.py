"""The vault: seals what identifies a person under a data key of its own. Satisfies the handlers' `Vault`.

The data key is random, used for one participant only, and stored wrapped by the master key; both are AES-256-GCM, bound
to the participant's id, so that nothing can be moved from one participant to another. Whoever destroys the wrapped key
destroys the identity, in every copy of the database that is written from then on. Never logs, never raises with a value
in the text.
"""

import base64
import binascii
import os
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.domain.participant import Identity, Sealed
from shared.errors import Halt
from shared.events import ParticipantId

KEY_BYTES = 32
NONCE_BYTES = 12


class AesGcmVault:
    """AES-256-GCM with a key per participant. random_bytes: a cryptographic source; others in tests only."""

    def __init__(self, master_key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        if len(master_key) != KEY_BYTES:
            raise Halt("VAULT_MASTER_KEY is not 32 bytes.", "Set it to 32 random bytes in base64.")
        self._master = AESGCM(master_key)
        self._random = random_bytes

    def seal(self, participant_id: ParticipantId, identity: Identity) -> Sealed:
        """Encrypt under a new data key."""
        key = self._random(KEY_BYTES)
        return Sealed(
            wrapped_key=self._encrypt(self._master, key, b"key:" + participant_id.encode()),
            ciphertext=self._encrypt(
                AESGCM(key), msgspec.json.encode(identity), b"identity:" + participant_id.encode()
            ),
        )

    def unseal(self, participant_id: ParticipantId, sealed: Sealed) -> Identity:
        """Decrypt. Raises Halt when the master key is not the one it was sealed under, or the bytes were changed."""
        try:
            key = self._decrypt(self._master, sealed.wrapped_key, b"key:" + participant_id.encode())
            plain = self._decrypt(AESGCM(key), sealed.ciphertext, b"identity:" + participant_id.encode())
        except InvalidTag:
            raise Halt(
                "A sealed identity cannot be opened.",
                "Start intake with the master key that sealed it; if it is the right one, restore the participant.",
            ) from None
        return msgspec.json.decode(plain, type=Identity)

    def _encrypt(self, cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, plain, bound_to)

    def _decrypt(self, cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


def vault_from(master_key: str | None) -> AesGcmVault:
    """The vault of a master key in base64, standard or URL-safe. Raises Halt saying what is wrong with it."""
    if not master_key:
        raise Halt("VAULT_MASTER_KEY is missing.", "Set it to 32 random bytes in base64.")
    try:
        key = base64.b64decode(
            master_key.replace("-", "+").replace("_", "/") + "=" * (-len(master_key) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        raise Halt("VAULT_MASTER_KEY is not base64.", "Set it to 32 random bytes in base64.") from None
    return AesGcmVault(key)
