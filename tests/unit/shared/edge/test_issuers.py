"""Several issuers: each is trusted for its own units alone, by its own keys alone."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from shared.edge.issuers import Issuers, issuers_of
from shared.edge.tokens import Keys, Tokens
from shared.language.errors import Later, Refused
from shared.runtime.settings import Issuer
from tools.contracts.services import NOWHERE

OWN, FK = "https://login.example", "https://login.fk.example"
FK_UNITS = frozenset({"forsakringskassan", "forsakringskassan-umea"})


def key(kid: str) -> RSAKey:
    made = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": kid})
    made.ensure_kid()
    return made


# The same id on purpose: an id says nothing of whose key it is.
KEYS = {OWN: key("k1"), FK: key("k1")}


def token(iss: Any, by: str, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": iss, "aud": "journeys", "sub": "p", "iat": now, "exp": now + 600}
    claims |= changed or {"organisation": "urkraft", "duty": "caseworker"}
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEYS[by])


def both(away: str = "") -> Issuers:
    """The two issuers, with keys that are fetched from here. away: the one that does not answer."""

    def fetch(issuer: str) -> Mapping[str, Any]:
        if issuer == away:
            raise OSError("away")
        return {"keys": [KEYS[issuer].as_dict(private=False)]}

    return Issuers(
        {
            OWN: Tokens(Keys(lambda: fetch(OWN)), OWN, "journeys", lambda unit: unit not in FK_UNITS),
            FK: Tokens(Keys(lambda: fetch(FK)), FK, "journeys", FK_UNITS.__contains__),
        }
    )


def asked(issuers: Issuers, said: str) -> str:
    try:
        return " ".join(f"{one.organisation}:{one.duty}" for one in issuers.show(said).actors)
    except Refused as refused:
        return refused.code


def unit(name: str) -> dict[str, Any]:
    return {"organisation": name, "duty": "caseworker"}


def test_each_speaks_for_its_own_units() -> None:
    issuers = both()
    assert asked(issuers, token(OWN, OWN)) == "urkraft:caseworker"
    assert asked(issuers, token(FK, FK, **unit("forsakringskassan"))) == "forsakringskassan:caseworker"
    several = {name: ["analyst"] for name in sorted(FK_UNITS)}
    assert asked(issuers, token(FK, FK, organisations=several)).count("analyst") == 2


@pytest.mark.parametrize(
    ("iss", "by", "said"),
    [
        (FK, FK, unit("urkraft")),
        (FK, FK, unit("plattform")),
        (FK, FK, {"organisations": {"forsakringskassan": ["caseworker"], "urkraft": ["caseworker"]}}),
        (FK, FK, unit("forsakringskassan-boden")),
        (OWN, OWN, unit("forsakringskassan")),
        (OWN, OWN, {"organisations": {"urkraft": ["owner"], "forsakringskassan-umea": ["owner"]}}),
        (OWN, FK, unit("urkraft")),
        (FK, OWN, unit("forsakringskassan")),
        ("https://login.elsewhere.example", FK, unit("forsakringskassan")),
        (f"{FK}/", FK, unit("forsakringskassan")),
        ([FK], FK, unit("forsakringskassan")),
        (None, FK, unit("forsakringskassan")),
    ],
)
def test_no_issuer_speaks_for_a_unit_of_another(iss: Any, by: str, said: dict[str, Any]) -> None:
    assert asked(both(), token(iss, by, **said)) == "unauthenticated"


def test_one_issuer_that_is_away_keeps_nobody_of_another_waiting() -> None:
    issuers = both(away=FK)
    with pytest.raises(Later) as later:
        issuers.show(token(FK, FK, **unit("forsakringskassan")))
    assert later.value.code == "issuer-unreachable"
    assert asked(issuers, token(OWN, OWN)) == "urkraft:caseworker"


def test_the_settings_say_who_speaks_for_whom() -> None:
    other = Issuer(issuer=FK, jwks_url=f"{FK}/jwks", organisations=FK_UNITS)
    found = issuers_of(replace(NOWHERE, oidc_issuer=OWN, oidc_other_issuers=(other,)))._tokens
    trusted = {issuer: one._speaks_for for issuer, one in found.items()}
    assert set(trusted) == {OWN, FK}
    for name, whose in (("urkraft", OWN), ("forsakringskassan", FK), ("forsakringskassan-boden", OWN)):
        assert {issuer for issuer, speaks_for in trusted.items() if speaks_for(name)} == {whose}
