"""The vault: seals what identifies a person under a data key of its own. Satisfies the handlers' `Vault`.

The data key is random, used for one organisation's identity of one person only, and stored wrapped by the master key.
Both are AES-256-GCM, bound to the organisation's handle, so that nothing can be moved from one handle to another.
Whoever destroys the wrapped key destroys the identity, in every copy of the database that is written from then on.
What an organisation's referrals of a person say has a key of its own, for all of them: it is bound to the handle, and
each text to its journey. What is sealed names the master key that wrapped it: one seals, and those before it still
open. Never logs, never raises with a value in the text.
"""

import hashlib
import os
from collections.abc import Callable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.domain.contents import ContentKey, Contents
from services.intake.domain.participant import Identity, Sealed
from shared.language.errors import Halt
from shared.language.events import HandleId, JourneyId, Organisation, ParticipantId
from shared.runtime.keys import decoded

KEY_BYTES = 32
NONCE_BYTES = 12


class AesGcmVault:
    """AES-256-GCM with a key per handle.

    master_key seals and opens; those in `retired` only open what they sealed. random_bytes: a cryptographic source;
    others in tests only. Raises Halt for a key that is not 32 bytes long.
    """

    def __init__(
        self,
        master_key: bytes,
        random_bytes: Callable[[int], bytes] = os.urandom,
        retired: Sequence[bytes] = (),
    ) -> None:
        if any(len(key) != KEY_BYTES for key in (master_key, *retired)):
            raise Halt(
                "VAULT_MASTER_KEY, or a key of VAULT_RETIRED_KEYS, is not 32 bytes.",
                "Set each to 32 random bytes in base64.",
            )
        self._current = key_id(master_key)
        self._masters = {key_id(key): AESGCM(key) for key in (master_key, *retired)}
        self._random = random_bytes

    def seal(self, handle: HandleId, identity: Identity) -> Sealed:
        """Encrypt under a new data key."""
        key = self._random(KEY_BYTES)
        return Sealed(
            key_id=self._current,
            wrapped_key=self._encrypt(self._masters[self._current], key, b"key:" + handle.encode()),
            ciphertext=self._encrypt(
                AESGCM(key), msgspec.json.encode(identity), b"identity:" + handle.encode()
            ),
        )

    def unseal(self, sealed_for: HandleId | ParticipantId, sealed: Sealed) -> Identity:
        """Decrypt. sealed_for: the handle; for what was sealed before there were handles, the person's id.

        Raises Halt when the master key that sealed it is not here, or the bytes were changed.
        """
        master = self._master(sealed.key_id)
        try:
            key = self._decrypt(master, sealed.wrapped_key, b"key:" + sealed_for.encode())
            plain = self._decrypt(AESGCM(key), sealed.ciphertext, b"identity:" + sealed_for.encode())
        except InvalidTag:
            raise Halt(
                "A sealed identity cannot be opened.",
                "Its bytes were changed: restore the participant.",
            ) from None
        return msgspec.json.decode(plain, type=Identity)

    def new_content_key(self, handle: HandleId) -> ContentKey:
        """A new key for what the referrals of this handle say."""
        wrapped = self._encrypt(
            self._masters[self._current], self._random(KEY_BYTES), b"content-key:" + handle.encode()
        )
        return ContentKey(key_id=self._current, wrapped_key=wrapped)

    def seal_contents(
        self, handle: HandleId, journey_id: JourneyId, key: ContentKey, contents: Contents
    ) -> bytes:
        """Encrypt what the referral of this journey says. Raises Halt as `unseal` does."""
        cipher = self._content_cipher(handle, key)
        return self._encrypt(cipher, msgspec.json.encode(contents), b"contents:" + journey_id.encode())

    def unseal_contents(
        self, handle: HandleId, journey_id: JourneyId, key: ContentKey, sealed: bytes
    ) -> Contents:
        """Decrypt what the referral of this journey says. Raises Halt as `unseal` does."""
        cipher = self._content_cipher(handle, key)
        try:
            plain = self._decrypt(cipher, sealed, b"contents:" + journey_id.encode())
        except InvalidTag:
            raise Halt(
                "What a referral says cannot be opened.", "Its bytes were changed: restore its contents."
            ) from None
        return msgspec.json.decode(plain, type=Contents)

    def new_secret(self) -> bytes:
        """32 random bytes, for signing."""
        return self._random(KEY_BYTES)

    def seal_secret(self, organisation: Organisation, secret: bytes) -> Sealed:
        """Encrypt an organisation's secret under a new data key."""
        key, bound = self._random(KEY_BYTES), organisation.encode()
        return Sealed(
            key_id=self._current,
            wrapped_key=self._encrypt(self._masters[self._current], key, b"secret-key:" + bound),
            ciphertext=self._encrypt(AESGCM(key), secret, b"secret:" + bound),
        )

    def open_secret(self, organisation: Organisation, sealed: Sealed) -> bytes:
        """Decrypt an organisation's secret. Raises Halt as `unseal` does."""
        master, bound = self._master(sealed.key_id), organisation.encode()
        try:
            key = self._decrypt(master, sealed.wrapped_key, b"secret-key:" + bound)
            return self._decrypt(AESGCM(key), sealed.ciphertext, b"secret:" + bound)
        except InvalidTag:
            raise Halt(
                "A webhook's secret cannot be opened.",
                "Its bytes were changed: the organisation puts it anew.",
            ) from None

    def _content_cipher(self, handle: HandleId, key: ContentKey) -> AESGCM:
        master = self._master(key.key_id)
        try:
            return AESGCM(self._decrypt(master, key.wrapped_key, b"content-key:" + handle.encode()))
        except InvalidTag:
            raise Halt(
                "The key of what referrals say cannot be opened.",
                "Its bytes were changed: restore it from a backup.",
            ) from None

    def _master(self, name: str) -> AESGCM:
        master = self._masters.get(name)
        if master is None:
            raise Halt(
                f"Something was sealed under the master key {name}, which is not here.",
                "Give intake's web role that key in VAULT_RETIRED_KEYS.",
            )
        return master

    def _encrypt(self, cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, plain, bound_to)

    def _decrypt(self, cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


def key_id(master_key: bytes) -> str:
    """What a master key is called in what it sealed; the key itself, 256 random bits, cannot be found from it."""
    return hashlib.sha256(b"journeys.vault.key-id:" + master_key).hexdigest()[:16]


def vault_from(master_key: str | None, retired: Sequence[str] = ()) -> AesGcmVault:
    """The vault of master keys in base64, standard or URL-safe. Raises Halt saying what is wrong with them."""
    if not master_key:
        raise Halt("VAULT_MASTER_KEY is missing.", "Set it to 32 random bytes in base64.")
    return AesGcmVault(
        decoded("VAULT_MASTER_KEY", master_key),
        retired=[decoded("VAULT_RETIRED_KEYS", one) for one in retired],
    )
