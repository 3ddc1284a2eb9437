"""Several token issuers, each trusted for its own units alone. Once for every role.

Each unit has exactly one issuer: the one that the settings name for it, and otherwise the platform's own. A token's
claim `iss` only says whose keys to try. Its signature, its issuer and its units are then checked against that issuer.
One issuer that is away keeps nobody waiting whose token is another's.
"""

import base64
import binascii
import json
from collections.abc import Mapping

from shared.edge.acting import Held
from shared.edge.claims import refused
from shared.edge.tokens import TOKEN_CHARACTERS, Tokens
from shared.language.events import Organisation
from shared.runtime.settings import Settings


class Issuers:
    """Verifies the tokens of several issuers. Thread-safe. Satisfies `shared.edge.callers.Shower`.

    tokens: those of each issuer, by its `iss`.
    """

    def __init__(self, tokens: Mapping[str, Tokens]) -> None:
        self._tokens = tokens

    def show(self, token: str) -> Held:
        """What the token holds. Raises as `Tokens.show`."""
        found = self._tokens.get(_issuer_of(token))
        if found is None:
            raise refused("its issuer is none that is trusted here")
        return found.show(token)


def issuers_of(settings: Settings) -> Issuers:
    """The issuers that the settings name. Nobody is asked for keys yet."""
    audience, others = settings.oidc_audience, settings.oidc_other_issuers
    elsewhere: frozenset[Organisation] = frozenset().union(*(one.organisations for one in others))
    found = {
        one.issuer: Tokens.of(one.jwks_url, one.issuer, audience, one.organisations.__contains__)
        for one in others
    }
    own = Tokens.of(
        settings.oidc_jwks_url, settings.oidc_issuer, audience, lambda unit: unit not in elsewhere
    )
    return Issuers({**found, settings.oidc_issuer: own})


def _issuer_of(token: str) -> str:
    """The issuer that a token names, unproved. Raises Forbidden for one that cannot be read."""
    parts = token.split(".")
    if len(token) > TOKEN_CHARACTERS or len(parts) != 3:
        raise refused("it is no signed token")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise refused("its claims cannot be read") from None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(issuer, str):
        raise refused("it names no issuer")
    return issuer
