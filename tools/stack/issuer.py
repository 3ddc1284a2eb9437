"""A tiny OIDC issuer for this machine only: whoever has the stack's client secret gets any token.

It takes the place of an organisation's own identity provider. So services verify real signed tokens against a real key
set, and need no mode of their own for tests.

    POST /token   grant_type=client_credentials&client_id=<organisation>:<duty>&client_secret=<secret>
                  a token that holds several: client_id=<organisation>:<duty>,<organisation>:<duty>
                  optional: person=<handle>, expires_in=<seconds, negative for a token already expired>

Tokens run on real time, whatever the stack's driven clock says.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import time
from collections.abc import Sequence
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

from tools.stack.settings import AUDIENCE, Settings

DUTIES = ("caseworker", "supervisor", "analyst", "operator", "owner", "registrar")
LIFETIME_SECONDS = 12 * 60 * 60
_CLIENT = re.compile(r"(?P<organisation>[a-z0-9][a-z0-9-]{0,63}):(?P<duty>[a-z]+)")


def sign(
    key: RSAKey,
    issuer: str,
    held: Sequence[tuple[str, str]],
    *,
    person: str | None = None,
    seconds: int = LIFETIME_SECONDS,
) -> str:
    """A token with the claims every service reads: sub (the person), and organisation and duty, or organisations.

    held: each organisation with a duty there, at least one.
    """
    now = int(time.time())
    organisation, duty = held[0]
    several: dict[str, list[str]] = {}
    for where, what in held:
        several.setdefault(where, []).append(what)
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": person or f"{organisation}:{duty}:1",
        **({"organisations": several} if len(held) > 1 else {"organisation": organisation, "duty": duty}),
        "iat": min(now, now + seconds),
        "exp": now + seconds,
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT"}, claims, key)


def application(settings: Settings, issuer: str) -> Flask:
    """The issuer's three routes. issuer: the address by which clients know it, the `iss` of its tokens."""
    key, secret = settings.credentials.signing_key(), settings.credentials.client_secret()
    public: dict[str, Any] = {"keys": [key.as_dict(private=False)]}
    app = Flask("issuer")

    @app.get("/healthz")
    @app.get("/readyz")
    def healthy() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/.well-known/openid-configuration")
    def configuration() -> ResponseReturnValue:
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks.json",
            "token_endpoint": f"{issuer}/token",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }

    @app.get("/jwks.json")
    def key_set() -> ResponseReturnValue:
        return public

    @app.post("/token")
    def token() -> ResponseReturnValue:
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return {"error": "unsupported_grant_type"}, 400
        if not hmac.compare_digest(form.get("client_secret", "").encode(), secret.encode()):
            return {"error": "invalid_client"}, 401
        named = [_CLIENT.fullmatch(one) for one in form.get("client_id", "").split(",")]
        held = [(one["organisation"], one["duty"]) for one in named if one and one["duty"] in DUTIES]
        if len(held) < len(named):
            description = f"client_id is <organisation>:<duty>, duty one of {', '.join(DUTIES)}"
            return {"error": "invalid_request", "error_description": description}, 400
        seconds = form.get("expires_in", LIFETIME_SECONDS, type=int)
        signed = sign(key, issuer, held, person=form.get("person"), seconds=seconds)
        return {"access_token": signed, "token_type": "Bearer", "expires_in": seconds}

    return app


class _KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


def main() -> None:
    """Serve on the stack's issuer port until terminated.

    HTTP_HOST (127.0.0.1) and OIDC_ISSUER (that address) are set where it runs in a container of its own.
    """
    settings = Settings.from_environment(os.environ)
    host = os.environ.get("HTTP_HOST", "127.0.0.1")
    app = application(settings, os.environ.get("OIDC_ISSUER") or settings.url("issuer"))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    make_server(host, settings.port("issuer"), app, threaded=True, request_handler=_KeepAlive).serve_forever()


if __name__ == "__main__":
    main()
