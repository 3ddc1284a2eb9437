"""Who is asking: bearer tokens of an OIDC issuer, checked against its published keys."""

import json
import time
import urllib.request
from threading import Lock

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from shared.access import CASE, FIGURES, Actor, Duty
from shared.errors import Forbidden

ALGORITHMS = ["RS256", "ES256"]
REFRESH_SECONDS = 30.0
REMEMBERED, REMEMBERED_SECONDS = 1000, 30.0
DUTIES: frozenset[Duty] = CASE | FIGURES | {"operator"}


class Tokens:
    """Verifies tokens of one issuer. Thread-safe; fetches the keys when it meets one it does not know."""

    def __init__(self, jwks_url: str, issuer: str, audience: str) -> None:
        self._jwks_url = jwks_url
        self._claims = JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
            organisation={"essential": True},
            duty={"essential": True},
        )
        self._lock = Lock()
        self._keys: KeySet | None = None
        self._fetched_at = -REFRESH_SECONDS
        self._read: dict[str, tuple[float, jwt.Claims]] = {}

    def verify(self, token: str) -> Actor:
        """The actor whom the token names. Blocks while keys are fetched. Raises Forbidden("unauthenticated")."""
        try:
            claims = self._signed(token)
            self._claims.validate(claims)
        except (JoseError, ValueError, OSError) as error:
            raise Forbidden(
                "unauthenticated", f"The bearer token was refused: {type(error).__name__}."
            ) from None
        if claims["duty"] not in DUTIES:
            raise Forbidden("unauthenticated", "The bearer token names no known duty.")
        return Actor(str(claims["sub"]), str(claims["organisation"]), claims["duty"])

    def _signed(self, token: str) -> jwt.Claims:
        """What a token says whose signature is right; checked anew when REMEMBERED_SECONDS have passed."""
        known = self._read.get(token)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        claims = self._decode(token)
        if len(self._read) >= REMEMBERED:
            self._read.clear()
        self._read[token] = (time.monotonic() + REMEMBERED_SECONDS, claims)
        return claims

    def _decode(self, token: str) -> jwt.Claims:
        try:
            return jwt.decode(token, self._known_keys(), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            if not self._refresh():
                raise
            return jwt.decode(token, self._known_keys(), algorithms=ALGORITHMS).claims

    def _known_keys(self) -> KeySet:
        if self._keys is None:
            self._refresh()
        if self._keys is None:
            raise OSError("The issuer's keys could not be fetched.")
        return self._keys

    def _refresh(self) -> bool:
        """Fetch the keys anew, at most twice a minute. Returns whether it did."""
        with self._lock:
            if time.monotonic() - self._fetched_at < REFRESH_SECONDS and self._keys is not None:
                return False
            with urllib.request.urlopen(self._jwks_url, timeout=5) as answer:  # noqa: S310 - a setting, not input
                self._keys = KeySet.import_key_set(json.load(answer))
            self._fetched_at = time.monotonic()
            return True
