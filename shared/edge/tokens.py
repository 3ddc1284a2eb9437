"""Authentication: bearer tokens of one OIDC issuer, checked against its published keys. Once for every role.

A caller whose key is known never waits for the issuer. `claims.py` reads who the token names; `issuers.py` finds the
issuer of a token.
"""

import base64
import binascii
import json
import re
import threading
import time
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jwt import JWTClaimsRegistry

from shared.edge.acting import Held
from shared.edge.claims import SpeaksFor, actors_in, refused
from shared.language.errors import Forbidden, Later

ALGORITHMS = ("RS256", "ES256")
TOKEN_CHARACTERS = 8192
HEADER_CHARACTERS = 1024
LEEWAY_SECONDS = 60
"""The allowed difference between the issuer's clock and ours (RFC 7519, 4.1.4: no more than a few minutes)."""
ASK_SECONDS = 10.0
"""An unknown key is asked for no sooner than so long after the last answer."""
REFRESH_SECONDS = 600.0
"""Known keys are fetched again so often, so that one that the issuer has taken back ends."""
FETCH_SECONDS = 3.0
KEYS_BYTES = 256 * 1024
LONGEST_PAUSE_SECONDS = 60.0
REMEMBERED, REMEMBERED_SECONDS = 1000, 30.0
"""The number of valid tokens that are remembered, and how long; the one seen longest ago is forgotten first.

Of a remembered token only its expiry is checked.
"""

_KID = re.compile(r"[\x21-\x7e]{1,200}\Z")

Fetch = Callable[[], Mapping[str, Any]]
log = structlog.get_logger()


class Keys:
    """The issuer's keys. Thread-safe. One thread at a time fetches; a caller whose key is known never waits for it.

    After a failure it pauses, twice as long each time. Known keys are kept however long the issuer is away.
    """

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._fetching = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._failures = 0
        self._again_at = 0.0

    def find(self, kid: str | None) -> Key:
        """The key of that id. Blocks for one fetch at most. Raises Forbidden for an unknown one, Later."""
        key = self._known(kid)
        if key is not None:
            self._renew()
            return key
        self._ask()
        key = self._known(kid)
        if key is None:
            raise Forbidden("unauthenticated", "The bearer token names no key of the issuer.")
        return key

    def _known(self, kid: str | None) -> Key | None:
        keys = self._keys
        if keys is None or (kid is None and len(keys.keys) != 1):
            return None
        return next((key for key in keys.keys if kid is None or key.kid == kid), None)

    def _ask(self) -> None:
        """Fetch, unless the last answer is fresh. Raises Later when it is not known whether the key is there."""
        # Without any key nobody can be served, so all wait for the first; later nobody waits for another's fetch.
        first = self._keys is None
        if not self._fetching.acquire(blocking=first, timeout=2 * FETCH_SECONDS if first else -1):
            raise _unreachable(1.0)
        try:
            if self._keys is not None and not self._failures and self._now() < self._fetched_at + ASK_SECONDS:
                return
            if self._now() < self._again_at:
                raise _unreachable(self._again_at - self._now())
            if not self._fetch_now():
                raise _unreachable(self._again_at - self._now())
        finally:
            self._fetching.release()

    def _renew(self) -> None:
        """Fetch known keys again beside the request, when it is time."""
        now = self._now()
        if now < max(self._fetched_at + REFRESH_SECONDS, self._again_at) or not self._fetching.acquire(
            blocking=False
        ):
            return

        def fetch() -> None:
            try:
                self._fetch_now()
            finally:
                self._fetching.release()

        threading.Thread(target=fetch, name="issuer-keys", daemon=True).start()

    def _fetch_now(self) -> bool:
        """Fetch the issuer's keys. Returns whether it gave them. The caller holds `_fetching`."""
        try:
            self._keys = KeySet.import_key_set(self._fetch())  # type: ignore[arg-type]
        except (JoseError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self._failures += 1
            self._again_at = self._now() + min(LONGEST_PAUSE_SECONDS, 2.0**self._failures)
            log.warning("issuer-unreachable", error=type(error).__name__, failures=self._failures)
            return False
        self._failures, self._fetched_at, self._again_at = 0, self._now(), 0.0
        return True


class Tokens:
    """Verifies tokens of one issuer. Thread-safe.

    speaks_for: whether the issuer is trusted for a unit; a token that names another is refused.
    """

    def __init__(self, keys: Keys, issuer: str, audience: str, speaks_for: SpeaksFor) -> None:
        self._keys = keys
        self._speaks_for = speaks_for
        self._claims = JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._remembering = threading.Lock()
        self._shown: OrderedDict[str, tuple[float, Held]] = OrderedDict()

    @classmethod
    def of(cls, jwks_url: str, issuer: str, audience: str, speaks_for: SpeaksFor) -> "Tokens":
        """The tokens of the issuer that publishes its keys at that address."""
        return cls(Keys(lambda: fetch_keys(jwks_url)), issuer, audience, speaks_for)

    def show(self, token: str) -> Held:
        """Return what the token holds. May block once for the issuer's keys.

        Raises Forbidden("unauthenticated"), and Later("issuer-unreachable") when its key cannot be fetched now.
        """
        known = self._known(token)
        if known is not None:
            try:
                self._claims.validate_exp(int(known.expires_at.timestamp()))
            except JoseError as error:
                raise refused(type(error).__name__) from None
            return known
        claims = self._signed(token)
        try:
            self._claims.validate(claims)
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except (JoseError, ValueError, OverflowError, OSError, TypeError) as error:
            raise refused(type(error).__name__) from None
        held = Held(actors_in(claims, self._speaks_for), expires_at)
        with self._remembering:
            self._shown[token] = (time.monotonic() + REMEMBERED_SECONDS, held)
            self._shown.move_to_end(token)
            if len(self._shown) > REMEMBERED:
                self._shown.popitem(last=False)
        return held

    def _known(self, token: str) -> Held | None:
        with self._remembering:
            known = self._shown.get(token)
            if known is None or time.monotonic() >= known[0]:
                return None
            self._shown.move_to_end(token)
            return known[1]

    def _signed(self, token: str) -> dict[str, Any]:
        """The claims of a token with a valid signature."""
        key = self._keys.find(_key_id(token))
        try:
            claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise refused(type(error).__name__) from None
        if not isinstance(claims, dict):
            raise refused("its claims are no object")
        return claims


def fetch_keys(jwks_url: str) -> Mapping[str, Any]:
    """The document at the issuer's address. Blocks FETCH_SECONDS. Raises OSError, ValueError."""
    with _OPENER.open(jwks_url, timeout=FETCH_SECONDS) as answer:
        document: Mapping[str, Any] = json.loads(answer.read(KEYS_BYTES))
    return document


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The keys are where the setting says, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _key_id(token: str) -> str | None:
    """The id of the key that the token names, read before anything else of it. Raises Forbidden."""
    if len(token) > TOKEN_CHARACTERS or token.count(".") != 2:
        raise refused("it is no signed token")
    head = token.partition(".")[0]
    if len(head) > HEADER_CHARACTERS:
        raise refused("its header is too long")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise refused("its header cannot be read") from None
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise refused("its algorithm is not taken")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and _KID.match(kid)):
        raise refused("its key's id cannot be read")
    return kid


def _unreachable(seconds: float) -> Later:
    return Later(
        "issuer-unreachable", "The token's key cannot be had now.", retry_after_seconds=max(1, round(seconds))
    )
